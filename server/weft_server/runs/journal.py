"""Group commit: what waits to be written goes to disk in one transaction, by one writer."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from sqlmodel import Session

from weft_server.database import Database

T = TypeVar("T")

MOST_AT_ONCE: Final = 64
"""How many writes share a transaction; preparing more would hold up everybody else's requests."""
LINGER_S: Final = 0.01
"""How long a write that nobody waits for may wait for company."""

log = logging.getLogger(__name__)

Work = Callable[[Session], Any]


class Write(Protocol):
    """Something to be written; its methods are called on the event loop, in order."""

    def begin(self) -> Work:
        """What to write, decided when its transaction begins."""

    def finish(self, result: Any, error: Exception | None) -> None:
        """It is on disk, or it failed."""


class Journal:
    """Collects writes and commits them together, in order, on a thread of its own.

    A transaction costs about the same for one run as for fifty, so runs that start or end at the
    same moment share it. A write that fails alone fails alone: its group is done again one by one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, "weft-journal")
        self._waiting: list[Write] = []
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._hurried = False
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, write: Write) -> None:
        """Queue a write; it is begun soon, together with others."""
        self._waiting.append(write)
        self._idle.clear()
        if not self._busy and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._begin)

    def hurry(self) -> None:
        """Begin what waits now, or as soon as the thread is free."""
        if self._busy:
            self._hurried = True
        elif self._waiting:
            self._begin()

    async def write(self, work: Callable[[Session], T]) -> T:
        """Write at once; answers when it is on disk.

        Raises:
            StorageError: it could not be written.
        """
        once = _Once(work, asyncio.get_running_loop().create_future())
        self.submit(once)
        self.hurry()
        result: T = await once.done
        return result

    def later(self, work: Work) -> None:
        """Write something when the next writes go; nobody hears of its failure but the log."""
        self.submit(_Later(work))

    async def close(self) -> None:
        """Write what is left and end the thread."""
        self.hurry()
        await self._idle.wait()
        self._thread.shutdown(wait=True)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        writes, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        self._busy, self._hurried = True, bool(self._waiting)
        ready = [(write, work) for write in writes if (work := _work_of(write)) is not None]
        # Not run_in_executor: its future would wake the event loop a second time.
        self._thread.submit(self._commit, ready, asyncio.get_running_loop())

    def _commit(self, ready: list[tuple[Write, Work]], loop: asyncio.AbstractEventLoop) -> None:
        works = [work for _, work in ready]
        outcomes = self._group(works)
        if len(works) > 1 and outcomes[0].error is not None:
            outcomes = [self._group([work])[0] for work in works]
        loop.call_soon_threadsafe(self._finish, [write for write, _ in ready], outcomes)

    def _group(self, works: list[Work]) -> list["_Outcome"]:
        try:
            with self._database.transaction() as session:
                results = [work(session) for work in works]
        except Exception as error:  # noqa: BLE001 whoever waits for the write is told
            return [_Outcome(None, error)] * len(works)
        return [_Outcome(result, None) for result in results]

    def _finish(self, writes: list[Write], outcomes: list["_Outcome"]) -> None:
        for write, outcome in zip(writes, outcomes, strict=True):
            _tell(write, outcome)
        self._busy = False
        if not self._waiting:
            self._idle.set()
        elif self._hurried:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._begin)


@dataclass(slots=True, frozen=True)
class _Outcome:
    result: Any
    error: Exception | None


def _work_of(write: Write) -> Work | None:
    """What a write writes; one that cannot say it is told so, and holds nobody else up."""
    try:
        return write.begin()
    except Exception as error:  # noqa: BLE001 whoever made the write is told
        _tell(write, _Outcome(None, error))
        return None


def _tell(write: Write, outcome: _Outcome) -> None:
    try:
        write.finish(outcome.result, outcome.error)
    except Exception:
        log.exception("what waited for a write failed")


@dataclass(slots=True)
class _Once:
    work: Work
    done: "asyncio.Future[Any]"

    def begin(self) -> Work:
        return self.work

    def finish(self, result: Any, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(result)


@dataclass(slots=True)
class _Later:
    work: Work

    def begin(self) -> Work:
        return self.work

    def finish(self, result: Any, error: Exception | None) -> None:
        if error is not None:
            log.warning("a write that nobody waits for failed", exc_info=error)
