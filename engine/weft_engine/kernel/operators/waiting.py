"""Calls that wait for something: several at a time, their results in order."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.kernel.io_loop import io_loop
from weft_engine.kernel.operators.base import (
    NOTHING,
    Batch,
    Context,
    Emission,
    Waiting,
)

_AHEAD: Final = 4
"""How many calls may be done before the oldest is, by how many may be under way."""
_ABORT_S: Final = 2.0


class Call:
    """One call, from its start to its result."""

    __slots__ = ("attempts", "done", "error", "record", "task", "value")

    def __init__(self, record: Any) -> None:
        self.record = record
        self.task: asyncio.Task[None] | None = None
        self.attempts = 1
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = False


class Calls:
    """Runs an asynchronous function over records with bounded concurrency, on the IO loop."""

    def __init__(
        self, fn: Callable[[Any], Awaitable[Any]], concurrency: int, context: Context
    ) -> None:
        self._fn = fn
        self._concurrency = max(concurrency, 1)
        self._context = context
        self._queue: deque[Any] = deque()
        self._calls: deque[Call] = deque()
        self._started = 0
        self._ended = 0
        self._quiet = threading.Event()

    @property
    def full(self) -> bool:
        """Whether enough is waiting or under way."""
        return len(self._queue) + len(self._calls) >= _AHEAD * self._concurrency

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or under way."""
        return not self._queue and not self._calls

    def add(self, records: Batch) -> None:
        """Call the function on more records, as soon as there is room."""
        self._queue.extend(records)
        self._start()

    def take(self, limit: int) -> list[Call]:
        """The calls that are done, in the order of their records."""
        done: list[Call] = []
        calls = self._calls
        while calls and calls[0].done and len(done) < limit:
            done.append(calls.popleft())
        self._start()
        return done

    def abort(self) -> None:
        """Cancel what is under way and wait a moment until it has let go."""
        self._queue.clear()
        loop = io_loop()
        for call in self._calls:
            if not call.done:
                loop.call_soon_threadsafe(_cancel, call)
        deadline = time.monotonic() + _ABORT_S
        while self._ended < self._started and time.monotonic() < deadline:
            self._quiet.wait(0.05)
            self._quiet.clear()

    def _start(self) -> None:
        loop = None
        while (
            self._queue
            and self._started - self._ended < self._concurrency
            and len(self._calls) < _AHEAD * self._concurrency
        ):
            loop = loop or io_loop()
            call = Call(self._queue.popleft())
            self._calls.append(call)
            self._started += 1
            loop.call_soon_threadsafe(self._launch, loop, call)

    def _launch(self, loop: asyncio.AbstractEventLoop, call: Call) -> None:
        call.task = loop.create_task(self._run(call))

    async def _run(self, call: Call) -> None:
        try:
            call.value = await attempts(self._fn, call, self._context)
        except BaseException as exc:  # noqa: BLE001 - it is raised where the result is taken
            call.error = exc
        self._ended += 1
        call.done = True
        call.task = None
        self._quiet.set()
        self._context.wake()


async def attempts(fn: Callable[[Any], Awaitable[Any]], call: Call, context: Context) -> Any:
    """Call until it succeeds or the policy says that it is enough."""
    policy = context.policy
    while True:
        try:
            return await _one_attempt(fn, call.record, policy.timeout_s)
        except Exception as exc:
            if call.attempts >= policy.max_attempts:
                raise
            delay = policy.delay(call.attempts)
            context.report(exc, call.record, call.attempts, delay)
        await asyncio.sleep(delay)
        call.attempts += 1


async def _one_attempt(
    fn: Callable[[Any], Awaitable[Any]], record: Any, timeout_s: float | None
) -> Any:
    if timeout_s is None:
        return await fn(record)
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await fn(record)
    except TimeoutError as exc:
        if limit.expired():
            raise timed_out(timeout_s) from exc
        raise


def timed_out(timeout_s: float) -> NodeError:
    """The error of a node that took too long."""
    return NodeError(
        f"It took longer than its time limit of {timeout_s:g} s.",
        code="node.timeout",
        hint="Give it more time, or less to do.",
        params={"timeout_s": timeout_s},
        retryable=True,
    )


class AsyncMap(Waiting):
    """One record becomes another by waiting for something."""

    def __init__(self, fn: Callable[[Any], Awaitable[Any]], concurrency: int) -> None:
        self._fn = fn
        self._concurrency = concurrency

    def open(self, context: Context) -> None:
        super().open(context)
        self._calls = Calls(self._fn, self._concurrency, context)

    @property
    def full(self) -> bool:
        return self._calls.full

    @property
    def idle(self) -> bool:
        return self._calls.idle

    def process(self, port: int, batch: Batch) -> Emission:
        self._calls.add(batch)
        return NOTHING

    def poll(self) -> Emission:
        out: Batch = []
        for call in self._calls.take(self.context.batch_size):
            kept, value = settled(call, self.context)
            if kept:
                out.append(value)
        return ((0, out),) if out else NOTHING

    def abort(self) -> None:
        self._calls.abort()


def settled(call: Call, context: Context) -> tuple[bool, Any]:
    """What becomes of a call's record: whether something takes its place, and what."""
    if call.error is None:
        return True, call.value
    if isinstance(call.error, Exception):
        return context.give_up(call.error, call.record, call.attempts)
    raise call.error


def _cancel(call: Call) -> None:
    if call.task is not None:
        call.task.cancel()
