"""What the group node keeps per group: sums that are exact in any order, extremes, lists."""

import math
from collections.abc import Callable
from typing import Any, Literal

from weft_engine.library.columns import group_key, number, order_key

Operation = Literal[
    "count",
    "count_values",
    "count_distinct",
    "sum",
    "mean",
    "median",
    "min",
    "max",
    "first",
    "last",
    "list",
    "distinct",
]
"""The ways to sum up the values of a column."""


class ExactSum:
    """A running sum of numbers, rounded once at the end.

    The parts that ordinary addition would lose are carried along (Shewchuk), so the result
    is the same in any order and however the records were divided among workers.

    >>> total = ExactSum()
    >>> for x in [1e16, 1.0, -1e16]:
    ...     total.add(x)
    >>> total.result()
    1.0
    """

    def __init__(self) -> None:
        self._whole = 0
        self._partials: list[float] = []
        self._float = False

    def add(self, item: float) -> None:
        """Add one number."""
        if isinstance(item, int):
            self._whole += item
            return
        self._float = True
        kept = []
        for partial in self._partials:
            big, small = (item, partial) if abs(item) >= abs(partial) else (partial, item)
            item = big + small
            lost = small - (item - big)
            if lost:
                kept.append(lost)
        kept.append(item)
        self._partials = kept

    def result(self) -> float | int:
        """Return the sum; a whole number if only whole numbers were added."""
        if not self._float:
            return self._whole
        return math.fsum([*self._partials, *_halves(self._whole)])


def _halves(whole: int) -> list[float]:
    """Split a whole number into floats whose exact sum it is, as far as floats reach."""
    parts = []
    while whole:
        part = float(whole)
        parts.append(part)
        whole -= int(part)
    return parts


class Accumulator:
    """Takes the values of one column in one group and sums them up; null is passed over."""

    def __init__(self, column: str) -> None:
        self.column = column

    def add(self, item: Any) -> None:
        """Take one value."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return what the values come to."""
        raise NotImplementedError


class Count(Accumulator):
    """Counts records, null or not."""

    total = 0

    def add(self, item: Any) -> None:
        self.total += 1

    def result(self) -> int:
        return self.total


class CountValues(Count):
    """Counts values that are not null."""

    def add(self, item: Any) -> None:
        self.total += item is not None


class CountDistinct(Accumulator):
    """Counts different values."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._seen: set[Any] = set()

    def add(self, item: Any) -> None:
        if item is not None:
            self._seen.add(group_key([item]))

    def result(self) -> int:
        return len(self._seen)


class Sum(Accumulator):
    """Adds up numbers."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._sum = ExactSum()

    def add(self, item: Any) -> None:
        found = number(item, self.column)
        if found is not None:
            self._sum.add(found)

    def result(self) -> float | int:
        return self._sum.result()


class Mean(Accumulator):
    """The arithmetic mean of the numbers."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._sum = ExactSum()
        self._count = 0

    def add(self, item: Any) -> None:
        found = number(item, self.column)
        if found is not None:
            self._sum.add(found)
            self._count += 1

    def result(self) -> float | None:
        return self._sum.result() / self._count if self._count else None


class Median(Accumulator):
    """The middle number; the mean of the two middle ones of an even count."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._values: list[float] = []

    def add(self, item: Any) -> None:
        found = number(item, self.column)
        if found is not None:
            self._values.append(found)

    def result(self) -> float | None:
        ordered = sorted(self._values)
        if not ordered:
            return None
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else sum(ordered[middle - 1 : middle + 1]) / 2


class Extreme(Accumulator):
    """The least value; with `largest`, the greatest."""

    largest = False

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._best: Any = None

    def add(self, item: Any) -> None:
        if item is None:
            return
        better = self._best is None or (
            order_key(item) > order_key(self._best)
            if self.largest
            else order_key(item) < order_key(self._best)
        )
        if better:
            self._best = item

    def result(self) -> Any:
        return self._best


class Largest(Extreme):
    """The greatest value."""

    largest = True


class First(Accumulator):
    """The first value that is not null."""

    _value: Any = None

    def add(self, item: Any) -> None:
        if self._value is None:
            self._value = item

    def result(self) -> Any:
        return self._value


class Last(First):
    """The last value that is not null."""

    def add(self, item: Any) -> None:
        if item is not None:
            self._value = item


class Values(Accumulator):
    """All values, in order."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._values: list[Any] = []

    def add(self, item: Any) -> None:
        if item is not None:
            self._values.append(item)

    def result(self) -> list[Any]:
        return self._values


class Distinct(Accumulator):
    """Every different value once, in the order of its first appearance."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self._values: dict[Any, Any] = {}

    def add(self, item: Any) -> None:
        if item is not None:
            self._values.setdefault(group_key([item]), item)

    def result(self) -> list[Any]:
        return list(self._values.values())


ACCUMULATORS: dict[Operation, Callable[[str], Accumulator]] = {
    "count": Count,
    "count_values": CountValues,
    "count_distinct": CountDistinct,
    "sum": Sum,
    "mean": Mean,
    "median": Median,
    "min": Extreme,
    "max": Largest,
    "first": First,
    "last": Last,
    "list": Values,
    "distinct": Distinct,
}
