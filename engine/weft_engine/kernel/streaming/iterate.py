"""The head of a loop: what comes back goes round again together with what is new."""

from collections.abc import Sequence
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Barrier, Batch, Event, Watermark
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import Later, StreamOperator


class Iterate(StreamOperator):
    """Runs as one subtask, and is led back to by one (see `runtime.operator.fed_back`).

    Checkpoints: the barrier goes round the loop. What comes back between the head's own snapshot
    and the barrier was under way, and is the head's state.

    The end: once the input has ended, the head sends a watermark round that means nothing to
    anybody else. When it comes back and no record did since it was sent, the loop is empty and the
    head ends; otherwise it sends another. So operators in the loop must let watermarks through, and
    must not wait for the end of their input.

    Watermarks from outside pass through the loop, but for the last, which waits for the end. They
    know nothing of records that go round: those may be late for what comes behind the loop.
    """

    def __init__(self, spec: OperatorSpec, max_rounds: int | None = None) -> None:
        self._spec = spec
        self._max_rounds = max_rounds
        self._again: list[Batch] = []
        """What was under way in the checkpoint that it goes on from."""
        self._later: Later | None = None
        self._checkpoint = 0
        self._logged: list[Batch] = []
        self._reached = MIN_TIME
        self._closing = False
        self._empty = False
        self._came = False
        """Whether a record has come back since the last probe was sent."""
        self._rounds = 0

    def restore(self, pieces: Sequence[Any]) -> None:
        self._again = [Batch(*piece) for piece in pieces]
        if self._again:
            self.context.wake()

    def poll(self) -> None:
        again, self._again = self._again, []
        for batch in again:
            self.context.emit(batch)

    def process(self, port: int, batch: Batch) -> None:
        self.context.emit(Batch(batch.values, batch.times))

    def advance(self, time: int) -> int | None:
        if time == MAX_TIME:
            return None
        self._reached = max(self._reached, time)
        return time

    def ended(self, port: int) -> None:
        self._closing = True
        self.poll()
        self._probe()

    def fed_back(self, event: Event) -> None:
        if isinstance(event, Batch):
            self._came = True
            batch = Batch(event.values, event.times)
            if self._later is not None:
                self._logged.append(batch)
            self.context.emit(batch)
        elif isinstance(event, Barrier):
            if self._later is not None and event.checkpoint >= self._checkpoint:
                later, self._later = self._later, None
                logged, self._logged = self._logged, []
                later.complete(_pieces(logged))
        elif isinstance(event, Watermark) and self._closing and event.time >= self._reached:
            self._probe_is_back()

    @property
    def busy(self) -> bool:
        return not self._empty or self._later is not None

    def snapshot(self, checkpoint: int) -> list[Any] | Later | None:
        if self._empty and self._later is None:
            return None
        self._later, self._checkpoint = Later(), checkpoint
        self._logged = list(self._again)
        return self._later

    def _probe(self) -> None:
        self._came = False
        self._reached += 1
        self.context.emit_watermark(self._reached)

    def _probe_is_back(self) -> None:
        if not self._came:
            self._empty = True
            return
        self._rounds += 1
        if self._max_rounds is not None and self._rounds > self._max_rounds:
            raise NodeError(
                f"The loop {self._spec.name!r} still has records after {self._max_rounds} rounds.",
                code="iterate.too_many_rounds",
                hint="See to it that every record leaves the loop, or raise max_rounds.",
                params={"max_rounds": self._max_rounds},
            )
        self._probe()


def _pieces(batches: list[Batch]) -> list[tuple[list[Any], list[int] | None]]:
    return [(batch.values, batch.times) for batch in batches]
