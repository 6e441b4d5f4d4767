"""Runs called flows as runs of their own, with a journal of their own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.calling import CALL
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.errors import FlowError
from weft_engine.flow.file import from_data
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.context import Files
from weft_engine.runs.engine.children import ChildEnd
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.journal.base import ENDED, JournalStore, RunEntry
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest


@dataclass(frozen=True)
class ChildRuns:
    """Runs the children of runs in the process of these."""

    catalogue: Catalogue
    outputs: OutputStore
    files: Files
    values: ValueStore | None = None
    store: JournalStore | None = None
    """The journal; without it a child begins anew when the run that called it goes on."""
    owner: str = "engine"

    def program(self, request: RunRequest) -> Program:
        """The program of a child, whose outputs are read by the run that called it.

        Raises:
            FlowError: its flow is not valid.
        """
        flow = from_data(request.flow)
        program = compile_program(flow, self.catalogue, ProgramOptions(flows=request.flows))
        names = program.top.outputs
        if not flow.outputs:
            ports = program.top.compiled.wiring.nodes
            names = tuple(name for name in names if ports[name].outputs)
        return replace(program, top=replace(program.top, container=CALL, outputs=names))

    def run(
        self,
        request: RunRequest,
        program: Program,
        emit: Callable[[list[RunEvent]], None],
        control: RunControl,
    ) -> ChildEnd:
        """Run a child, or go on with it; one that had ended is looked up.

        Raises:
            FlowError: `run.plan_changed`.
            JournalError: its journal cannot be written or read.
        """
        store = self.store if request.durability != "none" else None
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
        run = Run(
            request,
            program,
            emit=emit,
            store=self.outputs,
            files=self.files,
            journal=journal,
            values=self.values,
            recorded=recorded,
            control=control,
            children=self,
            may_park=False,
        )
        result = run.go()
        return ChildEnd(str(result.state), result.failure, run.given(), result.nodes)

    def _ended(self, store: JournalStore, entry: RunEntry, program: Program) -> ChildEnd:
        """It ended just before the run that called it broke off."""
        rows = [row for row in store.steps(entry.id) if row.kind == "node"]
        failure = next((row.failure for row in reversed(rows) if row.state == "failed"), None)
        values = {
            (row.node, port): self._values().get(stored)
            for row in rows
            if not row.scope and row.node in program.top.outputs
            for port, stored in row.outputs.items()
        }
        return ChildEnd(entry.status, failure, values)

    def _values(self) -> ValueStore:
        if self.values is None:
            raise FlowError("The values of the run are not kept.", code="run.interrupted")
        return self.values
