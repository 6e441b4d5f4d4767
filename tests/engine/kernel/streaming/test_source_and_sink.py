import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ResourceError
from weft_engine.kernel.batch import Batch, Idle, Watermark
from weft_engine.kernel.connectors import Sink, Source
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.streaming import make
from weft_engine.kernel.testing import OperatorHarness


class Lists(Source):
    """Several lists, a split each; None in a list is a moment without records."""

    def __init__(self, lists, *, bounded=True, faults=()):
        self.lists = lists
        self.bounded = bounded
        self.faults = list(faults)

    def splits(self):
        return range(len(self.lists))

    def reader(self, split, position, context):
        return ListReader(self, split, position or 0)


class ListReader:
    def __init__(self, source, split, position):
        self.source, self.split, self.at = source, split, position

    def read(self, limit):
        if (self.split, self.at) in self.source.faults:
            self.source.faults.remove((self.split, self.at))
            raise OSError("gone")
        items = self.source.lists[self.split]
        if self.at >= len(items):
            return None if self.source.bounded else []
        if items[self.at] is None:
            self.at += 1
            return []
        found = []
        while len(found) < limit and self.at < len(items) and items[self.at] is not None:
            found.append(items[self.at])
            self.at += 1
        return found

    def position(self):
        return self.at

    def close(self):
        self.source = None


lists = st.lists(st.lists(st.none() | st.integers(), max_size=8), max_size=5)


@given(lists, lists, st.integers(1, 3), st.integers(1, 5), st.integers(0, 12), st.integers(1, 3))
def test_every_record_once_whatever_the_restart_and_rescale(
    splits, added, before, after, pulls, limit
):
    source = Lists(splits)
    out, pieces = [], []
    for subtask in range(before):
        harness = OperatorHarness(
            "source", {"source": source}, subtask=subtask, parallelism=before, batch_size=limit
        )
        for _ in range(pulls):
            harness.pull(limit)
        out += harness.output()
        pieces += harness.operator.snapshot(1)
        harness.close()
    splits = splits + added
    source = Lists(splits)
    for subtask in range(after):
        harness = OperatorHarness("source", {"source": source}, subtask=subtask, parallelism=after)
        fresh = harness.restored(_with_pieces(harness, pieces[subtask::after]), peers=pieces)
        while fresh.pull(limit).state != "end":
            pass
        out += fresh.output()
    expected = [item for split in splits for item in split if item is not None]
    assert sorted(out) == sorted(expected)


@given(st.sets(st.integers(0, 3), min_size=1), st.integers(0, 9))
def test_new_splits_come_to_those_who_have_not_ended(alive, more):
    _, pieces = read_in_part(Lists([[n] for n in range(4)]), 10)
    source = Lists([[n] for n in range(4 + more)])
    out = []
    for subtask in sorted(alive):
        harness = OperatorHarness("source", {"source": source}, subtask=subtask, parallelism=4)
        harness.context.alive, harness.context.peers = sorted(alive), pieces
        harness.operator = make(harness.spec)
        harness.operator.open(harness.context)
        harness.operator.restore(pieces[subtask : subtask + 1])
        while harness.pull(9).state != "end":
            pass
        out += harness.output()
    assert sorted(out) == list(range(4, 4 + more))


class Named(Lists):
    """Splits that have names, of whatever kind."""

    def __init__(self, lists, kind):
        super().__init__(list(lists.values()))
        self.names = [kind(name) for name in lists]

    def splits(self):
        return list(self.names)

    def reader(self, split, position, context):
        return ListReader(self, self.names.index(split), position or 0)


def read_in_part(source, pulls):
    harness = OperatorHarness("source", {"source": source}, batch_size=1)
    for _ in range(pulls):
        harness.pull(1)
    return harness.output(), pickle.loads(pickle.dumps(harness.operator.snapshot(1)))


def go_on(source, pieces):
    harness = OperatorHarness("source", {"source": source})
    fresh = harness.restored(_with_pieces(harness, pieces), peers=pieces)
    while fresh.pull(9).state != "end":
        pass
    return fresh.output()


@pytest.mark.parametrize("kind", [str, lambda name: [name], lambda name: {"name": name}])
@pytest.mark.parametrize("pulls", range(7))
def test_splits_are_found_again_wherever_they_are_now(kind, pulls):
    lists = {"b": [1, 2], "d": [3, 4]}
    first, pieces = read_in_part(Named(lists, kind), pulls)
    more = {"a": [5], "b": [1, 2], "c": [6], "d": [3, 4], "e": [7]}
    assert sorted(first + go_on(Named(more, kind), pieces)) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("kind", [str, lambda name: [name]])
def test_a_split_that_is_gone_must_have_been_read(kind):
    lists = {"a": [1], "b": [2, 3]}
    _, pieces = read_in_part(Named(lists, kind), 2)
    assert go_on(Named({"b": [2, 3], "c": [4]}, kind), pieces) == [2, 3, 4]
    _, pieces = read_in_part(Named(lists, kind), 3)
    with pytest.raises(ResourceError) as caught:
        go_on(Named({"a": [1]}, kind), pieces)
    assert caught.value.code == "source.split_gone"


class Alike:
    """Equal to nothing but itself."""


class Places(Lists):
    """Splits that can only be told apart by their places, or not at all."""

    def __init__(self, lists, kind):
        super().__init__(lists)
        self.kind = kind
        self.opened = 0

    def splits(self):
        return [self.kind() for _ in self.lists]

    def reader(self, split, position, context):
        self.opened += 1
        return ListReader(self, self.opened - 1, position or 0)


