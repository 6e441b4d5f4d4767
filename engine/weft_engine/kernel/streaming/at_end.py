"""Operators by key that look at the stream as a whole: aggregate, reduce, distinct.

What they hold lies in keyed state, so that it is part of checkpoints bit by bit and can be divided
anew. Keys that cannot be hashed are looked at by a stand-in (see `operators.keys.frozen`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.operators.keys import frozen
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures

_NOTHING: Final[Any] = object()


class AggregateAtEnd(StreamOperator):
    """The records of every key brought together; results at the end, keys as first seen."""

    def __init__(
        self,
        spec: OperatorSpec,
        key: Callable[[Any], Any],
        create: Callable[[], Any],
        add: Callable[[Any, Any], Any],
        result: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self._key = key
        self._create = create
        self._add = add
        self._result = result
        self._number = 0
        """How many keys there were."""

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._table = context.state.table(StateSpec("held"))

    def restore(self, pieces: Sequence[Any]) -> None:
        self._number = max(pieces, default=0)

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._number]

    def process(self, port: int, batch: Batch) -> None:
        keys, kept = _marks(self._key, batch, self._failures)
        marks = list(map(frozen, keys))
        entries = self._table.begin(marks)
        for value, key, mark in zip(kept, keys, marks, strict=True):
            held = entries.get(mark, _NOTHING)
            try:
                if held is _NOTHING:
                    entries[mark] = (self._number, key, self._add(self._create(), value))
                    self._number += 1
                else:
                    entries[mark] = (held[0], held[1], self._add(held[2], value))
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                self._failures.give_up(exc, value)
        self._table.done(marks)

    def finish(self) -> None:
        out = Collector(self.context)
        found = sorted(self._table.items(), key=lambda item: item[1][0])
        for mark, (_, key, held) in found:
            # Another number of subtasks would divide what is left, and emit it again.
            self._table.delete(mark)
            try:
                out.add((key, held) if self._result is None else self._result(key, held))
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                self._failures.give_up(exc, key)
            if out.full:
                out.flush()
        out.flush()


class ReduceAtEnd(AggregateAtEnd):
    """The records of every key brought together two at a time; results at the end."""

    def __init__(
        self, spec: OperatorSpec, key: Callable[[Any], Any], fn: Callable[[Any, Any], Any]
    ) -> None:
        def add(held: Any, value: Any) -> Any:
            return value if held is _NOTHING else fn(held, value)

        super().__init__(spec, key, lambda: _NOTHING, add, lambda key, held: held)


class Distinct(StreamOperator):
    """The first record of every key."""

    def __init__(self, spec: OperatorSpec, key: Callable[[Any], Any] | None = None) -> None:
        self._key = key

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._table = context.state.table(StateSpec("seen"))

    def process(self, port: int, batch: Batch) -> None:
        marks, kept = batch.values, batch.values
        if self._key is not None:
            marks, kept = _marks(self._key, batch, self._failures)
        marks = list(map(frozen, marks))
        entries = self._table.begin(marks)
        out, new = [], []
        for value, mark in zip(kept, marks, strict=True):
            if mark not in entries:
                entries[mark] = True
                out.append(value)
                new.append(mark)
        self._table.done(new)
        if out:
            self.context.emit(Batch(out))


def _marks(
    key: Callable[[Any], Any], batch: Batch, failures: Failures
) -> tuple[list[Any], list[Any]]:
    """The keys of records, and the records, but for those whose key cannot be found."""
    keys, kept = [], []
    for value in batch.values:
        try:
            found = key(value)
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            again, found = failures.settle(exc, value, partial(key, value))
            if not again:
                continue
        keys.append(found)
        kept.append(value)
    return keys, kept
