"""The types of the standard library that values may have beside those of JSON."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from weft_engine.nodes.types import SKIP, Skip

CLASS: Final = 64
"""The code of objects of node packages; below it are the codes of this file. They are for ever."""


class UnfitError(TypeError):
    """A value that cannot be kept exactly."""

    def __init__(self, kind: type, reason: str = "") -> None:
        self.kind = f"{kind.__module__}.{kind.__qualname__}"
        self.reason = reason or f"it has a value of the type {self.kind}"
        super().__init__(self.reason)


def _zone(zone: dt.tzinfo | None) -> Any:
    """None, the name of a zone, or an offset in microseconds with its name."""
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    if type(zone) is not dt.timezone:
        raise UnfitError(type(zone))
    offset = zone.utcoffset(None)
    name = zone.tzname(None)
    return [offset // dt.timedelta(microseconds=1), None if name == _name(offset) else name]


def _name(offset: dt.timedelta) -> str:
    return dt.timezone(offset).tzname(None)


def _unzone(plain: Any) -> dt.tzinfo | None:
    if plain is None:
        return None
    if isinstance(plain, str):
        return ZoneInfo(plain)
    micros, name = plain
    offset = dt.timedelta(microseconds=micros)
    if name is None:
        return dt.timezone(offset) if offset else dt.UTC
    return dt.timezone(offset, name)


def _time_fields(value: dt.datetime | dt.time) -> list[Any]:
    clock = [value.hour, value.minute, value.second, value.microsecond]
    return [*clock, value.fold, _zone(value.tzinfo)]


def _datetime(value: dt.datetime) -> tuple[int, Any]:
    return 7, [value.year, value.month, value.day, *_time_fields(value)]


def _read_datetime(plain: Any) -> dt.datetime:
    year, month, day, *clock = plain
    return dt.datetime.combine(dt.date(year, month, day), _read_time(clock))


def _read_time(plain: Any) -> dt.time:
    hour, minute, second, micro, fold, zone = plain
    return dt.time(hour, minute, second, micro, _unzone(zone), fold=fold)


def _path(value: PurePath) -> tuple[int, Any]:
    pure = not isinstance(value, Path)
    return 11, [isinstance(value, PureWindowsPath), pure, str(value)]


def _read_path(plain: Any) -> PurePath:
    windows, pure, text = plain
    if not isinstance(text, str):
        raise TypeError("a path is no text")
    if not pure and windows == issubclass(Path, WindowsPath):
        return Path(text)
    return PureWindowsPath(text) if windows else PurePosixPath(text)


def _pairs(value: Any) -> list[Any]:
    return [[key, item] for key, item in value.items()]


BY_TYPE: Final[dict[type, Callable[[Any], tuple[int, Any]]]] = {
    tuple: lambda value: (1, list(value)),
    set: lambda value: (2, list(value)),
    frozenset: lambda value: (3, list(value)),
    int: lambda value: (4, format(value, "x")),  # beyond 64 bits
    Decimal: lambda value: (5, str(value)),
    UUID: lambda value: (6, value.bytes),
    dt.datetime: _datetime,
    dt.date: lambda value: (8, value.toordinal()),
    dt.time: lambda value: (9, _time_fields(value)),
    dt.timedelta: lambda value: (10, [value.days, value.seconds, value.microseconds]),
    PosixPath: _path,
    WindowsPath: _path,
    PurePosixPath: _path,
    PureWindowsPath: _path,
    Skip: lambda _value: (12, None),
    complex: lambda value: (13, [value.real, value.imag]),
    OrderedDict: lambda value: (14, _pairs(value)),
}

READERS: Final[dict[int, Callable[[Any], Any]]] = {
    1: tuple,
    2: set,
    3: frozenset,
    4: lambda plain: int(plain, 16),
    5: Decimal,
    6: lambda plain: UUID(bytes=plain),
    7: _read_datetime,
    8: dt.date.fromordinal,
    9: _read_time,
    10: lambda plain: dt.timedelta(*plain),
    11: _read_path,
    12: lambda _plain: SKIP,
    13: lambda plain: complex(*plain),
    14: OrderedDict,
}