@pytest.mark.parametrize("kind", [Alike, lambda: None, list])
def test_splits_that_look_alike_keep_their_places(kind):
    _, pieces = read_in_part(Places([[1], [2]], kind), 0)
    assert go_on(Places([[1], [2], [3]], kind), pieces) == [1, 2, 3]


def _with_pieces(harness, pieces):
    harness.operator.snapshot = lambda checkpoint: pieces
    return harness.snapshot()


def test_unbounded_splits_are_read_in_turns_and_an_empty_one_holds_up_nobody():
    source = Lists([[1, 2, 3], [], [None, 10, 20]], bounded=False)
    harness = OperatorHarness("source", {"source": source})
    seen = [harness.pull(1) for _ in range(6)]
    assert [pull.state for pull in seen] == ["more"] * 5 + ["idle"]
    assert harness.output() == [1, 2, 10, 3, 20]
    waits = [harness.pull(1).wait_s for _ in range(12)]
    assert waits == sorted(waits)
    assert waits[-1] == 0.1


def test_a_read_that_fails_is_tried_again_where_it_was():
    source = Lists([[1, 2, 3, 4]], faults=[(0, 2), (0, 2)])
    policy = Policy(max_attempts=3, delay_s=2)
    harness = OperatorHarness("source", {"source": source}, policy=policy)
    assert harness.pull(2).state == "more"
    pull = harness.pull(2)
    assert (pull.state, pull.wait_s) == ("idle", 2.0)
    harness.tick(2000)
    pull = harness.pull(2)
    assert (pull.state, pull.wait_s) == ("idle", 4.0)
    harness.tick(4000)
    harness.read()
    assert harness.output() == [1, 2, 3, 4]
    assert harness.context.counters == {"retries": 2}


def test_a_source_that_keeps_failing_fails_the_job_or_is_left():
    with pytest.raises(OperatorFailure) as caught:
        OperatorHarness("source", {"source": Lists([[1]], faults=[(0, 0)])}).read()
    assert isinstance(caught.value.cause, OSError)
    source = Lists([[1], [2]], faults=[(0, 0)])
    harness = OperatorHarness("source", {"source": source}, policy=Policy(on_error="route"))
    harness.read()
    assert harness.output() == [2]
    assert [failure["chain"][0]["type"] for failure in harness.failures()] == ["OSError"]


class Kept(Sink):
    def __init__(self):
        self.writers = []

    def writer(self, subtask, parallelism, attempt):
        self.writers.append(KeptWriter(attempt))
        return self.writers[-1]


class KeptWriter:
    def __init__(self, attempt):
        self.attempt, self.held, self.fails, self.closed = attempt, [], 0, False

    def write(self, values):
        if self.fails:
            self.fails -= 1
            raise OSError("full")
        self.held += values

    def prepare(self, checkpoint):
        held, self.held = self.held, []
        return (checkpoint, held)

    def close(self):
        self.closed = True


def test_a_sink_writes_and_prepares():
    sink = Kept()
    policy = Policy(max_attempts=2, delay_s=0)
    harness = OperatorHarness("sink", {"sink": sink}, outputs=0, policy=policy)
    (writer,) = sink.writers
    writer.fails = 1
    harness.push([1, 2]).push([3])
    assert harness.prepared() == (1, [1, 2, 3])
    assert harness.prepared() == (1, [])
    writer.fails = 2
    with pytest.raises(OperatorFailure):
        harness.push([4])
    harness.close()
    assert writer.closed
    OperatorHarness("sink", {"sink": sink}, outputs=0)
    assert len({writer.attempt for writer in sink.writers}) == 2


def test_results_are_what_is_committed():
    harness = OperatorHarness("collect_results", outputs=0)
    harness.push([1, 2]).push([3])
    assert harness.prepared() == [1, 2, 3]
    assert harness.prepared() is None


def test_watermarks_follow_the_greatest_time():
    harness = OperatorHarness(
        "timestamps", {"fn": lambda r: r[0], "bound_ms": 5, "idle_ms": 100}, timed=True
    )
    harness.push([(10,), (7,)]).push([(9,)]).push([(30,)])
    assert harness.context.events[0] == [
        Batch([(10,), (7,)], [10, 7]),
        Watermark(4),
        Batch([(9,)], [9]),
        Batch([(30,)], [30]),
        Watermark(24),
    ]
    harness.tick(99)
    assert not isinstance(harness.context.events[0][-1], Idle)
    harness.tick(50)
    assert harness.context.events[0][-1] == Idle()
    assert harness.operator.due() is None
    again = harness.restored()
    again.tick()
    assert again.context.events[0] == [Watermark(24)]
    assert again.push([(3,)]).reached() == 24


def test_times_may_be_moments_and_bad_ones_follow_the_policy():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    harness = OperatorHarness(
        "timestamps", {"fn": lambda r: r}, timed=True, policy=Policy(on_error="skip")
    )
    harness.push([moment, 5, "soon", moment.replace(tzinfo=None), 7.9])
    milliseconds = round(moment.timestamp() * 1000)
    assert harness.timed_output() == [(moment, milliseconds), (5, 5), (7.9, 7)]
    with pytest.raises(OperatorFailure) as caught:
        OperatorHarness("timestamps", {"fn": str}, timed=True).push([1])
    assert caught.value.cause.code == "time.not_a_time"
    with pytest.raises(OperatorFailure, match="datetime without a time zone"):
        OperatorHarness("timestamps", {"fn": lambda r: r}, timed=True).push([datetime(2026, 1, 1)])  # noqa: DTZ001
