"""Barriers and watermarks of several channels, compared with simple models."""

from hypothesis import example, given
from hypothesis import strategies as st

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Barrier
from weft_engine.kernel.runtime.alignment import Alignment
from weft_engine.kernel.runtime.watermarks import Watermarks


@given(st.data(), st.integers(1, 4), st.booleans())
def test_a_checkpoint_is_complete_when_all_that_go_on_have_come_to_it(
    data: st.DataObject, channels: int, exactly_once: bool
) -> None:
    """Every channel brings its own increasing barriers (some are missing) and then its end."""
    scripts = [[*sorted(data.draw(st.sets(st.integers(1, 5)))), "end"] for _ in range(channels)]
    alignment = Alignment(range(channels), exactly_once=exactly_once)
    blocked: set[int] = set()
    seen: dict[int, set[int]] = {}
    ended: set[int] = set()
    complete: list[int] = []
    abandoned: list[int] = []
    while any(scripts):
        able = [n for n in range(channels) if scripts[n] and n not in blocked]
        assert able, "somebody can always go on"
        channel = data.draw(st.sampled_from(able))
        item = scripts[channel].pop(0)
        if item == "end":
            ended.add(channel)
            aligned = alignment.end(channel)
        else:
            assert isinstance(item, int)
            seen.setdefault(item, set()).add(channel)
            aligned = alignment.barrier(channel, Barrier(item))
        if aligned.abandoned is not None:
            abandoned.append(aligned.abandoned)
        if aligned.complete is not None:
            number = aligned.complete.checkpoint
            complete.append(number)
            assert seen[number] | ended == set(range(channels))
        blocked -= set(aligned.unblock)
        if aligned.block:
            blocked.add(channel)
        assert exactly_once or not blocked
        if exactly_once:
            newest = max(seen, default=0)
            assert blocked == (seen[newest] - ended if newest > alignment.last else set())
    assert not blocked
    assert complete == sorted(set(complete))
    assert not set(complete) & set(abandoned)
    for number, came in seen.items():
        if came == set(range(channels)) and not any(other > number for other in seen):
            assert number in complete, "the newest that everybody brings is not lost"


def test_barriers_of_a_checkpoint_that_was_given_up_are_ignored() -> None:
    alignment = Alignment([0, 1])
    assert alignment.barrier(0, Barrier(1)).block
    newer = alignment.barrier(1, Barrier(2))
    assert (newer.abandoned, newer.unblock, newer.block) == (1, (0,), True)
    assert alignment.barrier(0, Barrier(1)) == alignment.barrier(0, Barrier(1))
    assert alignment.barrier(0, Barrier(2)).complete == Barrier(2)


def test_an_end_completes_a_checkpoint() -> None:
    alignment = Alignment([0, 1])
    alignment.barrier(0, Barrier(1))
    ended = alignment.end(1)
    assert (ended.complete, ended.unblock) == (Barrier(1), (0,))
    assert not alignment.all_ended
    alignment.end(0)
    assert alignment.all_ended


watermark_steps = st.lists(
    st.tuples(
        st.integers(0, 2), st.one_of(st.integers(0, 20), st.sampled_from(["idle", "active", "end"]))
    ),
    max_size=40,
)


@given(watermark_steps)
@example([(0, 0), (0, "idle"), (1, "idle"), (2, "idle"), (0, 1)])  # it was ahead before it paused
def test_event_time_is_that_of_the_slowest_channel(steps: list[tuple[int, int | str]]) -> None:
    watermarks = Watermarks(range(3))
    times: dict[int, int] = dict.fromkeys(range(3), MIN_TIME)
    idle: set[int] = set()
    expected = MIN_TIME
    for channel, what in steps:
        if channel not in times:
            continue
        if what == "idle":
            news = watermarks.went_idle(channel)
            idle.add(channel)
        elif what == "active":
            watermarks.active(channel)
            idle.discard(channel)
            continue
        elif what == "end":
            news = watermarks.end(channel)
            del times[channel]
            idle.discard(channel)
        else:
            assert isinstance(what, int)
            news = watermarks.watermark(channel, what)
            times[channel] = max(times[channel], what)
            idle.discard(channel)
        lowest = min((t for c, t in times.items() if c not in idle), default=MIN_TIME)
        lowest = lowest if times else MAX_TIME
        assert news == (lowest if lowest > expected else None)
        expected = max(expected, lowest)
        assert watermarks.time == expected
        assert watermarks.idle == (bool(times) and idle == set(times))
