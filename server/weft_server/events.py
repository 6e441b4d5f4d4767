"""The bus on which server modules tell each other what happened, without knowing each other.

Topics: ``run:<id>``, ``flow:<id>``, ``workspace:<id>`` and ``access``. Events on ``access`` say
that somebody lost or changed a right:
``{"user_id"?, "session_id"?, "workspace_id"?, "flow_id"?}``; without ``user_id`` it is about
everybody, as when a flow was deleted. Whoever holds a connection open looks again whether it may.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]
ACCESS = "access"


class Subscription(AsyncIterator[Event]):
    """Events of one topic from the moment of subscribing; the oldest are lost when it lags."""

    def __init__(self, bus: "Bus", topic: str, size: int) -> None:
        self.topic = topic
        self.lost = 0
        self._bus = bus
        self._events: deque[Event] = deque()
        self._size = size
        self._ready = asyncio.Event()
        self._closed = False

    def push(self, event: Event) -> None:
        """Hand one event to the reader."""
        if len(self._events) >= self._size:
            self._events.popleft()
            self.lost += 1
        self._events.append(event)
        self._ready.set()

    def close(self) -> None:
        """Stop receiving; a waiting reader ends."""
        self._closed = True
        self._bus.remove(self)
        self._ready.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Bus:
    """In-process publish and subscribe; publishing works from any thread and never waits."""

    def __init__(self) -> None:
        self._topics: dict[str, set[Subscription]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the event loop on which readers live."""
        self._loop = loop

    def subscribe(self, topic: str, *, size: int = 10_000) -> Subscription:
        """Start receiving the events of a topic; call on the event loop."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        subscription = Subscription(self, topic, size)
        self._topics.setdefault(topic, set()).add(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        readers = self._topics.get(subscription.topic, set())
        readers.discard(subscription)
        if not readers:
            self._topics.pop(subscription.topic, None)

    def has_readers(self, topic: str) -> bool:
        """Whether anybody listens to a topic; call on the event loop."""
        return topic in self._topics

    def publish(self, topic: str, event: Event) -> None:
        """Give an event to everyone who listens to the topic now."""
        if self._loop is None or self._loop.is_closed():
            return
        if _running_loop() is self._loop:
            self._deliver(topic, event)
        else:
            self._loop.call_soon_threadsafe(self._deliver, topic, event)

    def _deliver(self, topic: str, event: Event) -> None:
        for subscription in tuple(self._topics.get(topic, ())):
            subscription.push(event)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
