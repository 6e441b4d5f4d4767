"""How records of a window are brought together."""

from typing import Any

from benchmarks.nexmark.model import Auction
from weft_engine.kernel.functions import AggregateFunction
from weft_engine.kernel.windows import Window


class HowMany(AggregateFunction[Any, int, int]):
    """Counts."""

    def create(self) -> int:
        """None yet."""
        return 0

    def add(self, accumulator: int, value: Any) -> int:
        """One more."""
        return accumulator + 1

    def result(self, accumulator: int) -> int:
        """How many there were."""
        return accumulator

    def merge(self, one: int, other: int) -> int:
        """Both together."""
        return one + other


class MeanPrice(AggregateFunction[tuple[Auction, int], tuple[int, int], float]):
    """The mean of what was paid."""

    def create(self) -> tuple[int, int]:
        """How much and for how many."""
        return 0, 0

    def add(self, accumulator: tuple[int, int], value: tuple[Auction, int]) -> tuple[int, int]:
        """One more sale."""
        return accumulator[0] + value[1], accumulator[1] + 1

    def result(self, accumulator: tuple[int, int]) -> float:
        """Divide."""
        return accumulator[0] / accumulator[1]

    def merge(self, one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        """Both together."""
        return one[0] + other[0], one[1] + other[1]


class Greatest(AggregateFunction[Any, tuple[Any, ...], tuple[Any, ...]]):
    """Those records that have the greatest value in one of their fields."""

    def __init__(self, field: int) -> None:
        self._field = field

    def create(self) -> tuple[Any, ...]:
        """Nothing yet."""
        return ()

    def add(self, accumulator: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        """Keep it if it is among the greatest."""
        field = self._field
        if not accumulator or value[field] > accumulator[0][field]:
            return (value,)
        return accumulator if value[field] < accumulator[0][field] else (*accumulator, value)

    def result(self, accumulator: tuple[Any, ...]) -> tuple[Any, ...]:
        """The records."""
        return accumulator

    def merge(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
        """Both together."""
        for value in other:
            one = self.add(one, value)
        return one


def with_end(key: Any, window: Window, value: Any) -> tuple[int, Any, Any]:
    """The end of the window, the key and what it amounts to."""
    return window.end, key, value


def alone(key: Any, window: Window, value: Any) -> Any:
    """Just what it amounts to."""
    return value
