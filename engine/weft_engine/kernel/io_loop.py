"""One asyncio loop in the background, for whatever has to wait, and threads for what blocks."""

import asyncio
import select
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

_LOOK_S: Final = 0.1
_MOST_SELECTED: Final = 1024
"""Descriptors from this number on are too large for select(2)."""
_lock = threading.Lock()
_here = threading.local()
_loop: asyncio.AbstractEventLoop | None = None


def io_loop() -> asyncio.AbstractEventLoop:
    """The loop of this process; it is started when first asked for and lives as long as it."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.SelectorEventLoop(_selector())
            threading.Thread(target=_loop.run_forever, name="weft-io", daemon=True).start()
        return _loop


if hasattr(selectors, "EpollSelector"):

    class _Precise(selectors.EpollSelector):
        """Wakes when it is time: epoll alone sleeps whole milliseconds, so up to one too long."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            number = self.fileno()
            if timeout is not None and timeout > 0 and number < _MOST_SELECTED:
                select.select((number,), (), (), timeout)
                timeout = 0
            return super().select(timeout)


def _selector() -> selectors.BaseSelector:
    return _Precise() if hasattr(selectors, "EpollSelector") else selectors.DefaultSelector()


def run_soon(coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
    """Start a coroutine on the loop, from any other thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, io_loop())


@contextmanager
def giving_up(check: Callable[[], None]) -> Iterator[None]:
    """Let whatever this thread waits for (`result_of`) be given up as soon as `check` raises."""
    before = getattr(_here, "check", None)
    _here.check = check
    try:
        yield
    finally:
        _here.check = before


def result_of(future: "Future[T]") -> T:
    """Wait for a future, for as long as this thread need not give up; then cancel it."""
    check = getattr(_here, "check", None)
    try:
        while check is not None and not wait((future,), _LOOK_S).done:
            check()
    except BaseException:
        future.cancel()
        raise
    return future.result()


class Worker:
    """A thread for calls that block; one that is given up on is left behind."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Job | None] | None = None

    async def call(self, work: Callable[[], T]) -> T:
        """Do the work on the thread and wait for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._jobs is None:
            self._jobs = SimpleQueue()
            args = (self._jobs,)
            threading.Thread(target=_work, args=args, name=self._name, daemon=True).start()
        self._jobs.put((work, loop, future))
        try:
            return await future
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Let the thread end as soon as it is done with what it does."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)


def _work(jobs: "SimpleQueue[Job | None]") -> None:
    while (job := jobs.get()) is not None:
        work, loop, future = job
        try:
            result = work()
        except BaseException as exc:  # noqa: BLE001 - it is raised again where it was called from
            loop.call_soon_threadsafe(_fail, future, exc)
        else:
            loop.call_soon_threadsafe(_succeed, future, result)


def _succeed(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", exc: BaseException) -> None:
    if not future.done():
        if isinstance(exc, StopIteration):  # a future refuses it
            exc = RuntimeError("StopIteration")
        future.set_exception(exc)
