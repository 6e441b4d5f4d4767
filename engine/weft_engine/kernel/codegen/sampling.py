"""How records and time are shared out among the operators of a loop."""

from collections.abc import Sequence

from weft_engine.kernel.runtime.operator import OperatorContext


class Sampling:
    """Scales what was measured on some batches to all of them, by their records.

    What goes into the first operator and comes out of the last, and how long everything takes, is
    counted exactly by the subtask; what happens in between is measured on every 256th batch.
    """

    def __init__(self, contexts: Sequence[OperatorContext]) -> None:
        self._contexts = contexts
        self._pending = 0
        """Records that came in since the last sample, this batch's included."""
        self._batch = 0
        self._last: list[tuple[int, int]] = [(0, 0)] * len(contexts)
        self._sampled = 0
        self._fresh: dict[int, tuple[int, int]] = {}

    def seen(self, records: int) -> None:
        """A batch comes in."""
        if self._fresh:
            self._report()
        self._pending += records
        self._batch = records

    def add(self, first: int, found: Sequence[tuple[int, int]]) -> None:
        """What was measured on it, from one of the operators on."""
        for at, (records, time) in enumerate(found, first):
            before = self._fresh.get(at, (0, 0))
            self._fresh[at] = before[0] + records, before[1] + time

    def end(self) -> None:
        """Nothing comes any more."""
        if self._fresh:
            self._report()
        if self._pending and self._sampled:
            self._share_out(self._pending / self._sampled)
            self._pending = 0

    def _report(self) -> None:
        self._last = [self._fresh.get(at, (0, 0)) for at in range(len(self._contexts))]
        self._fresh = {}
        self._sampled = self._batch
        self._share_out(self._pending / self._batch)
        self._pending = 0

    def _share_out(self, scale: float) -> None:
        records = [round(count * scale) for count, _ in self._last]
        times = [round(time * scale) for _, time in self._last]
        last = len(self._contexts) - 1
        self._contexts[0].measured(records_out=records[1], busy_ns=-sum(times[1:]))
        for at in range(1, last):
            self._contexts[at].measured(records[at], records[at + 1], times[at])
        self._contexts[last].measured(records[last], 0, times[last])
