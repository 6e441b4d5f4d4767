"""Gathers what an operator emits record by record, and pushes it on in batches."""

from typing import Any

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.runtime.operator import OperatorContext

Mark = tuple[int, ...]


class Collector:
    """A list for every output."""

    def __init__(self, context: OperatorContext, outputs: int = 1) -> None:
        self._context = context
        self._timed = context.spec.timed
        self._size = context.batch_size
        self._values: list[list[Any]] = [[] for _ in range(outputs)]
        self._times: list[list[int]] = [[] for _ in range(outputs)]
        self.full = False
        """Whether there is a batch to push on."""

    def add(self, value: Any, time: int | None = None, output: int = 0) -> None:
        """Take a record; `time` must be there where the stream has times."""
        values = self._values[output]
        values.append(value)
        if self._timed:
            self._times[output].append(time or 0)
        if len(values) >= self._size:
            self.full = True

    def extend(self, values: list[Any], time: int | None = None) -> None:
        """Take several records of the same time for the first output."""
        self._values[0] += values
        if self._timed:
            self._times[0] += [time or 0] * len(values)
        if len(self._values[0]) >= self._size:
            self.full = True

    def mark(self) -> Mark:
        """Where it is, to come back to."""
        return tuple(map(len, self._values))

    def back(self, mark: Mark) -> None:
        """Forget what was added since."""
        for length, values, times in zip(mark, self._values, self._times, strict=True):
            del values[length:]
            del times[length:]

    def flush(self) -> None:
        """Push on what there is, in batches of no more than the batch size."""
        self.full = False
        for output, values in enumerate(self._values):
            if not values:
                continue
            times = self._times[output] if self._timed else None
            self._values[output], self._times[output] = [], []
            if len(values) <= self._size:
                self._context.emit(Batch(values, times), output)
                continue
            for start in range(0, len(values), self._size):
                stop = start + self._size
                part = times[start:stop] if times is not None else None
                self._context.emit(Batch(values[start:stop], part), output)
