"""An answer that comes in parts, for those who want to see them come."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from time import monotonic
from typing import Any

from weft_engine.errors import ResourceError
from weft_engine.kernel.requests import Request


class Coming:
    """What one caller is given: parts in the order of their numbers, each once, and the answer."""

    def __init__(self) -> None:
        self.answer: Future[Any] = Future()
        self._lock = threading.Lock()
        self._next = 0
        self._ready: deque[Any] = deque()
        self._early: dict[int, Any] = {}
        self._wake: Callable[[], None] | None = None

    def part(self, number: int, value: Any) -> None:
        """A part has come; it is passed over if one of that number was there already."""
        with self._lock:
            if number >= self._next:
                self._early.setdefault(number, value)
            while self._next in self._early:
                self._ready.append(self._early.pop(self._next))
                self._next += 1
            wake = self._wake
        if wake is not None:
            wake()

    def listen(self, wake: Callable[[], None]) -> None:
        """Have something called whenever there is more, from any thread."""
        with self._lock:
            self._wake = wake
        self.answer.add_done_callback(lambda _: wake())

    def take(self) -> list[Any]:
        """The parts that are there."""
        with self._lock:
            found = list(self._ready)
            self._ready.clear()
        return found


class AnswerStream:
    """The parts of an answer; `result` is the answer itself when they have all come.

    To be iterated over once, by `for` or `async for`; it asks when that begins. Whoever leaves the
    loop before its end gives the request up.
    """

    def __init__(
        self,
        asking: Callable[[], AbstractContextManager[tuple[Request, Coming]]],
        put: Callable[[Request, float | None], None],
        aput: Callable[[Request], Awaitable[None]],
        late: Callable[[], ResourceError],
        seconds: float | None,
    ) -> None:
        self.result: Any = None
        self._asking = asking
        self._put = put
        self._aput = aput
        self._late = late
        self._seconds = seconds

    def __iter__(self) -> Iterator[Any]:
        """Wait for one part after the other. Raises as `PipelineService.call` does."""
        deadline = None if self._seconds is None else monotonic() + self._seconds
        more = threading.Event()
        with self._asking() as (request, coming):
            coming.listen(more.set)
            self._put(request, self._seconds)
            while True:
                more.clear()
                is_last = coming.answer.done()
                yield from coming.take()
                if is_last:
                    self.result = coming.answer.result()
                    return
                if not more.wait(_left(deadline)):
                    raise self._late()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """The same in a coroutine."""
        deadline = None if self._seconds is None else monotonic() + self._seconds
        loop, more = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(more.set)

        with self._asking() as (request, coming):
            coming.listen(wake)
            await self._within(self._aput(request), deadline)
            while True:
                more.clear()
                is_last = coming.answer.done()
                for part in coming.take():
                    yield part
                if is_last:
                    self.result = coming.answer.result()
                    return
                await self._within(more.wait(), deadline)

    async def _within(self, work: Awaitable[Any], deadline: float | None) -> None:
        limit = asyncio.timeout(_left(deadline))
        try:
            async with limit:
                await work
        except TimeoutError:
            if limit.expired():
                raise self._late() from None
            raise


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - monotonic())
