"""Starting a flow at set times."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from weft_engine.library.triggers import OVERLAP_ZH, Overlap, event_of
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, Number, Skip, Text

_FIELDS = 5
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "秒": 1, "分钟": 60, "小时": 3600}
_EVERY = re.compile(
    r"every\s+(?:(?P<count>[1-9][0-9]{0,4})\s*)?(?P<unit>second|minute|hour)s?"
    r"|每\s*(?P<number>[1-9][0-9]{0,4})?\s*(?P<zh>秒|分钟|小时)"
)


class ScheduledTime(NamedTuple):
    """One time of a schedule."""

    time: Text | Skip
    missed: Number | Skip


class ScheduleTrigger(NodeType):
    """Start the flow at set times, by a cron expression or every so often.

    Times of day are those of the time zone, also when its clocks change: a time that the clocks
    leave out comes right after it, and one that they repeat comes once.

    >>> ScheduleTrigger(when="every 15 minutes").interval_s
    900
    """

    type: Literal["trigger.schedule"] = "trigger.schedule"
    when: str = Field("0 9 * * *", min_length=1, max_length=100)
    """A cron expression (minute, hour, day of the month, month, day of the week), such as
    30 9 * * 1-5, or a distance in seconds, minutes or hours, such as every 15 minutes."""
    timezone: str = Field("UTC", max_length=64)
    """The time zone of the cron expression, such as Europe/Berlin."""
    missed: Literal["skip", "run_once", "run_all"] = "run_once"
    """What to do about times that passed while the server was down: nothing, one run for all of
    them, or one run for each."""
    missed_limit: int = Field(10, ge=1, le=1000)
    """How many missed times are run at most, the newest ones; for run all."""
    overlap: Overlap = "skip"
    """What to do with an event while the run of the one before still goes on: allow runs both, skip
    drops it, queue lets it wait."""

    info = NodeInfo(
        category="trigger",
        icon="calendar-time",
        title="Schedule",
        subtitle="{when}",
        ports={
            "time": "The time that was set, in its time zone, such as 2026-11-20T09:00:00+01:00.",
            "missed": "How many times before it were missed.",
        },
        aliases_en=("trigger", "cron", "timer", "interval", "every", "daily", "clock"),
        aliases_zh=("触发", "定时", "计划", "周期", "每天", "时钟"),
        pure=False,
        deterministic=False,
        zh=Zh(
            title="定时",
            summary="按 cron 表达式或固定间隔启动流程。",
            subtitle="{when}",
            settings={
                "when": (
                    "时刻",
                    "cron 表达式（分、时、日、月、星期），例如 30 9 * * 1-5；"
                    "或间隔，例如 every 15 minutes、每 15 分钟。",
                ),
                "timezone": ("时区", "cron 表达式所用的时区，例如 Asia/Shanghai。"),
                "missed": (
                    "错过的时刻",
                    "服务器停机时错过的时刻：跳过（不补）、只补一次，或逐个补上。",
                ),
                "missed_limit": ("补运行上限", "最多补运行多少次，取最近的；用于 run_all。"),
                "overlap": OVERLAP_ZH,
            },
            ports={
                "time": ("时刻", "设定的时刻，按所选时区。"),
                "missed": ("错过次数", "在它之前错过了多少次。"),
            },
        ),
    )

    @field_validator("when")
    @classmethod
    def _when(cls, value: str) -> str:
        if _interval(value) is None:
            _require_cron(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"there is no time zone {value!r}; an example is Europe/Berlin")
        return value

    @property
    def interval_s(self) -> int | None:
        """From one run to the next, in seconds; None when it is a cron expression."""
        return _interval(self.when)

    def process(self, ctx: NodeContext | None = None) -> ScheduledTime:
        """Give the time; in a run by hand that is now."""
        event: Any = event_of(ctx)
        if event is SKIP:
            return ScheduledTime(SKIP, SKIP)
        if event is None:
            now = ctx.now() if ctx is not None else datetime.now(UTC)
            return ScheduledTime(now.astimezone(ZoneInfo(self.timezone)).isoformat(), 0)
        return ScheduledTime(str(event.get("time") or ""), float(event.get("missed") or 0))


@lru_cache(1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(256)
def _interval(when: str) -> int | None:
    """The seconds of `every 15 minutes`; None for everything else."""
    found = _EVERY.fullmatch(when.strip().lower())
    if found is None:
        return None
    unit = found["unit"] or found["zh"]
    return int(found["count"] or found["number"] or 1) * _SECONDS[unit]


@lru_cache(256)
def _require_cron(when: str) -> None:
    try:
        if len(when.split()) != _FIELDS:
            raise CronSimError("five fields are needed, or a text such as every 15 minutes")
        # It looks fifty years ahead.
        if next(CronSim(when, datetime(2000, 1, 1, tzinfo=UTC)), None) is None:
            raise CronSimError("it names a day that never comes")
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {error}") from None
