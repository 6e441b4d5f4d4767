"""When a schedule fires, and what to do about the times that passed unseen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from weft_engine.library.triggers_schedule import ScheduleTrigger

GRACE: Final = timedelta(seconds=60)
"""A time that is seen no later than this was not missed."""
SHOWN: Final = 5


@dataclass(frozen=True)
class Due:
    """What a look at a schedule finds."""

    fire: tuple[datetime, ...]
    """Times to run now, the oldest first."""
    missed: int
    """How many times were left out."""
    missed_from: datetime | None
    missed_to: datetime | None
    next_at: datetime | None


def upcoming(schedule: ScheduleTrigger, since: datetime, after: datetime) -> Iterator[datetime]:
    """The times of a schedule behind a moment, in UTC; it may end.

    Args:
        schedule: The settings.
        since: When it was armed; intervals are counted from there.
        after: Only later times are wanted.
    """
    seconds = schedule.interval_s
    if seconds is None:
        # The library knows how clocks change: a time left out comes right after the gap, and of a
        # time that comes twice only the first counts, unless the hour is a wildcard.
        zone = ZoneInfo(schedule.timezone)
        for time in CronSim(schedule.when, after.astimezone(zone)):
            yield time.astimezone(UTC)
    else:
        step = timedelta(seconds=seconds)
        time = since + max((after - since) // step + 1, 1) * step
        while True:
            yield time
            time += step


def next_times(
    schedule: ScheduleTrigger, since: datetime, after: datetime, count: int = SHOWN
) -> list[datetime]:
    """The next few times."""
    return list(islice(upcoming(schedule, since, after), count))


def due(schedule: ScheduleTrigger, since: datetime, next_at: datetime, now: datetime) -> Due:
    """What is to be done now of a schedule whose next time was `next_at`."""
    seen = _Seen(schedule, limit=schedule.missed_limit)
    time: datetime | None = next_at
    if schedule.interval_s is not None and now > next_at:
        time = _skip_ahead(schedule, schedule.interval_s, next_at, now, seen)
    coming = upcoming(schedule, since, time or next_at)
    while time is not None and time <= now:
        seen.add(time)
        time = next(coming, None)
    return seen.result(now, time)


def _skip_ahead(
    schedule: ScheduleTrigger, seconds: int, next_at: datetime, now: datetime, seen: "_Seen"
) -> datetime:
    """Leave out in one step what would be left out anyway: seconds add up to many."""
    step = timedelta(seconds=seconds)
    over = (now - next_at) // step - schedule.missed_limit - 1
    if over <= 0:
        return next_at
    seen.leave_out(over, next_at, next_at + (over - 1) * step)
    return next_at + over * step


class _Seen:
    """Times that have passed; keeps the newest, counts the others."""

    def __init__(self, schedule: ScheduleTrigger, limit: int) -> None:
        self._policy = schedule.missed
        self._limit = limit
        self._kept: list[datetime] = []
        self._left_out = 0
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, time: datetime) -> None:
        self._kept.append(time)
        if len(self._kept) > self._limit + 1:
            oldest = self._kept.pop(0)
            self.leave_out(1, oldest, oldest)

    def leave_out(self, count: int, first: datetime, last: datetime) -> None:
        self._left_out += count
        self._first = self._first or first
        self._last = last

    def result(self, now: datetime, next_at: datetime | None) -> Due:
        kept = self._kept
        on_time = kept[-1:] if kept and now - kept[-1] <= GRACE else []
        late = kept[: len(kept) - len(on_time)]
        if self._policy == "run_all":
            wanted = late[-self._limit :]
        elif self._policy == "run_once" and not on_time:
            # A run that is on time makes up for those before it.
            wanted = late[-1:]
        else:
            wanted = []
        gone = late[: len(late) - len(wanted)]
        if gone:
            self.leave_out(len(gone), gone[0], gone[-1])
        return Due(
            fire=(*wanted, *on_time),
            missed=self._left_out,
            missed_from=self._first,
            missed_to=self._last,
            next_at=next_at,
        )


def local(schedule: ScheduleTrigger, time: datetime) -> datetime:
    """A time as the clocks of the schedule's zone show it."""
    return time.astimezone(ZoneInfo(schedule.timezone))
