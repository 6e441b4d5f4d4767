"""Group commit: one thread writes for all rooms, and everything that waits shares a transaction.

A commit with `synchronous=FULL` costs about the same for one edit as for a hundred. An edit that
comes alone is written at once; while commits follow each other, they start 10 ms apart and carry
what gathered in between. When the disk is full or the database is held, nothing is dropped and
nothing is acknowledged: the thread tries again until it succeeds.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlmodel import Session

from weft_server.database import Database
from weft_server.errors import StorageError

T = TypeVar("T")

WINDOW_SECONDS: Final = 0.010
FIRST_RETRY_SECONDS: Final = 0.05
LAST_RETRY_SECONDS: Final = 2.0

logger = logging.getLogger("weft.rooms")


@dataclass(slots=True)
class _Job:
    write: Callable[[Session], Any]
    done: "asyncio.Future[Any]"


class LogWriter:
    """Commits what is submitted, in order, on a thread of its own.

    `on_trouble` is called on the event loop with the code of what keeps the writer from writing,
    and with None once it writes again.
    """

    def __init__(
        self, database: Database, on_trouble: Callable[[str | None], None] = lambda _: None
    ) -> None:
        self._database = database
        self._on_trouble = on_trouble
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Condition()
        self._jobs: list[_Job] = []
        self._closing = False
        self._trouble: str | None = None
        self._started_at = 0.0
        self._thread = threading.Thread(target=self._run, name="weft-document-log", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[Session], T]) -> "asyncio.Future[T]":
        """Queue a write; the future holds its result once it is on disk.

        A write may be carried out several times until one transaction succeeds.
        """
        job = _Job(write, self._loop.create_future())
        with self._wake:
            if self._closing:
                raise RuntimeError("the log is closed")
            self._jobs.append(job)
            self._wake.notify()
        return job.done

    async def close(self) -> None:
        """Write what is queued, as far as that is possible, and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while self._commit_next():
            pass

    def _commit_next(self) -> bool:
        """Commit what waits; in a frame of its own, so that an idle thread holds on to nothing."""
        jobs = self._next()
        if jobs:
            self._commit(jobs)
        return bool(jobs)

    def _next(self) -> list[_Job]:
        with self._wake:
            self._wake.wait_for(lambda: self._jobs or self._closing)
            pause = self._started_at + WINDOW_SECONDS - time.monotonic()
            if pause > 0:
                self._wake.wait_for(lambda: self._closing, pause)
            return self._take()

    def _take(self) -> list[_Job]:
        jobs, self._jobs = self._jobs, []
        return jobs

    def _commit(self, jobs: list[_Job]) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            self._started_at = time.monotonic()
            try:
                with self._database.transaction() as session:
                    results = [job.write(session) for job in jobs]
            except StorageError as error:
                if not self._wait_to_retry(error, delay):
                    self._settle([(job, None, error) for job in jobs])
                    return
                delay = min(delay * 2, LAST_RETRY_SECONDS)
                with self._wake:
                    jobs = jobs + self._take()
            except Exception as error:  # noqa: BLE001 - the writer must outlive any one write
                self._commit_alone(jobs, error)
                return
            else:
                self._report(None)
                self._settle(
                    [(job, result, None) for job, result in zip(jobs, results, strict=True)]
                )
                return

    def _wait_to_retry(self, error: StorageError, delay: float) -> bool:
        """Wait a while; False if the writer was closing already and this was the last attempt."""
        if self._trouble is None:
            logger.error("edits cannot be stored for now: %s", error)
        self._report(error.code)
        with self._wake:
            if self._closing:
                return False
            self._wake.wait_for(lambda: self._closing, delay)
        return True

    def _commit_alone(self, jobs: list[_Job], error: Exception) -> None:
        """A write that cannot be done must not take others with it."""
        if len(jobs) > 1:
            for job in jobs:
                self._commit([job])
            return
        logger.error("a write of a room failed", exc_info=error)
        self._settle([(jobs[0], None, error)])

    def _report(self, trouble: str | None) -> None:
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            logger.info("edits are stored again")
        self._call(self._on_trouble, trouble)

    def _settle(self, outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
        self._call(_settle, outcomes)

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            logger.warning("the event loop ended before the log did")


def _settle(outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
    for job, result, error in outcomes:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(error)
