"""Lengths of time as people write them."""

import re
from datetime import timedelta
from typing import Final

from weft_engine.kernel.program_errors import ProgramError

Duration = int | float | str | timedelta
"""Milliseconds, text such as `10s`, `1.5 min` or `100ms`, or a timedelta."""

_UNITS: Final = {
    "ms": 1,
    "s": 1000,
    "sec": 1000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}
_TEXT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*")


def milliseconds(value: Duration, what: str = "a time", *, least: float = 0) -> float:
    """A length of time in milliseconds.

    Raises:
        ProgramError: when it is none, or shorter than `least` milliseconds.
    """
    found = _read(value)
    if found is None or not least <= found < float("inf"):
        raise ProgramError(
            f"{what} cannot be {value!r}",
            hint="Give milliseconds (100), text with a unit (100ms, 10s, 5min, 1h, 1d) or a "
            f"timedelta; at least {least:g} ms.",
        )
    return found


def whole_milliseconds(value: Duration, what: str = "a time", *, least: int = 0) -> int:
    """The same, rounded to whole milliseconds."""
    return round(milliseconds(value, what, least=least))


def seconds(value: Duration, what: str = "a time", *, least: float = 0) -> float:
    """The same in seconds; a plain number still counts as milliseconds."""
    return milliseconds(value, what, least=least) / 1000


def _read(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1)
    match = _TEXT.fullmatch(value.lower()) if isinstance(value, str) else None
    if match is None:
        return None
    unit = _UNITS.get(match[2] or "ms")
    return None if unit is None else float(match[1]) * unit
