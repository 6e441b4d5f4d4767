from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.kernel.streaming.reference import (
    drive,
    fixed_windows,
    sessions,
    steps,
)
from weft_engine.kernel.functions import AggregateFunction
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.testing import OperatorHarness
from weft_engine.kernel.windows import Count, Global, Session, Sliding, Tumbling, Window

fixed = st.one_of(
    st.builds(
        lambda size, offset: Tumbling(size, offset=offset), st.integers(1, 20), st.integers(0, 9)
    ),
    st.builds(
        lambda size, slide, offset: Sliding(size, min(slide, size), offset=offset),
        st.integers(1, 20),
        st.integers(1, 12),
        st.integers(0, 9),
    ),
)


class Bag(AggregateFunction):
    """Values in a sorted tuple; the accumulator is changed in place."""

    def create(self):
        return []

    def add(self, accumulator, value):
        accumulator.append(value[2])
        return accumulator

    def result(self, accumulator):
        return tuple(sorted(accumulator))

    def merge(self, one, other):
        one.extend(other)
        return one


class Unmergeable(Bag):
    mergeable = False

    def merge(self, one, other):
        raise AssertionError("it was said that it cannot be merged")


def listed(key, window, records):
    return [(key, window, tuple(sorted(value for _, _, value in records)))]


def together(key, window, value):
    return (key, window, value)


HOWS = {
    "process": {"how": "process", "fn": listed},
    "aggregate": {"how": "aggregate", "fn": Bag, "result": together},
    "unmergeable": {"how": "aggregate", "fn": Unmergeable(), "result": together},
}


def harness_of(assigner, lateness, how, where=None):
    params = {"assigner": assigner, "lateness_ms": lateness, "sides": ("late",), **HOWS[how]}
    return OperatorHarness(
        "window", params, key=lambda r: r[0], timed=True, batch_size=3, settings=where
    )


@given(
    fixed | st.builds(Session, st.integers(1, 15)) | st.just(Count(3)) | st.just(Count(4, 3)),
    steps,
    st.sampled_from([0, 5]),
    st.sampled_from(["process", "aggregate"]),
)
@settings(max_examples=40)
def test_state_on_disk_gives_the_same(assigner, story, lateness, how):
    heap = drive(harness_of(assigner, lateness, how), story)
    disk = drive(harness_of(assigner, lateness, how, Settings(state_backend="disk")), story)
    assert [Counter(side) for side in disk] == [Counter(side) for side in heap]


def expected(fired):
    return Counter(
        ((key, window, tuple(sorted(record[3] for record in found))), window.end - 1)
        for key, window, found in fired
    )


@given(fixed, steps, st.sampled_from([0, 0, 3, 25]), st.sampled_from(sorted(HOWS)))
def test_windows_of_one_length_are_those_of_the_definition(assigner, story, lateness, how):
    out, late = drive(harness_of(assigner, lateness, how), story)
    fired, too_late = fixed_windows(assigner, story, lateness)
    assert Counter(out) == expected(fired)
    assert Counter(late) == Counter(too_late)


@given(
    st.integers(1, 15),
    steps,
    st.sampled_from([0, 0, 3, 25]),
    st.sampled_from(["process", "aggregate"]),
)
def test_sessions_are_those_of_the_definition(gap, story, lateness, how):
    out, late = drive(harness_of(Session(gap), lateness, how), story)
    fired, too_late = sessions(Session(gap), story, lateness)
    assert Counter(out) == expected(fired)
    assert Counter(late) == Counter(too_late)


def test_sessions_that_just_touch_become_one_wherever_they_stand():
    harness = harness_of(Session(10), 0, "process")
    harness.push([(0, 0, 1), (0, 100, 2)], times=[0, 100])
    harness.push([(0, 10, 3), (0, 30, 4)], times=[10, 30])
    harness.push([(0, 20, 5)], times=[20])
    harness.end()
    assert harness.output() == [
        (0, Window(0, 40), (1, 3, 4, 5)),
        (0, Window(100, 110), (2,)),
    ]


@given(fixed | st.builds(Session, st.integers(1, 15)), steps)
def test_nothing_stays_behind_when_all_windows_are_over(assigner, story):
    harness = harness_of(assigner, 5, "aggregate")
    for step in story:
        if step.kind == "batch":
            harness.push([r[1:] for r in step.records], times=[r[2] for r in step.records])
    harness.end()
    assert harness.context.state.size()[0] == 0


def counted(values, size, slide):
    """Windows by number: key, window, values."""
    by_key = {}
    for value in values:
        held = by_key.setdefault(value[0], [])
        held.append(value)
        if len(held) % slide == 0:
            start = max(len(held) - size, 0)
            yield (value[0], Window(start, len(held)), held[start:])
    for key, held in by_key.items():
        if len(held) % slide:
            start = len(held) - len(held) % size if size == slide else max(len(held) - size, 0)
            yield (key, Window(start, len(held)), held[start:])


@given(
    st.integers(1, 5),
    st.integers(1, 7) | st.none(),
    steps,
    st.sampled_from(["process", "aggregate"]),
)
def test_windows_by_number_are_those_of_the_definition(size, slide, story, how):
    out, _ = drive(harness_of(Count(size, slide), 0, how), story)
    values = [record[1:] for step in story for record in step.records]
    assert Counter(out) == Counter(
        ((key, window, tuple(sorted(r[2] for r in found))), max(r[1] for r in found))
        for key, window, found in counted(values, size, slide or size)
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30), st.integers(1, 4))
def test_reduce_adds_up_the_same_by_any_window(records, slide):
    for assigner in (Tumbling(8), Sliding(8, slide), Session(3), Count(4)):
        params = {"assigner": assigner, "how": "reduce", "fn": lambda a, b: (a[0], a[1] + b[1])}
        harness = OperatorHarness("window", params, key=lambda r: r[0], timed=True)
        clock = 0
        for record in records:
            harness.push([record], times=[clock])
            clock += 2
        harness.end()
        total = sum(value for _, value in records)
        if not isinstance(assigner, Sliding) or assigner.size % assigner.slide == 0:
            times = assigner.size // assigner.slide if isinstance(assigner, Sliding) else 1
            assert sum(value for _, value in harness.output()) == total * times


