"""One run of a program, from its beginning, or from where it was left, to its end or a rest."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from weft_engine.compiler.program import Program, ScopePlan
from weft_engine.compiler.selection import Selection
from weft_engine.flow.model import Flow
from weft_engine.flow.topology import chains, parents
from weft_engine.kernel.backends.local import BATCH_SIZE
from weft_engine.nodes.context import Files
from weft_engine.runs.context import RunScope
from weft_engine.runs.engine.attempts import Attempts
from weft_engine.runs.engine.call_units import CallUnits
from weft_engine.runs.engine.children import ChildHost, Children, introduction
from weft_engine.runs.engine.clock import Clock
from weft_engine.runs.engine.control import LetGo, RunControl
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.debugging import Debugger
from weft_engine.runs.engine.gate import Gate
from weft_engine.runs.engine.map_units import MapUnits
from weft_engine.runs.engine.mistakes import mistake, too_long
from weft_engine.runs.engine.moments import Moments
from weft_engine.runs.engine.parts import Parts
from weft_engine.runs.engine.places import MOST_ACTIVE, Places, Share
from weft_engine.runs.engine.recording import Recording
from weft_engine.runs.engine.records import records_of
from weft_engine.runs.engine.regions import Regions
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.engine.run_loop import RunLoop
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.story import Story
from weft_engine.runs.engine.stream_units import StreamUnits
from weft_engine.runs.engine.telling import EmitAll, Voice
from weft_engine.runs.engine.waiting import Waits
from weft_engine.runs.executors.base import Executor
from weft_engine.runs.executors.threads import ThreadsExecutor
from weft_engine.runs.journal.base import Journal
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputRef, OutputStore
from weft_engine.runs.planned import planned
from weft_engine.runs.run import NodeResult, NodeState, RunRequest, RunResult, RunState
from weft_engine.runs.tracker import describe

log = logging.getLogger(__name__)

_TOLD_ENDS: Final = frozenset({"node_completed", "node_failed"})

Earlier = Mapping[str, Mapping[str, OutputRef]]
"""Outputs of an earlier run that are used again: node → port → reference."""


class Run:
    """A run of a program. `go` drives it in the calling thread; `control` may be used meanwhile.

    Args:
        request: What is asked for. `inputs`, `overrides`, `failure_policy`, `max_seconds`,
            `parallelism`, `trigger`, `allow_hosts` and `last_seq` are read here.
        program: What is executed.
        emit: Takes events in order, some at a time, not always from this thread.
        store: Keeps what ports give for looking at.
        files: The files the flow may use.
        selection: The nodes that run, and those whose earlier outputs are used; all when None.
        earlier: References to these outputs.
        journal: Where rows are written; nothing is when None.
        values: Keeps what rows name. Needed with a journal.
        recorded: What the run did before, when it goes on.
        executor: What works on units; threads of this process when None.
        control: The mailbox, when there is one already.
        cancel: A flag that also stops the run.
        gate: Where the run can be held.
        clock: The time.
        batch_size: How many records go through a stretch at a time, at most.
        children: Where called flows run that are runs of their own.
        may_park: Whether it may leave its thread while it waits, where its journal holds it.
        places: How much may be under way, together with the run that called this one; its own
            limit when None.
        choose: In tests, which of so many ready units goes next.
        step: In tests, does the next thing that executors have to do.
    """

    def __init__(
        self,
        request: RunRequest,
        program: Program,
        *,
        emit: EmitAll,
        store: OutputStore,
        files: Files,
        selection: Selection | None = None,
        earlier: Earlier | None = None,
        journal: Journal | None = None,
        values: ValueStore | None = None,
        recorded: Recorded | None = None,
        executor: Executor | None = None,
        control: RunControl | None = None,
        cancel: threading.Event | None = None,
        gate: Gate | None = None,
        clock: Clock | None = None,
        batch_size: int = BATCH_SIZE,
        children: ChildHost | None = None,
        may_park: bool = True,
        places: Places | None = None,
        choose: Callable[[int], int] | None = None,
        step: Callable[[], bool] | None = None,
    ) -> None:
        self.request = request
        self.program = program
        self.control = control or RunControl()
        self.selection = selection or Selection(frozenset(program.flow.nodes))
        self._earlier = earlier or {}
        self._store = store
        self._journal = journal
        self._began = monotonic()
        self.voice = Voice(request.run_id, emit, request.last_seq)
        self.story = Story(self.voice, store)
        flow = program.flow
        stop = cancel or self.control.stopped
        self._scope = RunScope(
            run_id=request.run_id,
            files=files,
            cancel=stop,
            log=lambda node, level, message: self.story.log(node, "", level, message),
            progress=lambda node, done, total: self.story.progress(node, "", done, total),
            inputs=_inputs(flow, request.inputs),
            variables=flow.variables,
            allow_hosts=tuple(request.allow_hosts),
            trigger=request.trigger,
            identity=request.identity,
            identities=request.identities,
        )
        self._executor = executor or ThreadsExecutor(self._scope, store, batch_size=batch_size)
        limit = request.parallelism or flow.parallelism or MOST_ACTIVE
        recording = Recording(journal, values)
        recording.hold = self.voice.hold
        self.core = Core(
            request,
            control=self.control,
            story=self.story,
            scope=self._scope,
            executor=self._executor,
            recording=recording,
            recorded=recorded,
            gate=gate or _debugger(request, program, recorded),
            clock=clock or Clock(),
            places=Share(places or Places(max(limit, 1)), max(limit, 1)),
        )
        self._join_parts(recorded, children)
        self.core.gate.join(self.core)
        self.core.choose = choose
        self.core.finished = self._scope_over
        self._loop = RunLoop(
            self.core,
            stop=stop,
            may_park=may_park and self.core.recording.kept,
            step=step,
        )

    def _join_parts(self, recorded: Recorded | None, children: ChildHost | None) -> None:
        core = self.core
        attempts = Attempts(core)
        core.parts = Parts(
            calls=CallUnits(core, attempts),
            streams=StreamUnits(core),
            maps=MapUnits(core, attempts),
            regions=Regions(core),
            waits=Waits(core, recorded.signals if recorded is not None else ()),
            moments=Moments(core),
            children=Children(core, children),
        )

    def go(self) -> RunResult:
        """Run it, until it is over, rests, or is let go (`running`); a failure is a result, too.

        Raises:
            JournalError: `journal.fenced`: somebody else has the run now; nothing more is told.
        """
        resumed = self.core.recorded is not None
        self.voice.say(
            "run_resumed" if resumed and self.request.last_seq else "run_started",
            None,
            {"nodes": _paths(self.program.flow, self.selection.run), **introduction(self.request)},
        )
        try:
            self._begin()
            way = self._loop.go()
        except Exception as error:  # noqa: BLE001 - said there
            return self._breaks_off(error)
        finally:
            self._executor.close()
            self._scope.close()
            self.core.places.close()
        if way == "parked":
            return self._rests()
        if self.core.cancelling and self._top.failure is None:
            return self._over(RunState.CANCELLED)
        failure = self._top.failure
        if failure is not None and self.request.failure_policy == "best_effort":
            failure = None if self._top.closing is None else failure
        return self._over(RunState.COMPLETED if failure is None else RunState.FAILED, failure)

    # The beginning

    def _begin(self) -> None:
        core = self.core
        variables = dict(self.program.flow.variables)
        self._top = core.top = core.open_scope(self.program.top, variables=variables)
        for node in sorted(self.selection.reused):
            self._reuse(node)
        self._tell_idle(self.program.top)
        if self.request.max_seconds is not None:
            core.after(self.request.max_seconds, self._too_long, self.request.max_seconds)
        core.begin(self._top)

    def _reuse(self, node: str) -> None:
        """Use what an earlier run gave."""
        result = NodeResult(state=NodeState.SKIPPED, reason="reused")
        self.story.results[node] = result
        wiring = self.program.top.compiled.wiring
        for port, ref in self._earlier.get(node, {}).items():
            wired = wiring.output(node, port)
            if wired is None:
                continue
            page = self._store.read(ref)
            value = page["value"] if page["kind"] == "value" else page["records"]
            if wired.type.stream:
                value = records_of(value if isinstance(value, list) else [value])
            self._top.values[node, port] = value
            plain = ref.as_dict()
            result.outputs[port] = plain
            data = {"port": port, "type": str(wired.type), "count": ref.count, "ref": plain}
            self.story.say("node_output", node, "", data)

    def _tell_idle(self, plan: ScopePlan) -> None:
        scope = planned(plan)
        for node, reason in scope.idle.items():
            if node in self.selection.reused:
                self.story.say("node_skipped", node, "", {"reason": "reused"})
            elif self.program.on_error is None or node not in self.program.on_error.unit_of:
                self.story.skipped(node, "", reason, scope.sources.get(node))

    def _too_long(self, seconds: float) -> None:
        self.core.fail(too_long(seconds))

    # The end

    def _scope_over(self, scope: ScopeRun) -> None:
        core, handler = self.core, self.program.on_error
        failed = scope is self._top and scope.failure is not None and not core.cancelling
        if failed and handler is not None and core.policy != "best_effort":
            core.handling = scope.failure
            after = core.open_scope(
                handler, parent=self._top, variables=self._top.variables, inputs=None
            )
            after.capture()
            after.values.update(self._top.values)
            after.parent = None
            self._tell_idle(handler)
            core.begin(after)
        else:
            core.over = True

    def _breaks_off(self, error: Exception) -> RunResult:
        """It cannot go on here: it is somebody else's, or goes on later, or has failed."""
        left = isinstance(error, LetGo)
        lost = left or (self._journal is not None and self._journal.failure is not None)
        self.core.break_off(lost=lost)
        if left and self._journal is not None:
            with suppress(JournalError):  # it is lost, too
                self._journal.end("running")
        if left:
            return RunResult(run_id=self.request.run_id, state=RunState.RUNNING)
        if not isinstance(error, JournalError):
            log.error("a mistake of the engine in %s", self.request.run_id, exc_info=error)
            error = mistake(error)
        elif error.code == "journal.fenced":
            self.voice.flush()
            raise error
        return self._over(RunState.FAILED, describe(error, None, 1, None))

    def _rests(self) -> RunResult:
        """Nothing happens for a while: its thread ends, the journal holds it."""
        self.story.tell_last()
        parts = self.core.parts
        waits = [*parts.waits.listed(), *parts.moments.listed(), *parts.children.listed()]
        stands = self.core.gate.closed
        if self._journal is not None:
            self._journal.end("paused" if stands else "parked")
        if not stands:
            self.voice.say("run_paused", None, {"reason": "waiting", "waits": waits})
        self.voice.flush()
        return RunResult(
            run_id=self.request.run_id,
            state=RunState.PAUSED,
            stands=stands,
            nodes=self.story.results,
            duration_ms=self._duration(),
        )

    def _over(self, state: RunState, failure: dict[str, Any] | None = None) -> RunResult:
        if self._journal is not None:
            try:
                self.core.recording.commit(None, "end")
                self._journal.end(state.value)
                self.voice.free()
            except JournalError as error:
                if error.code == "journal.fenced":
                    self.voice.flush()
                    raise
                self._never_happened()
                if failure is None:
                    state, failure = RunState.FAILED, describe(error, None, 1, None)
        self.story.tell_last()
        never = self._sweep()
        data: dict[str, Any] = {"duration_ms": self._duration()}
        if state is RunState.FAILED:
            data |= {"failure": failure, "never_ran": never}
        self.voice.end(f"run_{state.value}", data)
        return RunResult(
            run_id=self.request.run_id,
            state=state,
            nodes=self.story.results,
            failure=failure if state is RunState.FAILED else None,
            duration_ms=data["duration_ms"],
        )

    def _never_happened(self) -> None:
        """Rows did not come to the disk: nobody is told of what they tell, it is done again."""
        for event in self.voice.drop():
            result = self.story.results.get(event.node or "")
            if result is not None and event.type in _TOLD_ENDS:
                result.state, result.outputs = NodeState.RUNNING, {}

    def _duration(self) -> float:
        core, seconds = self.core, monotonic() - self._began
        if core.recorded is not None and self.request.forked_from is None:
            seconds = max(seconds, core.recorded.passed(core.clock.time()))
        return round(seconds * 1000, 3)

    def _sweep(self) -> list[str]:
        """What has not ended never will; the nodes that never ran."""
        results = self.story.results
        for path, result in results.items():
            if result.state is NodeState.RUNNING:
                result.state = NodeState.CANCELLED
                self.story.say("node_cancelled", path, "", {"counts": {}, "inputs": result.inputs})
        never: list[str] = []
        plans = [self.program.top]
        if self.core.handling is not None and self.program.on_error is not None:
            plans.append(self.program.on_error)
        for scope in map(planned, plans):
            for unit in scope.units:
                for name in unit.unit.nodes:
                    found = results.get(name)
                    if found is None or found.state is NodeState.QUEUED:
                        found = results[name] = NodeResult(inputs=scope.sources[name])
                        found.state, found.reason = NodeState.IDLE, "never_ran"
                    if found.state is NodeState.IDLE:
                        never.append(name)
        return never

    # What it gave

    def given(self) -> dict[tuple[str, str], Any]:
        """What its output nodes gave to the run that called it: by node and port."""
        names = self.program.top.outputs
        return {key: value for key, value in self._top.values.items() if key[0] in names}

    def outputs(self) -> dict[str, dict[str, Any]]:
        """What the flow's output nodes gave; its last nodes', when none are marked."""
        names = self.program.top.outputs or sorted(self.selection.run)
        return {
            name: {port: self._store.read(ref) for port, ref in result.outputs.items()}
            for name in names
            if (result := self.story.results.get(name)) is not None and result.outputs
        }


def _paths(flow: Flow, names: Iterable[str]) -> list[str]:
    """What nodes are called in events: with the containers in which they lie."""
    lies = chains(flow, parents(flow))
    return sorted("/".join(lies[name]) for name in names)


def _debugger(request: RunRequest, program: Program, recorded: Recorded | None) -> Debugger:
    if recorded is None:
        return Debugger(program, request.breakpoints)
    return Debugger(program, request.breakpoints, recorded.stops, recorded.values)


def _inputs(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the flow's inputs, with defaults for those that are not given."""
    defaults = {name: declared.default for name, declared in flow.inputs.items()}
    return {**{name: value for name, value in defaults.items() if value is not None}, **given}
