"""Begins runs with what the journal holds of the runs that they are forked from."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.forking import Fork
from weft_engine.runs.journal.base import JournalStore, RunEntry
from weft_engine.runs.run import RunRequest


@dataclass(frozen=True, slots=True)
class Takeover:
    """Compares runs with those that they are forked from."""

    store: JournalStore
    catalogue: Catalogue
    program_of: Callable[[RunRequest], Program]
    """Raises `FlowError` where a flow is not valid."""

    def prepared(self, request: RunRequest, former: RunEntry) -> RunRequest:
        """The request of another attempt, as it is run: with what only the journal tells."""
        fork = self.compared(request, self.program_of(request), former)
        return msgspec.structs.replace(
            request,
            apart=fork.apart(),
            identities=fork.identities(),
            children=fork.children(),
        )

    def compared(self, request: RunRequest, program: Program, former: RunEntry) -> Fork:
        """A run beside the one that it is forked from."""
        try:
            before = self.program_of(former.request)
        except FlowError:
            # Node types may have changed; then there is nothing to compare with.
            before = None
        steps = self.store.steps(former.id)
        return Fork(request, program, former, steps, before, self.catalogue)

    def begin(self, request: RunRequest, program: Program) -> None:
        """Put the rows into the journal with which a run begins, where it still has them."""
        former = self.store.entry(request.forked_from or "")
        if former is None or self.store.entry(request.run_id) is not None:
            return
        fork = self.compared(request, program, former)
        entry = RunEntry(
            id=request.run_id,
            plan_hash=program.hash,
            tenant=request.tenant,
            priority=request.priority,
            parent=request.parent,
            forked_from=former.id,
            request=request,
        )
        self.store.fork(former.id, entry, fork.keep)
