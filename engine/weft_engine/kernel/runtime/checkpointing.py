"""What a subtask does for a checkpoint: barriers come in, a snapshot is taken, barriers go out."""

from typing import Final

from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.runtime.alignment import Aligned, Alignment
from weft_engine.kernel.runtime.driver import Driver, clock_ns
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.snapshots import SnapshotReporter, TakenSnapshot

FINAL_CHECKPOINT: Final = 2**62
"""The number that operators are told when they prepare for the last time."""


class Checkpointing:
    """The checkpoints of one subtask."""

    def __init__(
        self, driver: Driver, gate: Gate, alignment: Alignment, reporter: SnapshotReporter
    ) -> None:
        self._driver = driver
        self._gate = gate
        self._alignment = alignment
        self._reporter = reporter
        self._asked: Barrier | None = None

    def asked(self, barrier: Barrier, *, begins_here: bool) -> None:
        """A checkpoint is to be made: now, unless its barrier is to be waited for.

        Should all inputs end before one comes, nobody else will begin the checkpoint here: their
        senders have finished, which is why it is remembered.
        """
        if not begins_here:
            self._asked = barrier
        elif barrier.checkpoint > self._alignment.last:
            self._alignment.skip(barrier.checkpoint)
            self._snapshot(barrier)

    def barrier(self, channel: int, barrier: Barrier) -> None:
        """A barrier has come in."""
        self._align(channel, self._alignment.barrier(channel, barrier))

    def ended(self, channel: int) -> None:
        """No barrier will come over this channel any more."""
        self._align(channel, self._alignment.end(channel))

    def all_ended(self) -> None:
        """No barrier will come any more."""
        if self._asked is not None:
            self.asked(self._asked, begins_here=True)

    def last(self, restored: int) -> TakenSnapshot:
        """Freeze everything for the last time; `restored` is the checkpoint it has begun from."""
        seen = max(self._alignment.last, restored)
        return self._driver.snapshot(Barrier(FINAL_CHECKPOINT), number=seen + 1)

    def _align(self, channel: int, aligned: Aligned) -> None:
        if aligned.abandoned is not None:
            self._reporter.decline(aligned.abandoned, "a newer checkpoint has begun")
        if aligned.block:
            self._gate.block(channel)
        if aligned.complete is not None:
            self._snapshot(aligned.complete)
        for other in aligned.unblock:
            self._gate.unblock(other)

    def _snapshot(self, barrier: Barrier) -> None:
        start = clock_ns()
        taken = self._driver.snapshot(barrier)
        self._driver.control(barrier)
        taken.pause_ns = clock_ns() - start
        self._reporter.take(taken)
