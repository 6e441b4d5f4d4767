"""Runs requests in the calling thread, with the journal behind them."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.compiler.selection import Selection
from weft_engine.errors import FlowError
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.called import called_program
from weft_engine.runs.children import ChildRuns
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.debugging_points import require_good
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.environments import enter, executor_of
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.inheriting import inherited
from weft_engine.runs.journal.base import Journal, JournalStore, StepRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.programs import Programs
from weft_engine.runs.queue import Job
from weft_engine.runs.retelling import Told, told_again
from weft_engine.runs.run import RunRequest, RunResult, RunState
from weft_engine.runs.runner import references
from weft_engine.runs.streaming.handover import LiveRuns
from weft_engine.runs.streaming.ingress import IngressLog
from weft_engine.runs.streaming.live import LiveRun
from weft_engine.runs.streaming.places import Places
from weft_engine.runs.survey import Again, Survey
from weft_engine.runs.surveying import of_live, survey
from weft_engine.runs.takeover import Takeover

log = logging.getLogger(__name__)

EmitAll = Callable[[list[RunEvent]], None]

_STANDS: Final = frozenset({"asked", "breakpoint", "step"})


class Resting(Protocol):
    """Is told that a run stands still, or goes on."""

    def __call__(self, job: Job, *, rests: bool) -> None: ...


def never_rests(job: Job, *, rests: bool) -> None:
    """Where nobody else waits for the run's place."""


