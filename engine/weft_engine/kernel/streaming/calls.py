"""Calls that wait for something, several at a time, on the IO loop or on threads."""

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.kernel.io_loop import Worker, io_loop
from weft_engine.kernel.operators.keys import frozen
from weft_engine.kernel.operators.waiting import timed_out
from weft_engine.kernel.policy import Policy

_LET_GO_S: Final = 2.0


class Call:
    """One call, from its start to its result."""

    __slots__ = ("attempts", "done", "error", "key", "number", "serial", "time", "value", "wanted")

    def __init__(self, number: int, wanted: Any, time: int | None, key: Any, serial: Any) -> None:
        self.number = number
        self.wanted = wanted
        """The record."""
        self.time = time
        self.key = key
        self.serial = serial
        """Calls with the same one, unless None, are made one after the other."""
        self.attempts = 1
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = False


class Calls:
    """Makes calls with bounded concurrency, retries and time limits.

    `start` and `close` belong to the subtask's thread, everything else to the loop. A function that
    is not `async` runs on threads, as many as there may be calls at once; if what it returns is
    awaitable it is awaited, and such a function is called on the loop from then on.
    """

    def __init__(
        self,
        fn: Callable[[Any], Any],
        concurrency: int,
        policy: Policy,
        ended: Callable[[Call], None],
    ) -> None:
        self._fn = fn
        self._free = concurrency
        self._policy = policy
        self._ended = ended
        self._on_loop = _is_async(fn)
        self._queue: deque[Call] = deque()
        self._behind: dict[Any, deque[Call]] = {}
        """Calls that wait for one with the same `serial`, while there is one."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers: list[Worker] = []
        self._closed = False

    def start(self, calls: list[Call]) -> None:
        """Make calls as soon as there is room."""
        io_loop().call_soon_threadsafe(self._take, calls)

    def close(self) -> None:
        """Cancel what is under way and wait a moment until it has let go."""
        quiet = threading.Event()
        io_loop().call_soon_threadsafe(self._cancel, quiet)
        quiet.wait(_LET_GO_S)

    def _take(self, calls: list[Call]) -> None:
        self._queue.extend(calls)
        self._next()

    def _next(self) -> None:
        """Have as many tasks at work as there may be, each making one call after the other."""
        loop = asyncio.get_running_loop()
        for _ in range(min(self._free, len(self._queue))):
            self._free -= 1
            task = loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while (call := self._turn()) is not None:
                await self._run(call)
                while (call := self._after(call)) is not None:
                    await self._run(call)
        finally:
            self._free += 1

    def _turn(self) -> Call | None:
        """The next call that waits for no other."""
        while self._queue and not self._closed:
            call = self._queue.popleft()
            if call.serial is None:
                return call
            serial = frozen(call.serial)
            behind = self._behind.get(serial)
            if behind is None:
                self._behind[serial] = deque()
                return call
            behind.append(call)
        return None

    def _after(self, call: Call) -> Call | None:
        """The call that waited for this one."""
        if call.serial is None or self._closed:
            return None
        serial = frozen(call.serial)
        behind = self._behind[serial]
        if behind:
            return behind.popleft()
        del self._behind[serial]
        return None

    async def _run(self, call: Call) -> None:
        try:
            call.value = await self._attempts(call)
        except asyncio.CancelledError:
            if self._closed:
                raise
            call.error = NodeError("The function cancelled itself.", code="call.cancelled")
        except BaseException as exc:  # noqa: BLE001 - it is raised where the result is taken
            call.error = exc
        call.done = True
        self._ended(call)

    async def _attempts(self, call: Call) -> Any:
        policy = self._policy
        while True:
            try:
                return await self._attempt(call.wanted)
            except Exception:
                if call.attempts >= policy.max_attempts:
                    raise
            await asyncio.sleep(policy.delay(call.attempts))
            call.attempts += 1

    async def _attempt(self, wanted: Any) -> Any:
        timeout_s = self._policy.timeout_s
        if timeout_s is None:
            return await self._call(wanted)
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await self._call(wanted)
        except TimeoutError as exc:
            if limit.expired():
                raise timed_out(timeout_s) from exc
            raise

    async def _call(self, wanted: Any) -> Any:
        if self._on_loop:
            return await self._fn(wanted)
        worker = self._workers.pop() if self._workers else Worker("weft-call")
        found = await worker.call(lambda: self._blocking(wanted))  # given up on, it is left behind
        if self._closed:
            worker.close()
        else:
            self._workers.append(worker)
        if inspect.isawaitable(found):
            self._on_loop = True
            return await found
        return found

    def _blocking(self, wanted: Any) -> Any:
        """On a thread; nobody is to be told of a coroutine that nobody will await."""
        found = self._fn(wanted)
        if self._closed and inspect.iscoroutine(found):
            found.close()
        return found

    def _cancel(self, quiet: threading.Event) -> None:
        self._closed = True
        self._queue.clear()
        for worker in self._workers:
            worker.close()
        self._workers = []
        if not self._tasks:
            quiet.set()
            return
        left = len(self._tasks)

        def gone(_: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                quiet.set()

        for task in list(self._tasks):
            task.add_done_callback(gone)
            task.cancel()


def _is_async(fn: Any) -> bool:
    calling = getattr(fn, "__call__", None)  # noqa: B004 - whether that is a coroutine function
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(calling)
