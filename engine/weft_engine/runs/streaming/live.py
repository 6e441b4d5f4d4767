"""A run that lives: a flow in streaming mode, from its start until it ends or is stopped."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from weft_engine.compiler.lowered import NodeBuildError
from weft_engine.compiler.program import Program
from weft_engine.compiler.streaming import lower_live
from weft_engine.compiler.streaming_parts import Parts, divide
from weft_engine.compiler.streaming_queues import bounded
from weft_engine.errors import WeftError
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.base import JobCancelledError, OperatorError
from weft_engine.kernel.coordinator import Job, JobEvent, start_job
from weft_engine.kernel.planner import make_physical
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.sources.ingress import with_logs
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import HALT, RunControl
from weft_engine.runs.engine.sink import NodeSink
from weft_engine.runs.engine.story import Story
from weft_engine.runs.engine.telling import EmitAll, Voice
from weft_engine.runs.journal.base import Journal
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import NodeResult, NodeState, RunRequest, RunResult, RunState
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes
from weft_engine.runs.streaming.backends import backend_of
from weft_engine.runs.streaming.before import values_before
from weft_engine.runs.streaming.board import PROGRESS_S, Board
from weft_engine.runs.streaming.commands import judge
from weft_engine.runs.streaming.context import RunFacts, forget_scope, scope_of
from weft_engine.runs.streaming.handover import SAVEPOINT_S, LiveRuns, halt, take_over
from weft_engine.runs.streaming.news import OVER, JobNews
from weft_engine.runs.streaming.places import Places, safe
from weft_engine.runs.streaming.points import Points
from weft_engine.runs.streaming.saying import leave, listen
from weft_engine.runs.streaming.settings import settings_of
from weft_engine.runs.streaming.starting import around_of, facts_of
from weft_engine.runs.tracker import describe

log = logging.getLogger(__name__)

_NAME: Final = "stream"
_SKIPPED: Final = 10_000_000
"""Events of a live run are not all stored: who goes on with it counts on from far behind the last
that was, so that no number is given twice."""


@dataclass(slots=True)
class _AtWork:
    """The parts of a run whose job has begun."""

    job: Job
    backend: Backend
    board: Board
    news: JobNews
    points: Points


class LiveRun:
    """One live run, in the thread that calls `go`."""

    def __init__(
        self,
        request: RunRequest,
        program: Program,
        *,
        emit: EmitAll,
        store: OutputStore,
        data: Path,
        runs: LiveRuns,
        control: RunControl,
        journal: Journal | None = None,
    ) -> None:
        """Get it ready.

        Args:
            request: What is asked for.
            program: The flow, compiled.
            emit: Takes events, in order.
            store: Keeps what the nodes before the stream gave.
            data: The data directory.
            runs: The live runs of this process.
            control: How it is told something.
            journal: Its entry in the journal; None where it is not to survive the process.
        """
        self.request = request
        self.compiled = program.top.compiled
        self.places = Places(data, request.stream or request.run_id, request.run_id)
        last = request.last_seq + (_SKIPPED if request.resume and request.last_seq else 0)
        self.voice = Voice(request.run_id, emit, last)
        self._story = Story(self.voice, store)
        self._store = store
        self._runs = runs
        self._control = control
        self._journal = journal
        self._began = monotonic()
        self._work: _AtWork | None = None
        self._replaced_by: str | None = None
        self._stands = False
        self._stopped_at: str | None = None
        """The node of the breakpoint at which the stream stands still."""
        self._halted = False

    def go(self) -> RunResult:
        """Run until it ends; whatever happens is in the result.

        When the run was lost to another engine the result says running.
        """
        resumed = self.request.resume and self.request.last_seq
        nodes = sorted(n for n in self.compiled.wiring.order if n in self.compiled.nodes)
        self.voice.say("run_resumed" if resumed else "run_started", None, {"nodes": nodes})
        self.voice.flush()
        self._control.judge = judge
        listen(self.request.run_id, lambda message: self._control.box.put(("said", message)))
        try:
            return self._go()
        finally:
            self._runs.remove(self.request.run_id)
            leave(self.request.run_id)
            forget_scope(self.request.run_id)
            if self._work is not None:
                self._work.backend.close()

    def _go(self) -> RunResult:
        try:
            self._start()
        except JobCancelledError:
            return self._end(RunState.CANCELLED)
        except OperatorError as error:
            node = error.vertex.owner
            described = describe(error.cause, node or None, error.attempt, error.record)
            return self._end(RunState.FAILED, described)
        except NodeBuildError as error:
            cause = error.__cause__ or error
            return self._end(RunState.FAILED, describe(cause, error.node, 1, None))
        except (WeftError, TimeoutError, OSError) as error:
            return self._end(RunState.FAILED, describe(error, None, 1, None))
        return self._follow()

    # The start

    def _start(self) -> None:
        flow = self.compiled.flow
        parts = divide(self.compiled)
        settings = settings_of(self.request, flow, self.places)
        facts = facts_of(self.request, self.compiled, self.places, {})
        values = self._before(parts, facts)
        facts = facts_of(self.request, self.compiled, self.places, values)
        live = lower_live(self.compiled, parts, values, around_of(facts, self.places, settings))
        backend = backend_of(self.request.env, live, self.compiled)
        try:
            self.places.run.mkdir(mode=0o700, parents=True, exist_ok=True)
            id_ = f"{safe(self.places.stream)}-{uuid4().hex[:8]}"
            graph = with_logs(live.graph, settings, _NAME, id_, adopt=True)
            plan = bounded(make_physical(graph, settings, _NAME), live.queues)
            resume = self._resume(plan)
            board, points = Board(self.voice, live), Points(self.places.points, live)
            points.set(self.request.breakpoints)
            job = start_job(
                JobSpec(id_, plan, settings, None, {}, {}),
                backend,
                resume=resume,
                allow_dropped=True,
                listeners=[self._heard],
            )
        except BaseException:
            backend.close()
            raise
        self._work = _AtWork(job, backend, board, JobNews(self.voice, board), points)
        self._runs.add(self.request.run_id, self)
        board.begin()
        self.voice.flush()

    def _before(self, parts: Parts, facts: RunFacts) -> dict[tuple[str, str], Any]:
        scope = scope_of(facts)
        scope.cancel = self._control.stopped
        sink = NodeSink(self._story, "", "")
        return values_before(self.compiled, parts, self.places, scope, sink, self._store)

    def _resume(self, plan: Any) -> str | Path | None:
        """Where to begin: at the run's own checkpoint, at the state of the run before, or anew."""
        if any(self.places.checkpoints.rglob("*")) if self.places.checkpoints.exists() else False:
            return "latest"
        if self.request.continues is None:
            return "latest" if self.request.resume else None
        former = Places(self.places.data, self.places.stream, self.request.continues)
        return take_over(
            self._runs, former, self.places, plan, allow_dropped=self.request.allow_dropped_state
        )

    # While it lives

    def _heard(self, event: JobEvent) -> None:
        if event.kind != "metrics":
            self._control.box.put(("job", event))

    def _follow(self) -> RunResult:
        work = self._work
        if work is None:
            raise LookupError(self.request.run_id)
        stopping = False
        while True:
            over = self._take(work)
            if over is not None:
                work.board.tell(work.job.metrics(), at_once=True)
                return self._over(over, work.news.failure() if over == "failed" else None)
            if (self._control.stopped.is_set() or self._lost()) and not stopping:
                stopping = True
                work.job.cancel()
            work.board.tell(work.job.metrics())
            self.voice.flush()

    def _lost(self) -> bool:
        return self._journal is not None and self._journal.lost()

    def _take(self, work: _AtWork) -> str | None:
        """Work off what has come; how the job has ended if it has."""
        over: str | None = None
        wait = PROGRESS_S
        while True:
            try:
                message = self._control.box.get(timeout=wait)
            except Empty:
                return over
            wait = 0.0005
            if not message:
                continue
            if isinstance(message[0], Command):
                self._command(work, message[0])
            elif message[0] == "said":
                self._said(work, message[1])
            elif message[0] == HALT and over is None:
                self._halt(work)
            elif message[0] == "job":
                over = work.news.take(message[1]) or over
            if self._control.stopped.is_set() and over is None:
                return None

    def _said(self, work: _AtWork, message: Mapping[str, Any]) -> None:
        kind, node = message["kind"], str(message["node"])
        if kind == "counts":
            work.board.take(message)
        elif kind == "log":
            self._story.log(node, "", str(message["level"]), str(message["message"]))
        elif kind == "broke":
            work.news.broke = message["failure"]
        elif kind == "sample":
            point = work.points.known.get(message["point"])
            data = {"port": message["port"], "records": message["records"], "live": True}
            self.voice.say("node_sample", point.node if point is not None else node, data)
        elif kind == "stop":
            self._stop(work, message)

    # What it is told

    def _command(self, work: _AtWork, command: Command) -> None:
        if command.kind == "pause" and not self._stands:
            self._stand(work, "asked")
        elif command.kind == "resume" and self._stands:
            self._stands = False
            work.points.go_on()
            work.job.resume()
            if self._stopped_at is not None:
                self.voice.say("breakpoint_left", self._stopped_at, {"at": f"{self._stopped_at}@"})
                self._stopped_at = None
            self.voice.say("run_resumed", None, {})
        elif command.kind == "breakpoints":
            work.points.set(command.breakpoints)

    def _stand(self, work: _AtWork, reason: str) -> None:
        self._stands = True
        work.job.pause()
        self.voice.say("run_paused", None, {"reason": reason})

    def _stop(self, work: _AtWork, message: Mapping[str, Any]) -> None:
        """The whole stream stands still because of a record."""
        point = work.points.known.get(message["point"])
        if point is None or self._stands:
            return
        value = {"kind": "value", "count": 1, "kept": 1, "size": 0, "inline": message["record"]}
        stop = {"at": f"{point.node}@", "scope": "", "when": point.when, "reason": "breakpoint",
                "hit": message["hit"], "values": {message["port"]: value}}  # fmt: skip
        self._stopped_at = point.node
        self.voice.say("breakpoint_hit", point.node, stop)
        self._stand(work, "breakpoint")

    def _halt(self, work: _AtWork) -> None:
        """Write a savepoint, which its checkpoints have too, and rest; it goes on from there."""
        self._halted = True
        try:
            halt(work.job, self.places)
        except (WeftError, TimeoutError) as error:
            if getattr(error, "code", "") == "job.not_running":  # it has just ended
                self._halted = False
                return
            text = f"There is no savepoint: {error}. It goes on from the last checkpoint."
            self.voice.say("log", None, {"level": "warning", "message": text})
            work.job.cancel()

    # Others ask for its state, on their threads

    def savepoint(self, path: Path) -> None:
        """Write down its state, and go on."""
        if self._work is not None:
            self._work.job.savepoint(path, timeout=SAVEPOINT_S)

    def give_way(self, path: Path, to: str) -> None:
        """Write down its state, and end: another takes its place."""
        if self._work is not None:
            self._replaced_by = to
            try:
                self._work.job.savepoint(path, stop=True, timeout=SAVEPOINT_S)
            except BaseException:
                self._replaced_by = None
                raise

    # The end

    def _over(self, state: str, failure: dict[str, Any] | None) -> RunResult:
        if state == "failed":
            return self._end(RunState.FAILED, failure)
        if self._halted and not self._lost():
            return self._rest()
        return self._end(RunState(OVER[state]))

    def _rest(self) -> RunResult:
        """Who asks for it lets it go on."""
        if self._journal is not None:
            self._journal.end("paused")
        self.voice.say("run_paused", None, {"reason": "savepoint"})
        self.voice.flush()
        return self._result(RunState.PAUSED, stands=True)

    def _end(self, state: RunState, failure: dict[str, Any] | None = None) -> RunResult:
        lost = self._lost()
        if self._work is not None and not lost:
            self._work.board.end(NodeState(state.value) if failure is None else
                                 NodeState.CANCELLED, failure)  # fmt: skip
        duration_ms = round((monotonic() - self._began) * 1000, 3)
        data: dict[str, Any] = {"duration_ms": duration_ms}
        if failure is not None:
            data |= {"failure": failure, "never_ran": []}
        if self._replaced_by is not None and state is RunState.COMPLETED:
            data["replaced_by"] = self._replaced_by
        if not lost:
            if self._journal is not None:
                self._journal.end(state.value)
            self.voice.end(f"run_{state.value}", data)
        return self._result(RunState.RUNNING if lost else state, failure)

    def _result(
        self, state: RunState, failure: dict[str, Any] | None = None, *, stands: bool = False
    ) -> RunResult:
        results: dict[str, NodeResult] = dict(self._story.results)
        if self._work is not None:
            results |= self._work.board.results
        return RunResult(
            run_id=self.request.run_id,
            state=state,
            nodes=results,
            failure=failure,
            duration_ms=round((monotonic() - self._began) * 1000, 3),
            stands=stands,
        )
