"""What a room has yet to write, in order, and who waits until it is on disk."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from weft_server.errors import Missing
from weft_server.rooms import repository
from weft_server.rooms.assembly import merged
from weft_server.rooms.log import LogWriter
from weft_server.rooms.repository import Change

MOST_WAITING: Final = 2_000
MOST_BYTES: Final = 8_000_000


class Outbox:
    """Hands the changes of one room to the log, one batch after the other.

    Changes are numbered from 1; `durable` is the number up to which all are on disk. `on_saved` is
    called after each batch, `on_lost` when the document is not in the database any more.
    """

    def __init__(
        self,
        flow_id: str,
        rev: int,
        writer: LogWriter,
        *,
        on_saved: Callable[[], None],
        on_lost: Callable[[Exception], None],
    ) -> None:
        self.rev = rev
        self.number = 0
        self.durable = 0
        self._flow_id = flow_id
        self._writer = writer
        self._on_saved = on_saved
        self._on_lost = on_lost
        self._waiting: list[Change] = []
        self._bytes = 0
        self._writing = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._error: Exception | None = None

    @property
    def is_idle(self) -> bool:
        """Whether everything is on disk."""
        return self.durable == self.number

    @property
    def is_settled(self) -> bool:
        """Whether nothing can be done any more: all is on disk, or the document is gone."""
        return self.is_idle or self._error is not None

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nothing more may be taken on."""
        return self.number - self.durable >= MOST_WAITING or self._bytes >= MOST_BYTES

    def add(self, change: Change) -> int:
        """Queue a change; its number."""
        if self._error is not None:
            raise self._error
        self.number += 1
        self._waiting.append(change)
        self._bytes += len(change.update)
        if not self._writing:
            self._write()
        return self.number

    async def wait(self, number: int) -> None:
        """Wait until a change and all before it are on disk."""
        if self._error is not None:
            raise self._error
        if self.durable < number:
            done = asyncio.get_running_loop().create_future()
            self._waiters.append((number, done))
            await done

    def _write(self) -> None:
        changes, self._waiting = self._waiting, []
        self._writing = len(changes)
        size = sum(len(change.update) for change in changes)
        rows = list(rows_of(changes))
        done = self._writer.submit(lambda session: repository.append(session, self._flow_id, rows))
        done.add_done_callback(lambda future: self._written(future, size))

    def _written(self, future: "asyncio.Future[int | None]", size: int) -> None:
        if future.cancelled():
            return
        error, rev = future.exception(), None
        if error is None:
            rev = future.result()
        if rev is None:
            self._fail(error if isinstance(error, Exception) else _gone(self._flow_id))
            return
        self.rev = rev
        self.durable += self._writing
        self._bytes -= size
        self._writing = 0
        self._wake()
        self._on_saved()
        if self._waiting:
            self._write()

    def _wake(self) -> None:
        ready = [done for number, done in self._waiters if number <= self.durable]
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > self.durable]
        for done in ready:
            if not done.done():
                done.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._error = error
        for _, done in self._waiters:
            if not done.done():
                done.set_exception(error)
        self._waiters.clear()
        self._on_lost(error)


def rows_of(changes: Iterable[Change]) -> Iterable[Change]:
    """Make one row of what one author did in a row, so that a row has one author."""
    for (actor, origin), group in groupby(changes, lambda one: (one.actor, one.origin)):
        for update in merged([change.update for change in group]):
            yield Change(actor, origin, update)


def _gone(flow_id: str) -> Exception:
    return Missing.of("flow", flow_id)
