"""Starting a flow at set times."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from weft_engine.library.triggers import OVERLAP_ZH, Overlap, event_of
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, Number, Skip, Text

_FIELDS = 5
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}


class ScheduledTime(NamedTuple):
    """One time of a schedule."""

    time: Text | Skip
    missed: Number | Skip


class ScheduleTrigger(NodeType):
    """Start the flow at set times, by a cron expression or every so often.

    Times of day are those of the time zone, also when its clocks change: a time that the clocks
    leave out comes right after it, and one that they repeat comes once.

    >>> ScheduleTrigger(cron="30 9 * * 1-5", timezone="Asia/Shanghai").subtitle_text()
    '30 9 * * 1-5 Asia/Shanghai'
    """

    type: Literal["trigger.schedule"] = "trigger.schedule"
    kind: Literal["cron", "every"] = "cron"
    """Cron is for times of day, every for a distance between two runs."""
    cron: str = Field("0 9 * * *", max_length=100)
    """Minute, hour, day of the month, month and day of the week, such as 30 9 * * 1-5."""
    timezone: str = Field("UTC", max_length=64)
    """The time zone of the cron expression, such as Europe/Berlin."""
    every: int = Field(15, ge=1, le=10_000)
    """How long from one run to the next."""
    unit: Literal["seconds", "minutes", "hours"] = "minutes"
    """The unit of that."""
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
        subtitle="{kind} {cron}",
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
            subtitle="{kind} {cron}",
            settings={
                "kind": ("方式", "cron 用于一天中的时刻，every 用于两次运行的间隔。"),
                "cron": ("cron 表达式", "分、时、日、月、星期，例如 30 9 * * 1-5。"),
                "timezone": ("时区", "cron 表达式所用的时区，例如 Asia/Shanghai。"),
                "every": ("间隔", "两次运行之间的时间。"),
                "unit": ("单位", "间隔的单位。"),
                "missed": (
                    "错过的时刻",
                    "服务器停机时错过的时刻：skip 不补，run_once 只补一次，run_all 逐个补上。",
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

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        try:
            if len(value.split()) != _FIELDS:
                raise CronSimError("five fields are needed")
            CronSim(value, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"not a cron expression: {error}") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"there is no time zone {value!r}; an example is Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _ever(self) -> Self:
        if self.kind == "cron" and not _comes(self.cron):
            raise ValueError("the cron expression names a day that never comes")
        return self

    @property
    def interval_s(self) -> int:
        """From one run to the next, in seconds; for `every`."""
        return self.every * _SECONDS[self.unit]

    def subtitle_text(self) -> str:
        """The schedule in one line."""
        if self.kind == "every":
            return f"every {self.every} {self.unit}"
        return f"{self.cron} {self.timezone}"

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
def _comes(cron: str) -> bool:
    """Whether it ever comes; the library looks fifty years ahead, at most days at a time."""
    return next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)), None) is not None
