"""How fast one connection may send."""

import time
from collections.abc import Callable
from typing import Final

from weft_server.rooms import protocol
from weft_server.rooms.codec import ProtocolError

UPDATES: Final = (60, 200)
"""Updates: sustained each second, and in a burst."""
BYTES: Final = (2_000_000, 6_000_000)
FRAMES: Final = (300, 900)
"""All frames; providers repeat what they hear of others, so this is far above the updates."""
SYNCS: Final = (2, 20)
"""Requests for the whole document, which cost the server most."""


class Bucket:
    """A budget that refills steadily up to its burst."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_rate")

    def __init__(
        self, rate_and_burst: tuple[float, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst = rate_and_burst
        self._clock = clock
        self._left = self._burst
        self._at = clock()

    def take(self, amount: float = 1) -> bool:
        """Spend from the budget; False if it is overdrawn."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= amount
        return self._left >= 0


class Limits:
    """The budgets of a connection."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._bytes = Bucket(BYTES, clock)
        self._frames = Bucket(FRAMES, clock)
        self._updates = Bucket(UPDATES, clock)
        self._syncs = Bucket(SYNCS, clock)

    def frame(self, size: int) -> None:
        """Count a frame before it is read."""
        _spend(self._frames.take() and self._bytes.take(size))

    def update(self) -> None:
        """Count a change to the document."""
        _spend(self._updates.take())

    def sync(self) -> None:
        """Count a request for the document."""
        _spend(self._syncs.take())


def _spend(allowed: bool) -> None:
    if not allowed:
        raise ProtocolError("too many frames", protocol.CLOSE_TOO_FAST)
