"""Credits: how much a sender may have under way, and what a receiver gives back.

Counted in frames, records and bytes per channel, after Flink's credit-based flow control, but
for a whole window instead of single buffers. The sender may send while it has something left of
each; it may overdraw by one frame, so that a frame larger than the window passes. The receiver
gives back when half of the window has been taken: until then the sender has the other half.

The window of records is as long as the receiver's queue may be at the time (`Tempo`): it gives more
than was taken while that grows, and keeps some back while it shrinks.
"""

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from weft_engine.kernel.runtime.tempo import FIRST
from weft_engine.kernel.settings import Settings

CREDIT: Final = struct.Struct("<IIQI")
FRAMES: Final = 4
"""How many frames that are not full may be under way; more are merged at the sender, so that
batches grow as the way gets longer."""


def first_window(settings: Settings) -> int:
    """How many records a sender may have under way before it has heard of its receiver."""
    return max(1, min(FIRST, settings.queue_records))


@dataclass(slots=True)
class Window:
    """What a sender has left. Not thread-safe: its channel has a lock."""

    records: int
    size: int
    """In bytes."""
    frames: int = FRAMES
    whole: int = 0
    """How many records the whole window has."""

    def __post_init__(self) -> None:
        self.whole = self.whole or self.records

    def open(self) -> bool:
        """Whether records may be sent at all."""
        return self.records > 0 and self.size > 0

    def spend(self, records: int, size: int) -> None:
        """One frame with records is on its way."""
        self.frames -= 1
        self.records -= records
        self.size -= size

    def refill(self, body: memoryview) -> None:
        """Take what the receiver gives back."""
        frames, records, size, self.whole = CREDIT.unpack(body)
        self.frames += frames
        self.records += records
        self.size += size


class Account:
    """What a receiver owes the sender of one channel.

    `fed` is called by the thread that reads the socket, `taken` by the one that consumes; a deque
    between them needs no lock.
    """

    def __init__(self, records: int, size: int) -> None:
        self._window = records
        self._worth_bytes = max(size // 2, 1)
        self._frames: deque[tuple[int, int]] = deque()
        self._fed = 0
        self._taken = 0
        self._owed = [0, 0, 0]

    def fed(self, records: int, size: int) -> None:
        """A frame with so many records (more than none) has come."""
        self._fed += records
        self._frames.append((self._fed, size))

    def taken(self, records: int, window: int) -> bytes | None:
        """The consumer has taken records, and the window is to be that long; what to send back.

        None when it is not worth it yet.
        """
        self._taken += records
        owed = self._owed
        owed[1] += records
        more = max(window - self._window, -owed[1])
        owed[1] += more
        self._window += more
        while self._frames and self._frames[0][0] <= self._taken:
            owed[0] += 1
            owed[2] += self._frames.popleft()[1]
        worth = FRAMES // 2, max(self._window // 2, 1), self._worth_bytes
        if all(have < least for have, least in zip(owed, worth, strict=True)):
            return None
        credit = CREDIT.pack(*owed, self._window)
        owed[:] = 0, 0, 0
        return credit
