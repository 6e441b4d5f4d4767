"""Functions on numbers."""

import math
import statistics
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from weft_engine.nodes.functions.table import (
    check_whole,
    failed,
    function,
    list_of,
    number_of,
    numbers_of,
    whole_of,
)


@function(
    "number", "text, default?", "读取文本中的数字；读不出时用默认值。", "number('12.50') → 12.5"
)
def number(value: Any, *default: Any) -> Any:
    """The number that a text says, or the default."""
    read = _read(value)
    if read is not None:
        return read
    if default:
        return default[0]
    if value is None:
        return number_of("number", value)
    raise failed(
        f"number() cannot read {str(value)[:40]!r} as a number",
        "Give a default, such as number(text, 0), or clean the text first.",
    )


def _read(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 400:
        return None
    plain = value.strip().replace("_", "x").replace("−", "-")
    try:
        return check_whole(int(plain))
    except ValueError:
        pass
    try:
        found = float(plain)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


@function("number", "number", "去掉小数部分。", "whole(-2.7) → -2")
def whole(value: Any) -> int:
    """Without what stands behind the point."""
    read = _read(value)
    if read is None:
        return int(number_of("whole", value))
    return check_whole(math.trunc(read))


@function("number", "number, decimals?", "四舍五入。", "round(2.345, 2) → 2.35")
def round_(value: Any, decimals: Any = 0) -> int | float:
    """Rounded; halves away from zero."""
    found, digits = number_of("round", value), whole_of("round", decimals)
    if not -20 <= digits <= 20:
        raise failed("round() takes -20 to 20 decimals")
    if isinstance(found, float) and not math.isfinite(found):
        raise failed("round() needs a finite number")
    if abs(found) >= 1e15:
        return found
    # The nearest double to 2.345 lies just below it; its shortest text says what people meant.
    unit = Decimal(1).scaleb(-digits)
    rounded = Decimal(repr(found)).quantize(unit, rounding=ROUND_HALF_UP)
    return float(rounded) if digits > 0 and isinstance(found, float) else int(rounded)


@function("number", "number", "向下取整。", "floor(2.7) → 2")
def floor(value: Any) -> int:
    """The whole number at or below."""
    return check_whole(math.floor(_finite("floor", value)))


@function("number", "number", "向上取整。", "ceil(2.1) → 3")
def ceil(value: Any) -> int:
    """The whole number at or above."""
    return check_whole(math.ceil(_finite("ceil", value)))


@function("number", "number", "绝对值。", "abs(-3) → 3")
def abs_(value: Any) -> int | float:
    """Without its sign."""
    return abs(number_of("abs", value))


@function("number", "number", "正负号：-1、0 或 1。", "sign(-3) → -1")
def sign(value: Any) -> int:
    """-1, 0 or 1."""
    found = number_of("sign", value)
    return (found > 0) - (found < 0)


@function("number", "number, low, high", "限制在上下限之间。", "clamp(12, 0, 10) → 10")
def clamp(value: Any, low: Any, high: Any) -> int | float:
    """At least `low` and at most `high`."""
    found, least, most = (number_of("clamp", part) for part in (value, low, high))
    return max(least, min(most, found))


@function("number", "number", "平方根。", "sqrt(9) → 3.0")
def sqrt(value: Any) -> float:
    """The square root."""
    found = _finite("sqrt", value)
    if found < 0:
        raise failed("sqrt() needs a number that is not below 0")
    return math.sqrt(found)


@function("number", "number, base?", "对数；不给底数时为自然对数。", "log(1000, 10) → 3.0")
def log(value: Any, base: Any = None) -> float:
    """The logarithm; natural without a base."""
    found = _finite("log", value)
    to = math.e if base is None else _finite("log", base)
    if found <= 0 or to <= 0 or to == 1:
        raise failed("log() needs a number above 0, and a base above 0 that is not 1")
    if to == 10:
        return math.log10(found)
    return math.log2(found) if to == 2 else math.log(found) / math.log(to)


@function("number", "values…", "最小值。", "min(3, 1, 2) → 1")
def min_(*values: Any) -> Any:
    """The smallest of some values, or of a list."""
    return min(_ordered("min", values))


@function("number", "values…", "最大值。", "max([3, 1, 2]) → 3")
def max_(*values: Any) -> Any:
    """The largest of some values, or of a list."""
    return max(_ordered("max", values))


def _ordered(name: str, values: tuple[Any, ...]) -> list[Any]:
    items = list(list_of(name, values[0]) if len(values) == 1 else values)
    if not items:
        raise failed(f"{name}() of an empty list is nothing", "Look at length(list) first.")
    if all(isinstance(item, str) for item in items):
        return items
    return [number_of(name, item) for item in items]


@function("number", "list", "求和。", "sum([1, 2, 3]) → 6")
def sum_(values: Any) -> int | float:
    """All numbers added."""
    items = numbers_of("sum", values)
    if any(isinstance(item, float) for item in items):
        return math.fsum(items)
    return check_whole(int(sum(items)))


@function("number", "list", "平均值。", "mean([1, 2, 6]) → 3.0")
def mean(values: Any) -> float:
    """The average."""
    items = _some("mean", values)
    return math.fsum(items) / len(items)


@function("number", "list", "中位数。", "median([1, 9, 2]) → 2")
def median(values: Any) -> int | float:
    """The one in the middle."""
    return statistics.median(_some("median", values))


def _some(name: str, values: Any) -> list[int | float]:
    items = numbers_of(name, values)
    if not items:
        raise failed(f"{name}() of an empty list is nothing")
    return items


def _finite(name: str, value: Any) -> int | float:
    found = number_of(name, value)
    if isinstance(found, float) and not math.isfinite(found):
        raise failed(f"{name}() needs a finite number")
    return found