@pytest.mark.parametrize(
    "assigner", [Tumbling(10, time="processing"), Session(10, time="processing")]
)
def test_processing_time_is_that_of_the_clock(assigner):
    params = {"assigner": assigner, **HOWS["process"]}
    harness = OperatorHarness("window", params, key=lambda r: r[0])
    harness.push([(0, 0, 1)])
    harness.tick(4)
    harness.push([(0, 0, 2)])
    harness = harness.restored()
    harness.tick(9)
    first = [(0, Window(0, 10), (1, 2))]
    assert harness.output() == ([] if isinstance(assigner, Session) else first)
    harness.tick(8)
    harness.push([(0, 0, 3)])
    end = 14 if isinstance(assigner, Session) else 10
    assert harness.output() == [(0, Window(0, end), (1, 2))]
    harness.end()
    last = Window(21, 31) if isinstance(assigner, Session) else Window(20, 30)
    assert harness.output()[1:] == [(0, last, (3,))]


def test_a_record_that_cannot_be_added_is_left_out():
    params = {"assigner": Session(10), "how": "reduce", "fn": lambda a, b: a + b}
    policy = Policy(on_error="route")
    harness = OperatorHarness("window", params, timed=True, policy=policy)
    harness.push([1, 2], times=[0, 15])
    harness.push(["x"], times=[8])  # would have made one session of two
    harness.end()
    assert harness.output() == [1, 2]
    assert [failure["item"] for failure in harness.failures()] == ["x"]


def test_an_accumulator_may_be_none():
    class Best(AggregateFunction):
        def create(self):
            return None

        def add(self, accumulator, value):
            return value if accumulator is None else max(accumulator, value)

        def result(self, accumulator):
            return accumulator

        def merge(self, one, other):
            return other if one is None else self.add(one, other)

    for assigner in (Tumbling(10), Sliding(10, 5), Session(50), Count(2)):
        params = {"assigner": assigner, "how": "aggregate", "fn": Best()}
        harness = OperatorHarness("window", params, timed=True)
        harness.push([3, 7], times=[6, 7]).end()
        assert set(harness.output()) == {7}


def test_what_was_emitted_does_not_change_with_its_window():
    class Same(Bag):
        def result(self, accumulator):
            return accumulator

    params = {"assigner": Tumbling(10), "how": "aggregate", "fn": Same, "lateness_ms": 100}
    harness = OperatorHarness("window", params, timed=True)
    harness.push([(0, 0, 1)], times=[1]).watermark(20)
    harness.push([(0, 0, 2)], times=[2])
    assert harness.output() == [[1], [1, 2]]


@given(steps, st.integers(1, 5), st.booleans())
def test_a_global_window_gives_results_by_number_and_at_the_end(story, after, purge):
    out, _ = drive(harness_of(Global(after=after, purge=purge), 0, "aggregate"), story)
    values = [record[1:] for step in story for record in step.records]
    expected = Counter()
    for key in range(3):
        mine = [value for value in values if value[0] == key]
        for stop in sorted({*range(after, len(mine) + 1, after), len(mine)} - {0}):
            found = mine[(stop - 1) // after * after if purge else 0 : stop]
            expected[tuple(sorted(value[2] for value in found)), max(v[1] for v in found)] += 1
    assert Counter(((bag, time)) for (_, _, bag), time in out) == expected


def test_a_global_window_gives_results_as_time_goes_by():
    params = {"assigner": Global(every=10), **HOWS["process"]}
    harness = OperatorHarness("window", params, key=lambda r: r[0], timed=True)
    harness.push([(0, 1, 1), (0, 12, 2)], times=[1, 12]).watermark(9)
    harness.watermark(19)  # nothing new: no result
    harness.push([(0, 2, 3)], times=[2]).watermark(28)
    assert [value[2] for value in harness.output()] == [(1, 2)]
    harness.watermark(29)
    assert [value[2] for value in harness.output()] == [(1, 2), (1, 2, 3)]
    harness.push([(0, 50, 4)], times=[50]).end()
    assert [value[2] for value in harness.output()] == [(1, 2), (1, 2, 3), (1, 2, 3, 4)]


@pytest.mark.parametrize("assigner", [Tumbling(100), Sliding(100, 50), Session(30)])
def test_early_results(assigner):
    params = {"assigner": assigner, **HOWS["process"], "early_ms": 10}
    harness = OperatorHarness("window", params, key=lambda r: r[0], timed=True)
    harness.push([(0, 20, 1)], times=[20]).tick(9)
    assert harness.output() == []
    harness = harness.restored().tick(1)
    windows = [value[1] for value in harness.output()]
    harness.tick(100)
    assert [value[1] for value in harness.output()] == windows  # nothing new
    harness.push([(0, 25, 2)], times=[25]).tick(10)
    assert [value[2] for value in harness.output()] == [(1,)] * len(windows) + [(1, 2)] * len(
        windows
    )
    harness.push([(0, 26, 3)], times=[26]).watermark(500).tick(10)
    assert [value[2] for value in harness.output()[2 * len(windows) :]] == [(1, 2, 3)] * len(
        windows
    )
    assert len(windows) == (2 if isinstance(assigner, Sliding) else 1)
