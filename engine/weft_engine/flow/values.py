"""What a setting may hold: JSON that every part of Weft reads the same way."""

import math
import sys
from typing import Annotated, Final, cast

from pydantic import AfterValidator, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError

DEEPEST: Final = 32
"""How deeply lists and objects may be nested."""
LARGEST_INTEGER: Final = 2**53 - 1
"""Larger ones change silently in a browser."""
ID_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"


def _clean(value: JsonValue, depth: int = 0) -> JsonValue:
    """Refuse what JSON cannot carry, and write whole numbers as integers."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, float):
        return _clean_float(value)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise PydanticCustomError(
            "number_too_big", "whole numbers go up to {largest}; write longer ones as text",
            {"largest": LARGEST_INTEGER},
        )  # fmt: skip
    if not isinstance(value, list | dict):
        return value
    if depth >= DEEPEST:
        raise PydanticCustomError(
            "too_deep", "values may be nested {deepest} levels deep", {"deepest": DEEPEST}
        )
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    # Interned keys make the look-ups of a run cheaper and a large flow smaller.
    return {sys.intern(_clean_text(key)): _clean(item, depth + 1) for key, item in value.items()}


def _clean_text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "not_unicode", "the text has half a character in it (a lone surrogate)"
        ) from None
    return text


def _clean_float(number: float) -> float:
    if not math.isfinite(number):
        raise PydanticCustomError("not_finite", "numbers must be finite")
    if number.is_integer() and abs(number) <= LARGEST_INTEGER:
        return int(number)
    return number


def _clean_value(value: JsonValue) -> JsonValue:
    return _clean(value)


Value = Annotated[JsonValue, AfterValidator(_clean_value)]
"""Any JSON value: finite, of bounded depth, without integers that a browser would change."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""The id of a node or note, or the name of a port, an input or a variable."""

Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_clean_text)]
"""A short text, such as a name."""

Prose = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(_clean_text)]
"""A longer text, such as a note."""


def same(a: JsonValue, b: JsonValue) -> bool:
    """Whether two values are the same JSON; `true` is not `1`, as it is for Python."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def copy(value: JsonValue) -> JsonValue:
    """Copy a JSON value, so that a change of the copy leaves the original alone."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy(item) for item in value]
    return cast("JsonValue", value)
