"""Values as keys: for equality, and for order among values of different kinds."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def frozen(value: Any) -> Any:
    """The value itself if it can be hashed, else a stand-in; equal values have equal ones."""
    try:
        hash(value)
    except TypeError:
        return _stand_in(value)
    return value


def _stand_in(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ("{}", frozenset((name, frozen(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return ("[]", tuple(map(frozen, value)))
    if isinstance(value, set):
        return ("()", frozenset(value))
    return ("repr", type(value).__qualname__, repr(value))


_PLAIN = (frozenset({str}), frozenset({int}))


def order_key(value: Any) -> tuple[Any, ...]:
    """A stand-in that any two values can be compared by; null is the greatest."""
    if value is None:
        return (9,)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, bool):
        return (0, value)
    if isinstance(value, int | float | Decimal):
        return (1, 0, value) if value == value else (1, 1, 0)
    if isinstance(value, date | time):
        return (3, *_moment(value))
    if isinstance(value, bytes):
        return (4, value)
    if isinstance(value, list | tuple):
        return (5, tuple(map(order_key, value)))
    return (6, type(value).__qualname__, json.dumps(value, sort_keys=True, default=repr))


def _moment(value: date | time) -> tuple[Any, ...]:
    """Dates before times; moments without a zone before those with one."""
    if isinstance(value, datetime):
        aware = value.tzinfo is not None
        return (0, aware, value.timestamp() if aware else value.isoformat())
    if isinstance(value, date):
        return (0, False, value.isoformat())
    return (1, False, value.isoformat())


def sorted_by(records: list[Any], keys: list[Any], *, descending: bool) -> list[Any]:
    """Sort records by their keys, stably; null comes last whatever the direction."""
    marks = keys if frozenset(map(type, keys)) in _PLAIN else list(map(order_key, keys))
    order = sorted(range(len(records)), key=marks.__getitem__, reverse=descending)
    out = [records[index] for index in order]
    if descending and None in keys:
        nulls = {index for index, key in enumerate(keys) if key is None}
        out = [records[index] for index in order if index not in nulls]
        out += [records[index] for index in sorted(nulls)]
    return out
