"""Functions on dates and times, which are ISO 8601 text: `2024-05-01`, `2024-05-01T09:30:00Z`."""

import calendar
import datetime
from typing import Any, Final

from weft_engine.nodes.functions.table import failed, function, number_of, text_of, whole_of

_UNITS: Final = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
}
_LONG_UNITS: Final = {"month": 1, "quarter": 3, "year": 12}
_FORMATS: Final = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y年%m月%d日",
    "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
)  # fmt: skip

Moment = datetime.datetime


def _moment(name: str, value: Any) -> Moment:
    """Read ISO text; a day alone is its midnight."""
    found = text_of(name, value).strip()
    try:
        return datetime.datetime.fromisoformat(found)
    except ValueError:
        raise failed(
            f"{name}() cannot read {found[:40]!r} as a date",
            "Dates look like 2024-05-01 or 2024-05-01T09:30:00Z; date(text, format) reads others.",
        ) from None


def _write(moment: Moment, like: str) -> str:
    """Write as ISO text: a day stays a day as long as it is midnight."""
    if len(like.strip()) <= 10 and moment.time() == datetime.time():
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def _unit(name: str, unit: Any) -> str:
    found = text_of(name, unit).lower().removesuffix("s")
    if found not in _UNITS and found not in _LONG_UNITS:
        known = ", ".join([*_UNITS, *_LONG_UNITS])
        raise failed(f"{name}() knows no unit {str(unit)[:40]!r}", f"Units are {known}.")
    return found


@function(
    "date",
    "text, format?",
    "把日期文本读成 ISO 格式，可指定格式。",
    "date('31.12.2024') → '2024-12-31'",
)
def date(value: Any, format_: Any = None) -> str:
    """A date or time as ISO text, read in many ways or in one."""
    found = text_of("date", value).strip()
    if len(found) > 100:
        raise failed("date() needs a short text")
    if format_ is not None:
        return _read("date", found, (text_of("date", format_),))
    try:
        return _write(datetime.datetime.fromisoformat(found), found)
    except ValueError:
        return _read("date", found, _FORMATS)


def _read(name: str, found: str, formats: tuple[str, ...]) -> str:
    for pattern in formats:
        try:
            moment = datetime.datetime.strptime(found, pattern)  # noqa: DTZ007 - as written
        except (ValueError, OverflowError):
            continue
        return _write(moment, "" if moment.time() == datetime.time() else found + " " * 11)
    raise failed(
        f"{name}() cannot read {found[:40]!r} as a date",
        "Say how it is written, such as date(text, '%d.%m.%Y').",
    )


@function(
    "date",
    "date, format",
    "按指定格式书写日期。",
    "format_date('2024-12-31', '%d.%m.%Y') → '31.12.2024'",
)
def format_date(value: Any, format_: Any) -> str:
    """A date written in another way."""
    pattern = text_of("format_date", format_)
    if len(pattern) > 100:
        raise failed("format_date() needs a short format")
    try:
        return _moment("format_date", value).strftime(pattern)
    except ValueError as error:
        raise failed(f"format_date() cannot write {pattern!r}: {error}") from None


@function("date", "date", "年份。", "year('2024-05-01') → 2024")
def year(value: Any) -> int:
    """The year."""
    return _moment("year", value).year


@function("date", "date", "月份，1 到 12。", "month('2024-05-01') → 5")
def month(value: Any) -> int:
    """The month, 1 to 12."""
    return _moment("month", value).month


@function("date", "date", "日期中的日。", "day('2024-05-01') → 1")
def day(value: Any) -> int:
    """The day of the month."""
    return _moment("day", value).day


@function("date", "date", "小时，0 到 23。", "hour('2024-05-01T09:30') → 9")
def hour(value: Any) -> int:
    """The hour, 0 to 23."""
    return _moment("hour", value).hour


@function("date", "date", "分钟。", "minute('2024-05-01T09:30') → 30")
def minute(value: Any) -> int:
    """The minute."""
    return _moment("minute", value).minute


@function("date", "date", "星期几，1 为星期一。", "weekday('2024-05-01') → 3")
def weekday(value: Any) -> int:
    """The day of the week, 1 is Monday."""
    return _moment("weekday", value).isoweekday()


