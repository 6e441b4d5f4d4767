"""Events of workspaces, numbered, the newest kept for readers that come back."""

import asyncio
import contextlib
import time
from collections import deque
from typing import Final

from weft_engine.runs.events import now_text
from weft_server.events import Bus, Event

KEPT: Final = 1_000


class Feed:
    """The events of one workspace since somebody first listened.

    Numbers grow over restarts too, because they begin at the clock. Whoever resumes behind what
    is still kept gets a `reset` event and looks at everything anew.
    """

    def __init__(self, bus: Bus, workspace_id: str) -> None:
        self.seq = time.time_ns() // 1_000_000
        self._first = self.seq + 1
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._more = asyncio.Event()
        self._subscription = bus.subscribe(f"workspace:{workspace_id}")
        self._task = asyncio.create_task(self._collect())

    def since(self, after: int) -> list[Event]:
        """What happened behind a number."""
        oldest = self._events[0]["seq"] if self._events else self._first
        if after > self.seq or after < oldest - 1:
            return [{"seq": self.seq, "at": now_text(), "type": "reset"}]
        if after == self.seq:
            return []
        return [event for event in self._events if event["seq"] > after]

    async def wait(self) -> None:
        """Wait for the next event."""
        await self._more.wait()

    async def close(self) -> None:
        """Stop collecting."""
        self._subscription.close()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _collect(self) -> None:
        async for event in self._subscription:
            self.seq += 1
            self._events.append({"seq": self.seq, "at": now_text(), **event})
            self._more.set()
            self._more = asyncio.Event()


class Feeds:
    """One feed for each workspace that anybody listens to."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feeds: dict[str, Feed] = {}

    def of(self, workspace_id: str) -> Feed:
        """The feed of a workspace."""
        feed = self._feeds.get(workspace_id)
        if feed is None:
            feed = self._feeds[workspace_id] = Feed(self._bus, workspace_id)
        return feed

    async def close(self) -> None:
        """Stop all feeds."""
        for feed in self._feeds.values():
            await feed.close()
        self._feeds.clear()
