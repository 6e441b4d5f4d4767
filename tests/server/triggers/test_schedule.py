"""When schedules fire: time zones, changing clocks, missed times."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.library.triggers_schedule import ScheduleTrigger
from weft_server.triggers.kinds.schedule import GRACE, due, local, next_times, upcoming

START = datetime(2026, 1, 1, tzinfo=UTC)


def cron(expression: str, zone: str = "UTC", **more: Any) -> ScheduleTrigger:
    return ScheduleTrigger(when=expression, timezone=zone, **more)


def every(seconds: int, **more: Any) -> ScheduleTrigger:
    return ScheduleTrigger(when=f"every {seconds} seconds", **more)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "times"),
    [
        # Clocks go from 2:00 to 3:00: the time left out comes right after the gap, once.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        # Clocks go from 3:00 back to 2:00: the time that comes twice fires once.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        # Every hour goes on every hour.
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T02:00",
            ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"],
        ),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:30",
            ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"],
        ),
        ("0 9 * * 1-5", "Asia/Shanghai", "2026-11-20T09:00", ["2026-11-23T09:00+08:00"]),
        (
            "0 0 L * *",
            "America/New_York",
            "2026-02-01T00:00",
            ["2026-02-28T00:00-05:00", "2026-03-31T00:00-04:00"],
        ),
        (
            "0 0 29 2 *",
            "UTC",
            "2026-01-01T00:00",
            ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"],
        ),
    ],
    ids=["spring", "autumn", "autumn hourly", "spring hourly", "weekdays", "last day", "leap day"],
)
def test_cron_keeps_to_the_clocks_of_its_zone(
    expression: str, zone: str, after: str, times: list[str]
) -> None:
    schedule = cron(expression, zone)
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = next_times(schedule, begin, begin.astimezone(UTC), len(times))
    assert [local(schedule, time).isoformat(timespec="minutes") for time in found] == times


@given(
    seconds=st.integers(1, 10_000),
    passed=st.integers(0, 10_000_000),
)
def test_intervals_are_counted_from_when_it_was_armed(seconds: int, passed: int) -> None:
    after = START + timedelta(seconds=passed)
    times = next_times(every(seconds), START, after)
    assert times[0] > after
    assert times[0] - after <= timedelta(seconds=seconds)
    for time in times:
        assert (time - START) % timedelta(seconds=seconds) == timedelta(0)
    assert all(later - earlier == timedelta(seconds=seconds) for earlier, later in pairwise(times))


def test_a_time_seen_at_once_is_not_missed() -> None:
    found = due(
        every(3600), START, START + timedelta(hours=1), START + timedelta(hours=1, seconds=1)
    )
    assert found.fire == (START + timedelta(hours=1),)
    assert (found.missed, found.next_at) == (0, START + timedelta(hours=2))


@pytest.mark.parametrize(
    ("policy", "late", "fire", "missed"),
    [
        # Hourly, seen so long after the third hour: hours that run, how many are left out.
        ("skip", timedelta(minutes=30), [], 3),
        ("skip", timedelta(seconds=1), [3], 2),
        ("run_once", timedelta(minutes=30), [3], 2),
        ("run_once", timedelta(seconds=1), [3], 2),
        ("run_all", timedelta(minutes=30), [2, 3], 1),
        ("run_all", timedelta(seconds=1), [1, 2, 3], 0),
    ],
)
@pytest.mark.parametrize("kind", ["cron", "every"])
def test_missed_times(
    kind: str, policy: Any, late: timedelta, fire: list[int], missed: int
) -> None:
    more: dict[str, Any] = {"missed": policy, "missed_limit": 2}
    schedule = cron("0 * * * *", **more) if kind == "cron" else every(3600, **more)
    hour = timedelta(hours=1)
    found = due(schedule, START, START + hour, START + 3 * hour + late)
    assert found.fire == tuple(START + n * hour for n in fire)
    assert (found.missed, found.next_at) == (missed, START + 4 * hour)
    if missed:
        assert found.missed_from is not None
        assert found.missed_to is not None
        assert START + hour <= found.missed_from <= found.missed_to


@given(
    step=st.integers(1, 5_000),
    down=st.integers(0, 400_000),
    policy=st.sampled_from(["skip", "run_once", "run_all"]),
    limit=st.integers(1, 20),
)
def test_no_time_is_lost_or_doubled(step: int, down: int, policy: Any, limit: int) -> None:
    schedule = every(step, missed=policy, missed_limit=limit)
    first = START + timedelta(seconds=step)
    now = first + timedelta(seconds=down)
    found = due(schedule, START, first, now)
    times = down // step + 1
    assert len(found.fire) + found.missed == times
    assert list(found.fire) == sorted(set(found.fire))
    assert all(first <= time <= now for time in found.fire)
    assert found.next_at is not None
    assert now < found.next_at <= now + timedelta(seconds=step)
    late = [time for time in found.fire if now - time > GRACE]
    assert len(late) <= {"skip": 0, "run_once": 1, "run_all": limit}[policy]


def test_seconds_of_a_year_are_counted_at_once() -> None:
    year = timedelta(days=365)
    found = due(every(1, missed="run_all", missed_limit=5), START, START, START + year)
    assert len(found.fire) == 6
    assert len(found.fire) + found.missed == year.total_seconds() + 1


def test_a_clock_set_back_fires_nothing_twice() -> None:
    schedule = every(60)
    at = START + timedelta(minutes=10)
    found = due(schedule, START, at, at)
    assert found.next_at is not None
    back = at - timedelta(hours=1)
    assert found.next_at > back
    assert due(schedule, START, found.next_at, back).fire == ()


def test_times_never_stand_still() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    begin = datetime(2026, 4, 4, tzinfo=zone).astimezone(UTC)
    coming = upcoming(cron("*/7 * * * *", "Australia/Lord_Howe"), begin, begin)
    times = [next(coming) for _ in range(500)]
    assert all(earlier < later for earlier, later in pairwise(times))
