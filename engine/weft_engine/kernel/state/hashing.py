"""A hash that is the same in every process, on every platform and in every version of Python.

Python's own `hash` of texts differs from process to process, so it cannot say which subtask a key
belongs to. Numbers are the exception: the language defines their hash, so that equal numbers of
different types have equal ones ("Hashing of numeric types" in the library reference).
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from numbers import Number
from typing import Any, Final
from uuid import UUID
from zlib import adler32, crc32

from weft_engine.errors import WeftError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes

__all__ = ["UnstableKeyError", "key_group", "key_groups_of", "stable_hash"]

_MASK: Final = 2**64 - 1
# Odd constants with irregular bits: 2**64 over the golden ratio, and one of the constants that
# Pelle Evensen's mixers use. One multiplication carries low bits up, the shift brings them down.
_SPREAD: Final = 0x9E3779B97F4A7C15
_SPREAD_AGAIN: Final = 0xD6E8FEB86659FD93
_TEXT, _BYTES, _TUPLE, _SET, _ENUM, _RECORD, _DATE, _NAIVE, _AWARE, _TIME, _SPAN, _UUID, _NONE = (
    (n * 0xBF58476D1CE4E5B9) & _MASK for n in range(1, 14)
)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is taken off before
_MODULUS: Final = 2**61 - 1
_NATIVE: Final = sys.hash_info.modulus == _MODULUS


class UnstableKeyError(WeftError, TypeError):
    """A value cannot be a key, because its hash would differ from process to process."""

    code = "kernel.unstable_key"


def stable_hash(key: Any) -> int:
    """The hash of a key: 64 bits, equal for equal keys.

    Raises:
        UnstableKeyError: `kernel.unstable_key` for what is not a value: lists, dicts, sets,
            objects that are only equal to themselves, and NaN.
    """
    kind = type(key)
    if kind is int and _NATIVE:
        mixed = hash(key) * _SPREAD & _MASK
        mixed = (mixed ^ mixed >> 32) * _SPREAD_AGAIN & _MASK
        return mixed ^ mixed >> 29
    if kind is str:
        try:
            data = key.encode()
        except UnicodeEncodeError:
            data = key.encode("utf-8", "surrogatepass")
        mixed = (crc32(data) << 32 ^ adler32(data)) * _SPREAD & _MASK
        return mixed ^ mixed >> 32
    return (_BY_TYPE.get(kind) or _find(key))(key)


def key_group(key: Any, key_groups: int) -> int:
    """The key group of a key; `key_groups` is a power of two."""
    return stable_hash(key) & (key_groups - 1)


def key_groups_of(keys: Iterable[Any], key_groups: int) -> list[int]:
    """The key groups of many keys."""
    mask = key_groups - 1
    find = stable_hash
    return [find(key) & mask for key in keys]


def _mix(value: int) -> int:
    mixed = value * _SPREAD & _MASK
    mixed = (mixed ^ mixed >> 32) * _SPREAD_AGAIN & _MASK
    return mixed ^ mixed >> 29


def _number(key: Any) -> int:
    if key != key:
        raise _refusal(key, "NaN is not equal to itself", "leave such records out, or give None")
    return _mix(hash(key) if _NATIVE else _numeric_hash(key))


def _decimal(key: Decimal) -> int:
    if key.is_nan():
        raise _refusal(key, "NaN is not equal to itself", "leave such records out, or give None")
    return _mix(hash(key) if _NATIVE else _numeric_hash(key))


def _numeric_hash(key: Any) -> int:
    """The hash that Python gives numbers on a 64-bit platform."""
    if key in (float("inf"), float("-inf")):
        return 314159 if key > 0 else -314159
    if isinstance(key, complex):
        return _numeric_hash(key.real) + sys.hash_info.imag * _numeric_hash(key.imag)
    exact = Fraction(key)
    if exact.denominator % _MODULUS == 0:
        found = 314159
    else:
        inverse = pow(exact.denominator, -1, _MODULUS)
        found = abs(exact.numerator) * inverse % _MODULUS
    found = -found if exact < 0 else found
    return -2 if found == -1 else found


def _none(_: None) -> int:
    return _NONE


def _text(key: str) -> int:
    return stable_hash(str.__str__(key))


def _bytes(key: bytes) -> int:
    return _mix((crc32(key) << 32 ^ adler32(key)) ^ _BYTES)


def _tuple(key: tuple[Any, ...]) -> int:
    mixed = _TUPLE ^ len(key)
    for item in key:
        mixed = (mixed ^ stable_hash(item)) * _SPREAD_AGAIN & _MASK
        mixed ^= mixed >> 31
    return mixed


def _set(key: frozenset[Any]) -> int:
    total = _SET
    for item in key:
        total += _mix(stable_hash(item))
    return _mix(total & _MASK)


def _enum(key: Enum) -> int:
    return _tuple((_ENUM, type(key).__qualname__, key.name or key.value))


def _record(key: Any) -> int:
    names = [field.name for field in fields(key) if field.compare]
    return _tuple((_RECORD, type(key).__qualname__, *(getattr(key, name) for name in names)))


def _span(key: timedelta) -> int:
    return _tuple((_SPAN, key.days, key.seconds, key.microseconds))


def _date(key: date) -> int:
    return _tuple((_DATE, key.toordinal()))


def _datetime(key: datetime) -> int:
    # As Python's own hash does: of a time that a clock shows twice, the first counts.
    offset = key.replace(fold=0).utcoffset()
    since = key.replace(tzinfo=None, fold=0) - _EPOCH
    if offset is None:
        return _tuple((_NAIVE, since.days, since.seconds, since.microseconds))
    since -= offset
    return _tuple((_AWARE, since.days, since.seconds, since.microseconds))


def _time(key: time) -> int:
    offset = key.replace(fold=0).utcoffset()
    since = timedelta(
        hours=key.hour, minutes=key.minute, seconds=key.second, microseconds=key.microsecond
    )
    if offset is None:
        return _tuple((_TIME, since.days, since.seconds, since.microseconds))
    since -= offset
    return _tuple((_TIME, _AWARE, since.days, since.seconds, since.microseconds))


def _uuid(key: UUID) -> int:
    return _tuple((_UUID, key.int))


_BY_TYPE: Final[dict[type, Callable[[Any], int]]] = {
    int: _number,
    bool: _number,
    float: _number,
    complex: _number,
    Fraction: _number,
    Decimal: _decimal,
    bytes: _bytes,
    type(None): _none,
    tuple: _tuple,
    frozenset: _set,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _span,
    UUID: _uuid,
}
# Subclasses of these are equal to them, unless they have an equality of their own. `datetime`
# stands before `date`, of which it is a subclass.
_BASES: Final[tuple[tuple[type, Callable[[Any], int]], ...]] = (
    (int, _number),
    (str, _text),
    (float, _number),
    (Decimal, _decimal),
    (bytes, _bytes),
    (tuple, _tuple),
    (frozenset, _set),
    (datetime, _datetime),
    (date, _date),
    (time, _time),
    (timedelta, _span),
    (UUID, _uuid),
    (Enum, _enum),
)


def _find(key: Any) -> Callable[[Any], int]:
    kind = type(key)
    if is_dataclass(kind):
        found = _of_dataclass(key)
    elif issubclass(kind, Number):  # also those of numpy: they promise to hash as equal numbers do
        found = _number
    else:
        found = _of_subclass(key)
    if len(_BY_TYPE) < 10_000:  # classes that are made anew all the time must not pile up
        _BY_TYPE[kind] = found
    return found


def _of_subclass(key: Any) -> Callable[[Any], int]:
    kind: Any = type(key)
    for base, found in _BASES:
        if issubclass(kind, base):
            if base is not Enum and kind.__eq__ is not base.__eq__:
                break
            if base is Enum and kind.__eq__ is not object.__eq__:
                break
            return found
    raise _refusal(key, *_advice(key))


def _of_dataclass(key: Any) -> Callable[[Any], int]:
    params = type(key).__dataclass_params__
    own = type(key).__eq__.__code__.co_filename if hasattr(type(key).__eq__, "__code__") else ""
    if params.frozen and params.eq and own == "<string>":  # both methods as `dataclass` made them
        return _record
    raise _refusal(
        key,
        "only frozen dataclasses that are compared by their fields are values",
        "declare it @dataclass(frozen=True), or use a tuple of its fields as the key",
    )


def _advice(key: Any) -> tuple[str, str]:
    if isinstance(key, list | bytearray | memoryview):
        inner = "bytes(...)" if not isinstance(key, list) else "tuple(...)"
        return "it can be changed", f"use {inner} of it as the key"
    if isinstance(key, set):
        return "it can be changed", "use frozenset(...) of it as the key"
    if isinstance(key, dict):
        return "it can be changed", "use one of its fields, or a tuple of several, as the key"
    return (
        "its hash differs from process to process",
        "use one of its fields, a tuple of several, or a text as the key",
    )


def _refusal(key: Any, why: str, hint: str) -> UnstableKeyError:
    name = type(key).__qualname__
    return UnstableKeyError(
        f"a {name} cannot be a key: {why}", hint=f"{hint[:1].upper()}{hint[1:]}."
    )
