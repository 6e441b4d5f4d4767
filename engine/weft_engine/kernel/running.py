"""Aggregates that streams bring along, by key or by window."""

from collections.abc import Callable
from typing import Any, Final

from weft_engine.kernel.inline import Inline


class Counted:
    """One more."""

    inline = Inline("held + 1", "held", "item")
    """What generated loops write instead of a call."""

    def __call__(self, held: int, record: Any) -> int:
        return held + 1


class Summed:
    """The sum of the records, or of something of them."""

    def __init__(self, of: Callable[[Any], Any] | None) -> None:
        self._of = of

    @property
    def inline(self) -> Inline | None:
        """What generated loops write instead of a call, where that is known."""
        return Inline("held + item", "held", "item") if self._of is None else None

    def __call__(self, held: Any, record: Any) -> Any:
        return held + (record if self._of is None else self._of(record))


class Best:
    """The least or the greatest of the records, or of something of them."""

    def __init__(self, of: Callable[[Any], Any] | None, *, least: bool) -> None:
        self._of = of
        self._least = least

    def __call__(self, held: Any, record: Any) -> Any:
        value = record if self._of is None else self._of(record)
        return value if held is NOTHING else self.better(held, value)

    def better(self, one: Any, other: Any) -> Any:
        """The better of two; the first of equals."""
        if other is NOTHING:
            return one
        return other if one is NOTHING or ((other < one) == self._least and other != one) else one


class Nothing:
    """Stands where there is no value yet; always the same one, also in another process."""

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Final = Nothing()


def zero() -> int:
    """Where sums and counts begin."""
    return 0


def none() -> Any:
    """Where the least and the greatest begin."""
    return NOTHING
