"""A bounded queue between threads and coroutines, in the order of `FairOrder`."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from time import monotonic
from typing import Generic, Literal, TypeVar

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.fair_order import HIGHEST, FairOrder

__all__ = ["HIGHEST", "Backpressure", "Empty", "FairQueue"]

T = TypeVar("T")

Backpressure = Literal["block", "reject", "drop_oldest"]


class Empty(Exception):  # noqa: N818 - named like that of the standard library's queue
    """Nothing came within the time given."""


class _Waiter:
    """A thread that waits."""

    def __init__(self, tenant: Hashable = "", enter: Callable[[], None] | None = None) -> None:
        self.tenant = tenant
        self.enter = enter
        """Lets the item in that there was no room for."""
        self.woken = False
        self._event = threading.Event()

    def wake(self) -> None:
        self.woken = True
        self._event.set()

    def wait(self, timeout: float | None) -> None:
        self._event.wait(timeout)


class _AsyncWaiter(_Waiter):
    """A coroutine that waits."""

    def __init__(self, tenant: Hashable = "", enter: Callable[[], None] | None = None) -> None:
        super().__init__(tenant, enter)
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        self.woken = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class FairQueue(Generic[T]):
    """Every method may be called from any thread.

    Who waits for room is let in by turns too: the one whose tenant has least waiting for its
    weight comes first, so that a flood from one tenant does not keep the others out.
    """

    def __init__(
        self,
        capacity: int,
        *,
        policy: Backpressure = "block",
        weights: Mapping[Hashable, float] | None = None,
        ageing: int = 16,
        on_drop: Callable[[T], None] | None = None,
        on_put: Callable[[], None] | None = None,
    ) -> None:
        """Make one.

        Args:
            capacity: How many items may wait in it.
            policy: What `put` does when it is full: `block` waits, `reject` raises, `drop_oldest`
                gives up the oldest item of whoever has most waiting for their weight.
            weights: The shares of tenants; 1 for those not named.
            ageing: How many later items may overtake an item for each step of priority.
            on_drop: Told what was given up.
            on_put: Told that something has come.
        """
        if capacity < 1:
            raise ValueError("a queue needs room for one item at least")
        self._capacity = capacity
        self._policy = policy
        self._on_drop = on_drop
        self._on_put = on_put
        self._lock = threading.Lock()
        self._items: FairOrder[T] = FairOrder(weights, ageing)
        self._putters: deque[_Waiter] = deque()
        self._getters: deque[_Waiter] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(
        self,
        item: T,
        *,
        tenant: Hashable = "",
        priority: int = 0,
        key: Hashable = None,
        timeout: float | None = None,
    ) -> None:
        """Put an item in; waits up to so many seconds for room where the policy is `block`.

        Raises:
            ResourceError: `service.busy` when there is no room, `service.closed` behind `close`.
            ValueError: when the priority is not from 0 to `HIGHEST`.
        """
        waiter = self._enter(_Waiter, item, tenant, priority, key)
        if waiter is not None:
            waiter.wait(timeout)
            self._entered(waiter)
        self._tell()

    async def aput(
        self, item: T, *, tenant: Hashable = "", priority: int = 0, key: Hashable = None
    ) -> None:
        """Put an item in, from a coroutine. Cancelled while it waits, the item stays out."""
        waiter = self._enter(_AsyncWaiter, item, tenant, priority, key)
        if isinstance(waiter, _AsyncWaiter):
            try:
                await waiter.future
            except asyncio.CancelledError:
                self._withdraw(waiter)
                raise
            self._entered(waiter)
        self._tell()

    def get(self, timeout: float | None = None) -> T:
        """Take the next item; waits for one.

        Raises:
            Empty: when none came within so many seconds.
            ResourceError: `service.closed` when none will ever come.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            waiter = _Waiter()
            with self._lock:
                if self._items:
                    return self._take()
                self._check_open()
                self._getters.append(waiter)
            waiter.wait(None if deadline is None else max(0.0, deadline - monotonic()))
            with self._lock:
                if not waiter.woken:
                    self._getters.remove(waiter)
                    raise Empty

    async def aget(self) -> T:
        """Take the next item, from a coroutine.

        Raises:
            ResourceError: `service.closed` when none will ever come.
        """
        while True:
            waiter = _AsyncWaiter()
            with self._lock:
                if self._items:
                    return self._take()
                self._check_open()
                self._getters.append(waiter)
            try:
                await waiter.future
            except asyncio.CancelledError:
                with self._lock:
                    if waiter.woken:  # somebody else must take what it was woken for
                        self._wake_getter()
                    else:
                        self._getters.remove(waiter)
                raise

    def get_some(self, limit: int) -> list[T]:
        """Take up to so many items; those that are there."""
        with self._lock:
            return [self._take() for _ in range(min(limit, len(self._items)))]

    @property
    def closed(self) -> bool:
        """Whether nothing more can be put in."""
        return self._closed

    def close(self) -> None:
        """Take nothing more in; what waits can still be taken out."""
        with self._lock:
            self._closed = True
            waiters = [*self._putters, *self._getters]
            self._putters.clear()
            self._getters.clear()
            for waiter in waiters:
                waiter.wake()
        self._tell()

    def _enter(
        self, kind: type[_Waiter], item: T, tenant: Hashable, priority: int, key: Hashable
    ) -> _Waiter | None:
        """Put the item in; gives whom to wait for when there is no room."""
        if not 0 <= priority <= HIGHEST:
            raise ValueError(f"a priority is from 0 to {HIGHEST}, not {priority}")
        dropped: list[T] = []
        with self._lock:
            self._check_open()
            if len(self._items) >= self._capacity:
                if self._policy == "block":
                    return self._wait_for_room(kind, item, tenant, priority, key)
                if self._policy == "reject":
                    raise _busy(self._capacity)
                dropped.append(self._items.drop())
            self._items.push(item, tenant, priority, key)
            self._wake_getter()
        for one in dropped:
            if self._on_drop is not None:
                self._on_drop(one)
        return None

    def _wait_for_room(
        self, kind: type[_Waiter], item: T, tenant: Hashable, priority: int, key: Hashable
    ) -> _Waiter:
        waiter = kind(tenant, lambda: self._items.push(item, tenant, priority, key))
        self._putters.append(waiter)
        return waiter

    def _entered(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.enter is None:
                return
            if not waiter.woken:
                self._putters.remove(waiter)
                raise _busy(self._capacity)
        raise _closed()

    def _withdraw(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.woken:
                self._putters.remove(waiter)

    def _take(self) -> T:
        item = self._items.pop()
        if self._putters and len(self._items) < self._capacity:
            items = self._items
            # The first waiter of the tenant that has least: deques are short, and `min` is stable.
            chosen = min(
                self._putters,
                key=lambda one: items.waiting(one.tenant) / items.weight(one.tenant),
            )
            self._putters.remove(chosen)
            assert chosen.enter is not None
            chosen.enter()
            chosen.enter = None
            chosen.wake()
            self._wake_getter()
        return item

    def _wake_getter(self) -> None:
        if self._getters:
            self._getters.popleft().wake()

    def _tell(self) -> None:
        if self._on_put is not None:
            self._on_put()

    def _check_open(self) -> None:
        if self._closed:
            raise _closed()


def _busy(capacity: int) -> ResourceError:
    return ResourceError(
        f"{capacity} requests are waiting already, and there is no room for more",
        code="service.busy",
        hint="Try again later, or give the service more room or more subtasks.",
        retryable=True,
    )


def _closed() -> ResourceError:
    return ResourceError(
        "the service has been closed and takes nothing more",
        code="service.closed",
        hint="Start the pipeline behind it again.",
    )