@function("date", "date", "一年中的第几周（ISO）。", "week('2024-05-01') → 18")
def week(value: Any) -> int:
    """The week of the year (ISO)."""
    return _moment("week", value).isocalendar().week


@function("date", "date", "季度，1 到 4。", "quarter('2024-05-01') → 2")
def quarter(value: Any) -> int:
    """The quarter, 1 to 4."""
    return (_moment("quarter", value).month + 2) // 3


@function(
    "date",
    "date, unit",
    "所在小时、日、周、月、季度或年的开始。",
    "start_of('2024-05-17', 'month') → '2024-05-01'",
)
def start_of(value: Any, unit: Any) -> str:
    """The start of the hour, day, week, month, quarter or year."""
    moment, wanted = _moment("start_of", value), _unit("start_of", unit)
    if wanted in ("second", "minute", "hour"):
        second = moment.second if wanted == "second" else 0
        minutes = 0 if wanted == "hour" else moment.minute
        return _write(moment.replace(microsecond=0, second=second, minute=minutes), str(value))
    moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if wanted == "week":
        moment -= datetime.timedelta(days=moment.weekday())
    elif wanted != "day":
        step = _LONG_UNITS[wanted]
        first = 1 if wanted == "year" else (moment.month - 1) // step * step + 1
        moment = moment.replace(day=1, month=first)
    return _write(moment, str(value))


@function(
    "date",
    "date, amount, unit",
    "日期加上一段时间，负数则减去。",
    "add_time('2024-01-31', 1, 'month') → '2024-02-29'",
)
def add_time(value: Any, amount: Any, unit: Any) -> str:
    """A date some time later; earlier when below 0."""
    moment, wanted = _moment("add_time", value), _unit("add_time", unit)
    try:
        if wanted in _LONG_UNITS:
            later = _add_months(moment, whole_of("add_time", amount) * _LONG_UNITS[wanted])
        else:
            seconds = number_of("add_time", amount) * _UNITS[wanted]
            later = moment + datetime.timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise failed("add_time() leaves the years 1 to 9999") from None
    return _write(later, str(value))


def _add_months(moment: Moment, months: int) -> Moment:
    at = moment.year * 12 + moment.month - 1 + months
    year_, month_ = divmod(at, 12)
    last = calendar.monthrange(year_, month_ + 1)[1]
    return moment.replace(year=year_, month=month_ + 1, day=min(moment.day, last))


@function(
    "date",
    "from, to, unit?",
    "两个日期之间的时间，默认以天计。",
    "time_between('2024-05-01', '2024-05-03') → 2.0",
)
def time_between(start: Any, end: Any, unit: Any = "day") -> float:
    """The time between two dates, in days or another unit."""
    first, last = _moment("time_between", start), _moment("time_between", end)
    wanted = _unit("time_between", unit)
    if (first.tzinfo is None) != (last.tzinfo is None):
        first, last = (part.replace(tzinfo=part.tzinfo or datetime.UTC) for part in (first, last))
    if wanted in _LONG_UNITS:
        months = (last.year - first.year) * 12 + last.month - first.month
        return months / _LONG_UNITS[wanted]
    return (last - first).total_seconds() / _UNITS[wanted]


@function("date", "date", "自 1970 年以来的秒数。", "timestamp('1970-01-02') → 86400.0")
def timestamp(value: Any) -> float:
    """Seconds since 1970."""
    moment = _moment("timestamp", value)
    return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()


@function(
    "date",
    "seconds",
    "由 1970 年以来的秒数得到时间。",
    "from_timestamp(86400) → '1970-01-02T00:00:00Z'",
)
def from_timestamp(seconds: Any) -> str:
    """The time so many seconds after 1970."""
    try:
        moment = datetime.datetime.fromtimestamp(number_of("from_timestamp", seconds), datetime.UTC)
    except (OverflowError, OSError, ValueError):
        raise failed("from_timestamp() leaves the years 1 to 9999") from None
    return moment.isoformat().replace("+00:00", "Z")
