"""Runs called flows as runs of their own, with a journal of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError, KernelError
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.context import Files
from weft_engine.runs.called import alone_in, called_program
from weft_engine.runs.engine.children import ChildEnd, introduction
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.places import Places
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.engine.run import Run
from weft_engine.runs.engine.telling import EmitAll, Voice
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.environments import enter, executor_of
from weft_engine.runs.journal.base import ENDED, JournalStore, RunEntry, SignalRow, StepRow
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.retelling import told_again, took_ms
from weft_engine.runs.run import RunRequest
from weft_engine.runs.takeover import Takeover

_Key = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class ChildRuns:
    """Runs the children of runs in the process of these, in the same environment."""

    catalogue: Catalogue
    outputs: OutputStore
    files: Files
    values: ValueStore | None = None
    store: JournalStore | None = None
    """The journal; without it a child begins anew when the run that called it goes on."""
    owner: str = "engine"
    emit: EmitAll | None = None
    """Takes the events of children, as those of runs; the run that called them tells them too."""
    _programs: dict[_Key, Program] = field(default_factory=dict)
    """By the name of the flow, and the nodes that are to be units of their own."""

    def prepare(self, request: RunRequest, *, known: bool) -> tuple[RunRequest, Program]:
        """What a child is, and its program, whose outputs are read by the run that called it.

        Raises:
            FlowError: its flow is not valid.
        """
        entry = self.store.entry(request.run_id) if known and self.store is not None else None
        if entry is not None:
            _require_same(entry.request, request)
            request = entry.request
        elif request.forked_from is not None:
            request = self._again(request)
        name = request.called_by["flow"] if request.called_by is not None else ""
        key = name, alone_in(request)
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = called_program(request, self.catalogue)
        return request, program

    def _again(self, request: RunRequest) -> RunRequest:
        """The request of a child that goes on from what one in the attempt before did."""
        kept = self._takeover() if request.durability != "none" else None
        former = kept.store.entry(request.forked_from or "") if kept is not None else None
        if kept is None or former is None:
            return msgspec.structs.replace(request, forked_from=None, retry=False)
        return kept.prepared(request, former)

    def _takeover(self) -> Takeover | None:
        if self.store is None:
            return None
        program_of = partial(called_program, catalogue=self.catalogue)
        return Takeover(self.store, self.catalogue, program_of)

    def run(
        self,
        request: RunRequest,
        program: Program,
        emit: Callable[[list[RunEvent]], None],
        control: RunControl,
        places: Places,
    ) -> ChildEnd:
        """Run a child, or go on with it; one that had ended is looked up.

        Raises:
            FlowError: `run.plan_changed`.
            JournalError: its journal cannot be written or read.
        """
        store = self.store if request.durability != "none" else None
        kept = self._takeover() if store is not None else None
        if kept is not None and request.forked_from is not None:
            kept.begin(request, program)
        entry = store.entry(request.run_id) if store is not None else None
        if entry is not None and entry.plan_hash != program.hash:
            raise FlowError(
                "The run cannot go on: node types have changed since it began.",
                code="run.plan_changed",
                hint="Start it again.",
                params={"id": request.run_id},
            )
        if store is not None and entry is not None and entry.status in ENDED:
            return self._ended(store, entry, program)
        journal = recorded = None
        if store is not None:
            journal = open_run(
                store,
                request,
                program.hash,
                request.durability,
                self.owner,
                on_lost=control.wake,
            )
        if store is not None and entry is not None:
            name = request.run_id
            rows = store.steps(name), store.wakes(name), store.signals(name)
            recorded = Recorded(self._values(), *rows)
        executor = executor_of(request, program, self.catalogue, self.outputs)
        run = Run(
            request,
            program,
            emit=self._both(emit),
            store=self.outputs,
            files=self.files,
            executor=executor,
            journal=journal,
            values=self.values,
            recorded=recorded,
            control=control,
            children=self,
            places=places,
        )
        enter(executor, run.core.run_scope)
        result = run.go()
        if not result.state.ended:
            wakes = store.wakes(request.run_id) if store is not None else ()
            return ChildEnd("parked", results=result.nodes, wakes=wakes)
        return ChildEnd(str(result.state), result.failure, run.given(), result.nodes)

    def hand_on(self, request: RunRequest, signal: SignalRow) -> bool | None:
        """Keep a signal for a child; False if it has had that one, None where nothing is kept.

        Raises:
            JournalError: the journal cannot be written.
        """
        if self.store is None or request.durability == "none":
            return None
        return self.store.signal(request.run_id, signal)

    def _both(self, emit: EmitAll) -> EmitAll:
        """Tell the run that called it, and whoever looks at the child alone."""
        if self.emit is None:
            return emit
        own = self.emit

        def tell(events: list[RunEvent]) -> None:
            own(events)
            emit(events)

        return tell

    def _ended(self, store: JournalStore, entry: RunEntry, program: Program) -> ChildEnd:
        """It ended just before the run that called it broke off."""
        rows = store.steps(entry.id)
        self._tell_again(entry, rows)
        rows = [row for row in rows if row.kind == "node"]
        failure = next((row.failure for row in reversed(rows) if row.state == "failed"), None)
        values = {
            (row.node, port): self._values().get(stored)
            for row in rows
            if not row.scope and row.node in program.top.outputs
            for port, stored in row.outputs.items()
        }
        return ChildEnd(entry.status, failure, values)

    def _tell_again(self, entry: RunEntry, rows: list[StepRow]) -> None:
        """Whoever looks at the child alone may not have heard of its end."""
        if self.emit is None:
            return
        voice = Voice(entry.id, self.emit)
        voice.say("run_started", None, {"nodes": [], **introduction(entry.request)})
        for kind, node, data in told_again(rows, self._values(), self.outputs):
            voice.say(kind, node, data)
        data = {"duration_ms": took_ms(rows, entry.updated)}
        if entry.status == "failed":
            failed = next((row.failure for row in reversed(rows) if row.failure), None)
            data |= {"failure": failed, "never_ran": []}
        voice.end(f"run_{entry.status}", data)

    def _values(self) -> ValueStore:
        if self.values is None:
            raise FlowError("The values of the run are not kept.", code="run.interrupted")
        return self.values


def _require_same(known: RunRequest, asked: RunRequest) -> None:
    """Two calls never share a run, however unlikely it is that they get the same id."""
    if known.called_by is not None and known.called_by != asked.called_by:
        raise KernelError(f"The run {asked.run_id} is that of another call.")
