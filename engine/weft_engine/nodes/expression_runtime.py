"""What compiled expressions call: arithmetic that cannot run away, and counting of work."""

from collections.abc import Callable
from time import thread_time
from typing import Any, Final, TypeVar

from weft_engine.errors import ExpressionError
from weft_engine.nodes.functions.table import (
    MAX_INT,
    check_items,
    check_text,
    check_whole,
    refuse,
    too_costly,
)

T = TypeVar("T")

_BUDGET: Final = 10_000_000
_PER_TURN: Final = 10
_PER_ITEM: Final = 3
_PER_PART: Final = 6
_PER_SECOND: Final = 2 * _BUDGET
_TEXT_SHARE: Final = 8


def add(a: Any, b: Any) -> Any:
    """`a + b` of numbers, texts or lists."""
    kind = a.__class__
    if kind is str:
        check_text(len(a) + (len(b) if b.__class__ is str else 0))
    elif kind is list:
        check_items(len(a) + (len(b) if b.__class__ is list else 0))
    elif kind is int and b.__class__ is int:
        return check_whole(a + b)
    return a + b


def multiply(a: Any, b: Any) -> Any:
    """`a * b` of numbers; text is not repeated by it."""
    if a.__class__ is float or b.__class__ is float:
        return a * b
    if isinstance(a, int) and isinstance(b, int):
        found = a * b
        return found if -MAX_INT < found < MAX_INT else check_whole(found)
    raise TypeError("only numbers are multiplied")


def modulo(a: Any, b: Any) -> Any:
    """`a % b` of numbers; text is not formatted by it."""
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a % b
    raise TypeError("only numbers have a remainder")


def power(a: Any, b: Any) -> Any:
    """`a ** b` of numbers, bounded before it is calculated."""
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        raise TypeError("only numbers are raised to a power")
    if isinstance(a, int) and isinstance(b, int) and b > 0:
        if a.bit_length() * b > 2 * MAX_INT.bit_length() and abs(a) > 1:
            raise too_costly("a whole number of more than 38 digits")
        return check_whole(int(a**b))
    found = a**b
    if isinstance(found, complex):
        raise ExpressionError(
            "a power of a negative number must be whole",
            code="expression.failed",
            hint="Take abs(…) first.",
        )
    return found


def look_up(holder: Any, key: Any) -> Any:
    """A field or item, or null when it is not there: how `coalesce` and its like read paths."""
    if holder is None:
        return None
    if holder.__class__ is dict:
        return holder.get(key)
    try:
        return holder[key]
    except (KeyError, IndexError):
        return None


class Meter:
    """Counts the work of one evaluation; only expressions that may have much of it have one."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _BUDGET

    def spend(self, value: Any) -> Any:
        """Count a value that was made."""
        if isinstance(value, str):
            self.take(len(value))
        elif isinstance(value, list | tuple | dict):
            self.take(len(value) * _PER_ITEM)
        return value

    def made(self, value: Any) -> Any:
        """Count a list or record with all that is in it.

        One list may stand in another many times, so a few levels of lists, small in memory, are
        more than anybody could write down or compare.
        """
        self.take(weight(value, self.left))
        return value

    def take(self, units: int) -> None:
        """Count some work; stop when it is too much."""
        self.left -= units
        if self.left < 0:
            raise too_costly("more than one record is worth")

    def each(self, values: Any) -> Any:
        """A list to go through."""
        if not isinstance(values, list | tuple):
            if isinstance(values, dict):
                raise ExpressionError(
                    "a record cannot be gone through as it is",
                    code="expression.wrong_type",
                    hint="Use keys(…), values(…) or items(…).",
                )
            return refuse("for", "a list", values)
        self.take(len(values) * _PER_TURN)
        return values

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function and count what it read and made."""
        for argument in arguments:
            self.spend(argument)
        return self.spend(function(*arguments))

    def search(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function whose time depends on a pattern, and count that, too."""
        began = thread_time()
        found = self.call(function, *arguments)
        self.take(int((thread_time() - began) * _PER_SECOND))
        return found


def weight(value: Any, most: int) -> int:
    """How much work it is to go through a value and all that is in it; stops above a limit."""
    total, parts = 0, [value]
    while parts and total <= most:
        part = parts.pop()
        if isinstance(part, str):
            total += len(part) // _TEXT_SHARE
        elif isinstance(part, list | tuple):
            total += len(part) * _PER_PART
            if total <= most:
                parts.extend(part)
        elif isinstance(part, dict):
            total += len(part) * _PER_PART
            if total <= most:
                parts.extend(part.values())
    return total


def check_weight(value: T) -> T:
    """Refuse a value that holds more than one record can be worth."""
    if weight(value, _BUDGET) > _BUDGET:
        raise too_costly("more than one record is worth")
    return value
