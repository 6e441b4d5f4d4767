"""How far event time has come, over all channels into a subtask."""

from collections.abc import Iterable

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME


class Watermarks:
    """The minimum over the channels that are neither idle nor ended; it never goes back."""

    def __init__(self, channels: Iterable[int]) -> None:
        self._times = dict.fromkeys(channels, MIN_TIME)
        self._idle: set[int] = set()
        self.time = MIN_TIME
        """How far it has come."""

    @property
    def idle(self) -> bool:
        """Whether no channel that goes on has anything to say about time."""
        return bool(self._times) and len(self._idle) == len(self._times)

    def active(self, channel: int) -> None:
        """Records have come: the channel is not idle any more."""
        if self._idle:
            self._idle.discard(channel)

    def watermark(self, channel: int, time: int) -> int | None:
        """A channel has come so far; how far all have, if that is news."""
        self._idle.discard(channel)
        self._times[channel] = max(self._times[channel], time)
        return self._news()

    def went_idle(self, channel: int) -> int | None:
        """A channel has gone idle; how far the others have come, if that is news."""
        self._idle.add(channel)
        return self._news()

    def end(self, channel: int) -> int | None:
        """A channel has ended; how far the others have come, if that is news."""
        self._times.pop(channel, None)
        self._idle.discard(channel)
        return self._news()

    def _open(self) -> bool:
        """Whether a channel may have more: idle ones have not ended."""
        return any(self._times[channel] != MAX_TIME for channel in self._idle)

    def _news(self) -> int | None:
        if not self._times:
            lowest = MAX_TIME
        elif self._idle:
            lowest = min(
                (time for channel, time in self._times.items() if channel not in self._idle),
                default=MIN_TIME,
            )
        else:
            lowest = min(self._times.values())
        if lowest == MAX_TIME and self._open():
            return None
        if lowest <= self.time:
            return None
        self.time = lowest
        return lowest
