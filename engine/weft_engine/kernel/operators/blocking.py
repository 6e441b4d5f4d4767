"""Operators that wait for the end of their input, and hold what they need until then."""

from collections.abc import Callable
from typing import Any

from weft_engine.kernel.custom import SortKey
from weft_engine.kernel.operators.base import (
    NOTHING,
    Batch,
    Emission,
    Operator,
    apply_each,
    in_batches,
)
from weft_engine.kernel.operators.keys import frozen, sorted_by


class Collect(Operator):
    """All records in one list."""

    def __init__(self) -> None:
        self._records: Batch = []

    def process(self, port: int, batch: Batch) -> Emission:
        self._records += batch
        return NOTHING

    def finish(self) -> Emission:
        yield 0, [self._records]

    def close(self) -> None:
        self._records = []


class Sort(Operator):
    """All records, sorted stably."""

    def __init__(self, keys: tuple[SortKey, ...]) -> None:
        self._keys = keys
        self._records: Batch = []

    def process(self, port: int, batch: Batch) -> Emission:
        self._records += batch
        return NOTHING

    def finish(self) -> Emission:
        records = self._records
        for key, descending in reversed(self._keys):
            dropped: list[int] = []
            values = apply_each(key, records, self.context, dropped.append)
            for position in reversed(dropped):
                del records[position]
            records = sorted_by(records, values, descending=descending)
        return in_batches(records, self.context.batch_size)

    def close(self) -> None:
        self._records = []


class Fold(Operator):
    """All records brought together into one."""

    def __init__(
        self,
        create: Callable[[], Any],
        add: Callable[[Any, Any], Any],
        result: Callable[[Any], Any] | None,
    ) -> None:
        self._held = create()
        self._add = add
        self._result = result

    def process(self, port: int, batch: Batch) -> Emission:
        add = self._add
        for record in batch:
            try:
                self._held = add(self._held, record)
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                self.context.give_up(exc, record)
        return NOTHING

    def finish(self) -> Emission:
        yield 0, [self._result(self._held) if self._result else self._held]


class Aggregate(Operator):
    """The records of every key brought together."""

    def __init__(
        self,
        key: Callable[[Any], Any],
        create: Callable[[], Any],
        add: Callable[[Any, Any], Any],
        result: Callable[[Any, Any], Any] | None,
    ) -> None:
        self._key = key
        self._create = create
        self._add = add
        self._result = result
        self._held: dict[Any, Any] = {}
        self._odd: dict[Any, Any] = {}
        """The true keys of those that cannot be hashed."""

    def process(self, port: int, batch: Batch) -> Emission:
        key, add, held = self._key, self._add, self._held
        for record in batch:
            try:
                value = key(record)
                mark = value if type(value) is str else self._mark(value)
                before = held[mark] if mark in held else self._create()
                held[mark] = add(before, record)
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                self.context.give_up(exc, record)
        return NOTHING

    def finish(self) -> Emission:
        result, odd = self._result, self._odd
        pairs = [(odd.get(mark, mark), held) for mark, held in self._held.items()]
        out = [result(key, held) for key, held in pairs] if result else pairs
        return in_batches(out, self.context.batch_size)

    def close(self) -> None:
        self._held = {}

    def _mark(self, value: Any) -> Any:
        mark = frozen(value)
        if mark is not value:
            self._odd.setdefault(mark, value)
        return mark


def make_reduce(key: Callable[[Any], Any], fn: Callable[[Any, Any], Any]) -> Aggregate:
    """The records of every key, brought together two at a time."""

    def add(held: list[Any], record: Any) -> list[Any]:
        return [fn(held[0], record)] if held else [record]

    return Aggregate(key, list, add, lambda _, held: held[0])
