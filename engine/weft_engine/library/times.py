"""Reading dates and times as files write them, and cutting them down to hours or months."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from weft_engine.errors import NodeError

Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
"""How far a time is cut down."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_SLASHES = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?")
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_WEB_LOG = re.compile(r"(\d{2})/([A-Za-z]{3})/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2})")


def parse(text: str, pattern: str = "") -> datetime:
    """Read a date or time; one without a zone stays without.

    Understood without a pattern: ISO 8601, 2025/3/14, 2025年3月14日, the times of web server
    logs (10/Mar/2025:13:55:36 +0000) and of e-mail (Mon, 10 Mar 2025 13:55:36 +0000). A date such
    as 03/04/2025 is refused, because it means April in one country and March in another.

    Args:
        text: What the file says.
        pattern: How it is written, as in Python's strptime, when it is none of the above.

    Raises:
        NodeError: `date.malformed`.
    """
    text = text.strip()
    try:
        if pattern:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the pattern decides
        return _parse_known(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        pass
    how = f"written as {pattern}" if pattern else "in a form that is understood"
    raise NodeError(
        f"{text[:60]!r} is not a date {how}.",
        code="date.malformed",
        hint="Set the pattern, for example %d.%m.%Y for 14.03.2025, or %m/%d/%Y for 03/14/2025.",
        params={"text": text[:60], "pattern": pattern},
    )


def _parse_known(text: str) -> datetime:
    if match := _WEB_LOG.fullmatch(text):
        day, month, year, hour, minute, second, zone_h, zone_m = match.groups()
        stamp = f"{year}-{_MONTHS.get(month.lower(), 0):02d}-{day}T{hour}:{minute}:{second}"
        return datetime.fromisoformat(f"{stamp}{zone_h}:{zone_m}")
    if match := _SLASHES.fullmatch(text) or _CHINESE.fullmatch(text):
        year, month, day, *clock = match.groups()
        parsed = datetime.fromisoformat(f"{year}-{int(month):02d}-{int(day):02d}")
        if clock and clock[0]:
            hour, *rest = (int(part) for part in clock[0].split(":"))
            parsed = parsed.replace(hour=hour, minute=rest[0], second=[*rest, 0][1])
        return parsed
    if text[:1].isalpha():
        return parsedate_to_datetime(text)
    if text.isdigit() and len(text) != 8:
        raise ValueError
    return datetime.fromisoformat(text)


def zone(name: str) -> tzinfo:
    """Find a time zone.

    Raises:
        NodeError: `date.unknown_zone`.
    """
    if name == "UTC":
        return UTC  # also on machines without a time zone database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NodeError(
            f"There is no time zone {name!r}.",
            code="date.unknown_zone",
            hint="Use a name such as UTC, Europe/Berlin or Asia/Shanghai.",
            params={"zone": name},
        ) from None


def in_zone(moment: datetime, target: tzinfo) -> datetime:
    """Move a time to a zone; one without a zone is taken to be in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(target)


_STARTS: Final[dict[Unit, Callable[[datetime], datetime]]] = {
    "minute": lambda t: t,
    "hour": lambda t: t.replace(minute=0),
    "day": lambda t: t.replace(hour=0, minute=0),
    "week": lambda t: t.replace(hour=0, minute=0) - timedelta(days=t.weekday()),
    "month": lambda t: t.replace(day=1, hour=0, minute=0),
    "quarter": lambda t: t.replace(month=(t.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0),
    "year": lambda t: t.replace(month=1, day=1, hour=0, minute=0),
}


def truncate(moment: datetime, unit: Unit) -> datetime:
    """Cut a time down to the start of its hour, day, week (Monday), month and so on.

    >>> truncate(datetime(2025, 3, 14, 15, 9), "week").isoformat()
    '2025-03-10T00:00:00'
    """
    return _STARTS[unit](moment.replace(second=0, microsecond=0))


def label(moment: datetime, unit: Unit) -> str:
    """Write a truncated time so that texts sort like times and say no more than the unit.

    >>> label(datetime(2025, 3, 14, 15), "hour"), label(datetime(2025, 3, 1), "month")
    ('2025-03-14T15:00', '2025-03')
    >>> label(datetime(2025, 4, 1), "quarter")
    '2025-Q2'
    """
    if unit == "quarter":
        return f"{moment.year}-Q{(moment.month + 2) // 3}"
    day: date = moment.date()
    texts: dict[Unit, str] = {
        "minute": moment.replace(tzinfo=None).isoformat(timespec="minutes"),
        "hour": moment.replace(tzinfo=None).isoformat(timespec="minutes"),
        "day": day.isoformat(),
        "week": day.isoformat(),
        "month": day.isoformat()[:7],
        "year": day.isoformat()[:4],
    }
    return texts[unit]
