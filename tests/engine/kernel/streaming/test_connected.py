from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.streaming.reference import drive, one_by_one, steps
from weft_engine.kernel.batch import MIN_TIME
from weft_engine.kernel.functions import BaseFunction
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.testing import OperatorHarness


def key(record):
    return record[0]


def pair(left, right):
    return (left, right)


@given(st.integers(-20, 20), st.integers(0, 20), steps)
def test_interval_joins_are_those_of_the_definition(lower, span, story):
    params = {"lower_ms": lower, "upper_ms": lower + span, "fn": pair, "sides": ("late",)}
    harness = OperatorHarness(
        "interval_join", params, keys=(key, key), inputs=2, timed=True, batch_size=3
    )
    out, late = drive(harness, story, ports=2)
    sides, too_late, reached = ([], []), [], MIN_TIME
    for kind, what in one_by_one(story, 2):
        if kind == "watermark":
            reached = what
        elif what[2] <= reached:
            too_late.append(what[1:])
        else:
            sides[what[0]].append(what[1:])
    pairs = Counter(
        ((left, right), max(left[1], right[1]))
        for left in sides[0]
        for right in sides[1]
        if left[0] == right[0] and lower <= right[1] - left[1] <= lower + span
    )
    assert Counter(out) == pairs
    assert Counter(late) == Counter(too_late)


@given(st.integers(-20, 20), st.integers(0, 20), steps)
def test_an_interval_join_forgets(lower, span, story):
    params = {"lower_ms": lower, "upper_ms": lower + span, "fn": pair}
    harness = OperatorHarness("interval_join", params, keys=(key, key), inputs=2, timed=True)
    for step in story:
        for record in step.records:
            harness.push([record[1:]], times=[record[2]], port=record[0])
    harness.watermark(200)
    assert harness.context.state.size()[0] == 0


def test_a_partner_at_the_very_end_of_the_interval():
    params = {"lower_ms": -5, "upper_ms": 10, "fn": pair}
    harness = OperatorHarness("interval_join", params, keys=(key, key), inputs=2, timed=True)
    harness.push([("a", 0)], times=[0], port=0).push([("a", 1)], times=[1], port=0)
    harness.watermark(10)
    harness.push([("a", 11)], times=[11], port=1)
    assert harness.output() == [(("a", 1), ("a", 11))]
    harness.push([("a", 16)], times=[16], port=0).watermark(15)
    harness.push([("a", 16.5)], times=[16], port=1)
    assert harness.output()[1:] == [(("a", 16), ("a", 11)), (("a", 16), ("a", 16.5))]


class Both(BaseFunction):
    """What it does depends on what came by the other stream."""

    def open(self, context):
        self.rule = context.state.value("rule", 0)

    def map1(self, value):
        return (self.context.key, value[1] + self.rule.value())

    def map2(self, value):
        self.rule.update(value[1])
        return "rule"

    def flat_map1(self, value):
        return [self.map1(value)] * 2

    def flat_map2(self, value):
        self.map2(value)

    def process1(self, value, context):
        context.emit(self.map1(value))
        context.set_timer(5, processing=True)

    def process2(self, value, context):
        self.map2(value)
        context.emit(value, side="rules")

    def on_timer(self, time, context):
        yield ("timer", context.key)


def test_connected_streams_share_the_state_of_a_key():
    def run(kind, sides=()):
        params = {"fn": Both, **({"sides": sides} if sides else {})}
        harness = OperatorHarness(kind, params, keys=(key, key), inputs=2)
        harness.push([("a", 1), ("b", 1)], port=0)
        harness.push([("a", 10)], port=1)
        harness = harness.restored()
        return harness.push([("a", 2), ("b", 2)], port=0)

    assert run("co_map").output() == [("a", 12), ("b", 2)]
    assert run("co_flat_map").output() == [("a", 12), ("a", 12), ("b", 2), ("b", 2)]
    processed = run("co_process", ("rules",)).push([("c", 3)], port=1)
    assert processed.output() == [("a", 12), ("b", 2)]
    assert processed.side("rules") == [("c", 3)]
    assert set(processed.tick(5).output()[2:]) == {("timer", "a"), ("timer", "b")}


def test_streams_without_keys_and_three_of_them():
    class Three:
        def map1(self, value):
            return value + 1

        def map2(self, value):
            return 1 / value

        def map3(self, value):
            return str(value)

    policy = Policy(on_error="continue")
    harness = OperatorHarness("co_map", {"fn": Three()}, inputs=3, timed=True, policy=policy)
    harness.push([1], [7], port=0).push([2, 0], [8, 9], port=1).push([3], [10], port=2)
    assert harness.timed_output() == [(2, 7), (0.5, 8), (None, 9), ("3", 10)]


class Rules(BaseFunction):
    """Rules come to every subtask; they are not of any key."""

    def __init__(self):
        self.words = set()

    def process1(self, value, context):
        if value in self.words:
            yield value

    def process2(self, value, context):
        self.words.add(value)

    def snapshot_state(self):
        return [self.words]

    def restore_state(self, pieces):
        self.words = set().union(*pieces)


def test_what_is_broadcast_is_part_of_the_checkpoint():
    harness = OperatorHarness("co_process", {"fn": Rules}, inputs=2)
    harness.push(["a", "b"], port=1)
    write = harness.begin_snapshot()
    harness.push(["c"], port=1)
    again = harness.restored(write())
    assert again.push(["a", "b", "c"]).output() == ["a", "b"]
