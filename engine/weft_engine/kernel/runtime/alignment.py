"""How the barriers of a checkpoint are brought together.

The algorithm of Carbone et al., "Lightweight Asynchronous Snapshots for Distributed Dataflows"
(2015): a channel whose barrier has come is not read until the barriers of all others have come
too, so that nothing behind a barrier changes the state before it is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from weft_engine.kernel.batch import Barrier


@dataclass(slots=True)
class Aligned:
    """What a barrier, or the end of a channel, has brought about."""

    complete: Barrier | None = None
    """All channels have come to this barrier: take the snapshot now."""
    abandoned: int | None = None
    """This checkpoint will never be complete here."""
    block: bool = False
    """The channel must not be read for now."""
    unblock: tuple[int, ...] = ()
    """These may be read again."""


class Alignment:
    """Barriers of the channels of one subtask, feedback channels excepted."""

    def __init__(self, channels: Iterable[int], *, exactly_once: bool = True) -> None:
        self._open = set(channels)
        self._exactly_once = exactly_once
        self._pending: Barrier | None = None
        self._came: set[int] = set()
        self.last = 0
        """The newest checkpoint that was complete or given up."""

    @property
    def all_ended(self) -> bool:
        """Whether no channel can bring a barrier any more."""
        return not self._open

    def barrier(self, channel: int, barrier: Barrier) -> Aligned:
        """A barrier has come."""
        pending = self._pending
        if barrier.checkpoint <= self.last or (
            pending is not None and barrier.checkpoint < pending.checkpoint
        ):
            return Aligned()  # of a checkpoint that was given up
        if pending is not None and barrier.checkpoint > pending.checkpoint:
            unblock = self._give_up()
            after = self._arrive(channel, barrier)
            after.abandoned = pending.checkpoint
            after.unblock = tuple(item for item in unblock if item != channel or not after.block)
            return after
        return self._arrive(channel, barrier)

    def end(self, channel: int) -> Aligned:
        """A channel has ended: it holds nobody up any more."""
        self._open.discard(channel)
        return self._complete()

    def skip(self, checkpoint: int) -> None:
        """A checkpoint was taken without barriers, all channels having ended."""
        self.last = max(self.last, checkpoint)

    def _arrive(self, channel: int, barrier: Barrier) -> Aligned:
        self._pending = barrier
        self._came.add(channel)
        done = self._complete()
        if done.complete is None:
            done.block = self._exactly_once
        else:
            done.unblock = tuple(item for item in done.unblock if item != channel)
        return done

    def _complete(self) -> Aligned:
        pending = self._pending
        if pending is None or not self._open <= self._came:
            return Aligned()
        return Aligned(complete=pending, unblock=self._give_up())

    def _give_up(self) -> tuple[int, ...]:
        if self._pending is not None:
            self.last = self._pending.checkpoint
        came = tuple(sorted(self._came)) if self._exactly_once else ()
        self._pending = None
        self._came = set()
        return came
