"""Calls of a node for single records, gathered into batches.

Each call stays what it is to the scheduler: an activation with its own attempts, journal row and
end. Whatever waits when the node is free goes into the next batch, so batches form by themselves
and nobody waits for one to fill.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.compiler.batching import BatchSize, Failed, await_in_batches, call_in_batches
from weft_engine.kernel.io_loop import run_soon
from weft_engine.nodes.context import NodeContext
from weft_engine.runs.executors.base import UnitOutcome
from weft_engine.runs.executors.calling import Site, outcome

_SIDE_BY_SIDE: Final = 4
"""How many batches of an asynchronous node are under way at a time."""

Done = Callable[[UnitOutcome], None]


@dataclass(slots=True)
class Waiting:
    """A call that waits for its batch."""

    arguments: Mapping[str, Any]
    attempt: int
    done: Done
    cancelled: bool = False

    def cancel(self) -> None:
        """Leave it out, unless it is under way."""
        self.cancelled = True


class Gathering:
    """The calls of one node."""

    def __init__(
        self, node: str, site: Site, ctx: NodeContext, start: Callable[[Callable[[], None]], None]
    ) -> None:
        """Get ready.

        Args:
            node: Its name in the flow.
            site: How it is called.
            ctx: Its view of the run; of no record in particular.
            start: Does something on another thread.
        """
        self._node = node
        self._site = site
        self._ctx = ctx
        self._start = start
        self._size = BatchSize.of(site.node)
        self._waiting: deque[Waiting] = deque()
        self._busy = 0
        self._most = _SIDE_BY_SIDE if site.work.asynchronous else 1
        self._lock = threading.Lock()

    def add(self, arguments: Mapping[str, Any], attempt: int, done: Done) -> Waiting:
        """Call the node for a record; `done` is called once, on any thread."""
        waiting = Waiting(arguments, attempt, done)
        with self._lock:
            self._waiting.append(waiting)
            begins = self._busy < self._most
            self._busy += begins
        if begins:
            self._start(self._work)
        return waiting

    def _work(self) -> None:
        while batch := self._next():
            for waiting, found in zip(batch, self._outcomes(batch), strict=True):
                waiting.done(found)

    def _next(self) -> list[Waiting]:
        with self._lock:
            batch = [
                self._waiting.popleft() for _ in range(min(self._size.size, len(self._waiting)))
            ]
            self._busy -= not batch
        return batch

    def _outcomes(self, batch: list[Waiting]) -> list[UnitOutcome]:
        live = [waiting for waiting in batch if not waiting.cancelled]
        kept = {id(waiting) for waiting in live}
        try:
            self._site.open(self._ctx)
            call = self._site.call(self._ctx)
            rows = [waiting.arguments for waiting in live]
            if self._site.work.asynchronous:
                answers = run_soon(await_in_batches(call, rows, self._size)).result()
            else:
                answers = call_in_batches(call, rows, self._size)
        except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
            return [UnitOutcome(failure=error, attempt=waiting.attempt) for waiting in batch]
        given = iter(answers)
        return [
            UnitOutcome(cancelled=True, attempt=waiting.attempt)
            if id(waiting) not in kept
            else UnitOutcome(failure=answer.error, attempt=waiting.attempt)
            if isinstance(answer := next(given), Failed)
            else outcome(self._node, call, answer, waiting.attempt)
            for waiting in batch
        ]
