"""Prepares batches for operators where no exchange and no loop has done it."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from weft_engine.kernel.batch import Batch, Event
from weft_engine.kernel.functions import applied
from weft_engine.kernel.runtime.operator import Later, OperatorContext, StreamOperator


class Prepared(StreamOperator):
    """An operator that wants keys, behind one that knows nothing of them, or records of its own."""

    def __init__(
        self, operator: StreamOperator, key: Callable[[Any], Any] | None, *, copies: bool
    ) -> None:
        self.operator = operator
        self._key = key
        self._copies = copies

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self.operator.open(context)

    def restore(self, pieces: Sequence[Any]) -> None:
        self.operator.restore(pieces)

    def process(self, port: int, batch: Batch) -> None:
        values = deepcopy(batch.values) if self._copies else batch.values
        keys = batch.keys if self._key is None else applied(self._key, values)
        self.operator.process(port, Batch(values, batch.times, keys))

    def advance(self, time: int) -> int | None:
        return self.operator.advance(time)

    def fed_back(self, event: Event) -> None:
        self.operator.fed_back(event)

    def poll(self) -> None:
        self.operator.poll()

    def due(self) -> int | None:
        return self.operator.due()

    def tick(self, now: int) -> None:
        self.operator.tick(now)

    def ended(self, port: int) -> None:
        self.operator.ended(port)

    @property
    def busy(self) -> bool:
        return self.operator.busy

    def finish(self) -> None:
        self.operator.finish()

    def snapshot(self, checkpoint: int) -> list[Any] | Later | None:
        return self.operator.snapshot(checkpoint)

    def prepare(self, checkpoint: int) -> Any:
        return self.operator.prepare(checkpoint)

    def committed(self, checkpoint: int) -> None:
        self.operator.committed(checkpoint)

    def close(self) -> None:
        self.operator.close()