@dataclass
class Executor:
    """Runs one request after the other, from several threads."""

    data: Path
    """Where blobs are."""
    emit: EmitAll
    """Takes events of runs, in order, from any thread."""
    store: JournalStore | None = None
    """The journal; without it nothing goes on after a crash."""
    owner: str = "engine"
    """Who holds the runs."""
    read_outputs: bool = False
    """Whether results are to hold what the flow's output nodes gave."""
    _catalogue: Catalogue | None = None
    _programs: Programs = field(default_factory=Programs)
    _logs: dict[str, IngressLog] = field(default_factory=dict)
    """Used by one thread."""
    _live_runs: LiveRuns = field(default_factory=LiveRuns)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._outputs = OutputStore(self.data)

    def warm_up(self) -> Catalogue:
        """Load the node types."""
        with self._lock:
            if self._catalogue is None:
                self._catalogue = Catalogue.installed()
                if self.store is not None:
                    self.store.codec = Codec.of(self._catalogue)
            return self._catalogue

    def run(self, job: Job, resting: Resting = never_rests) -> RunResult | None:
        """Run a request; everything there is to say of it is said by events.

        Returns:
            What became of it; None when another engine runs it.

        Raises:
            WeftError: it cannot begin, or its journal cannot be written any more.
        """
        control = RunControl()
        with job.lock:
            job.started = True
            # It may have been told already that it waits.
            job.request = msgspec.structs.replace(job.request, last_seq=job.last_seq)
            job.control = Mailbox(control)
            for command in job.commands:
                control.send(command)
            if job.cancelled:
                control.cancel()
        catalogue = self.warm_up()
        job.request = self._inherited(job.request)
        program, selection = self._programs.of(job.request, catalogue)
        require_good(job.request.breakpoints, program)
        try:
            if program.flow.mode == "streaming":
                return self._live(job, program, control, resting)
            return self._go(job, program, selection, control, resting)
        except JournalError as error:
            if error.code == "journal.fenced":
                log.warning("the run %s is held by another engine", job.request.run_id)
                return None
            raise

    def survey(self, request: RunRequest) -> Survey:
        """What a run would take over of the one it is forked from; nothing is run.

        Raises:
            WeftError: the flow is not valid, or the journal cannot be read.
        """
        request = self._inherited(request)
        program, selection = self._programs.of(request, self.warm_up())
        former = self.store.entry(request.forked_from or "") if self.store is not None else None
        if program.flow.mode == "streaming":
            return of_live(self.data, request, former)
        if self.store is None or former is None:
            return Survey(
                again=[Again(node=name, reason="not_reached") for name in program.flow.nodes]
            )
        return survey(self._takeover(self.store), request, program, former, selection.reused)

    def append(self, stream: str, events: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Write events durably into the log of a stream, whether it lives now or not.

        Returns:
            For each whether it is new.

        Raises:
            ResourceError: `source.log_failed`.
        """
        log_ = self._logs.get(stream)
        if log_ is None:
            log_ = self._logs[stream] = IngressLog(Places(self.data, stream, "").ingress)
        return log_.append(events)

    def told_again(self, steps: Sequence[StepRow]) -> Iterator[Told]:
        """What became of the activations of a run that has ended."""
        return told_again(steps, self._values(), self._outputs)

    def _go(
        self,
        job: Job,
        program: Program,
        selection: Selection,
        control: RunControl,
        resting: Resting,
    ) -> RunResult:
        request = job.request
        values, journal = self._values(), self._journal(request, program, control)
        try:
            recorded = self._recorded(request, program, values)
        except BaseException as error:
            if journal is not None:
                # What cannot be read now can be another time.
                journal.end("running" if isinstance(error, JournalError) else "failed")
            raise
        executor = executor_of(request, program, self.warm_up(), self._outputs)
        files = LocalFiles(Path(request.files_root), confined=request.confined)
        run = Run(
            request,
            program,
            executor=executor,
            emit=partial(self._tell, job, resting),
            store=self._outputs,
            files=files,
            selection=selection,
            earlier=references(request.reuse),
            journal=journal,
            values=values,
            recorded=recorded,
            control=control,
            children=ChildRuns(
                self.warm_up(), self._outputs, files, values, self.store, self.owner, self.emit
            ),
        )
        enter(executor, run.core.run_scope)
        result = run.go()
        if self.read_outputs and result.state.ended:
            result.outputs = run.outputs()
        return result

    def _live(
        self, job: Job, program: Program, control: RunControl, resting: Resting
    ) -> RunResult | None:
        """Run a flow in streaming mode for as long as it lives; it takes nobody's place."""
        request = job.request
        journal = self._journal(request, program, control)
        resting(job, rests=True)
        run = LiveRun(
            request,
            program,
            emit=partial(self._tell, job, never_rests),
            store=self._outputs,
            data=self.data,
            runs=self._live_runs,
            control=control,
            journal=journal,
        )
        result = run.go()
        if result.state is RunState.RUNNING:
            return None
        if self.read_outputs:
            names = program.top.outputs or sorted(result.nodes)
            found = {name: result.nodes[name].outputs for name in names if name in result.nodes}
            result.outputs = {
                name: {port: self._outputs.read(ref) for port, ref in ports.items()}
                for name, ports in found.items()
                if ports
            }
        return result

    # The journal

    def _values(self) -> ValueStore:
        return ValueStore(self.data, Codec.of(self.warm_up()))

    def _journal(
        self, request: RunRequest, program: Program, control: RunControl
    ) -> Journal | None:
        if self.store is None or request.durability == "none":
            return None
        forked = request.forked_from is not None and not request.resume
        if forked and program.flow.mode != "streaming":  # that goes on from a checkpoint
            self._takeover(self.store).begin(request, program)
        # A run that only waits for its rows must hear that they never come to the disk.
        return open_run(
            self.store,
            request,
            program.hash,
            request.durability,
            self.owner,
            on_lost=control.wake,
        )

    def _inherited(self, request: RunRequest) -> RunRequest:
        former = None
        if self.store is not None and request.forked_from is not None and not request.resume:
            former = self.store.entry(request.forked_from)
        if self.store is None or former is None:
            return request
        request = inherited(request, former.request, self._programs, self.warm_up())
        if not request.retry:
            return request
        program, _ = self._programs.of(request, self.warm_up())
        if program.flow.mode == "streaming":
            return request
        return self._takeover(self.store).prepared(request, former)

    def _takeover(self, store: JournalStore) -> Takeover:
        return Takeover(store, self.warm_up(), self._program_of)

    def _program_of(self, request: RunRequest) -> Program:
        """The program of a run, or of one that it called."""
        if request.called_by is not None:
            return called_program(request, self.warm_up())
        return self._programs.of(request, self.warm_up())[0]

    def _recorded(
        self, request: RunRequest, program: Program, values: ValueStore
    ) -> Recorded | None:
        """What the run, or the one it is forked from, did before."""
        store = self.store
        if store is None or not (request.resume or request.forked_from):
            return None
        entry = store.entry(request.run_id)
        if entry is not None and entry.plan_hash != program.hash:
            raise FlowError(
                "The run cannot go on: node types have changed since it began.",
                code="run.plan_changed",
                hint="Start it again.",
                params={"id": request.run_id},
            )
        run_id = request.run_id
        return Recorded(values, store.steps(run_id), store.wakes(run_id), store.signals(run_id))

    # What it says

    def _tell(self, job: Job, resting: Resting, events: list[RunEvent]) -> None:
        job.last_seq = events[-1].seq
        for event in events:
            if event.type == "run_paused" and event.data.get("reason") in _STANDS:
                resting(job, rests=True)
            elif event.type == "run_resumed":
                resting(job, rests=False)
        self.emit(events)


class Mailbox:
    """How a run under way is reached."""

    def __init__(self, control: RunControl) -> None:
        self._control = control

    def tell(self, command: Command) -> None:
        """Say something to it."""
        self._control.send(command)

    def cancel(self) -> None:
        """Stop it for good."""
        self._control.cancel()

    def halt(self) -> None:
        """Stop a live run so that it can go on another time."""
        self._control.halt()
