from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import NodeError
from weft_engine.kernel.functions import ProcessFunction
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.testing import OperatorHarness


class Running(ProcessFunction):
    """Counts a key's records in all four kinds of state, and says so in several ways."""

    def open(self, context):
        self.count = context.state.value("count", 0)
        self.seen = context.state.list("seen")
        self.by = context.state.map("by")
        self.total = context.state.reducing("total", lambda a, b: a + b)

    def process(self, value, context):
        self.count.update(self.count.value() + 1)
        self.seen.add(value)
        self.by.put(value, self.by.get(value, 0) + 1)
        self.total.add(value)
        if value % 7 == 0:
            context.emit(("seven", value), side="sevens")
        if value % 5 == 0:
            self.seen.clear()
        yield (
            context.key,
            self.count.value(),
            self.seen.get(),
            sorted(self.by.items()),
            self.total.get(),
        )


def reference(values):
    state = {}
    for value in values:
        held = state.setdefault(value % 3, [0, [], {}, 0])
        held[0] += 1
        held[1].append(value)
        held[2][value] = held[2].get(value, 0) + 1
        held[3] += value
        if value % 5 == 0:
            held[1] = []
        yield (value % 3, held[0], list(held[1]), sorted(held[2].items()), held[3])


def batches(values, cuts):
    bounds = [0, *sorted(cut % (len(values) + 1) for cut in cuts), len(values)]
    return [values[a:b] for a, b in pairwise(bounds)]


@given(
    st.lists(st.integers(0, 20), max_size=40),
    st.lists(st.integers(0, 40), max_size=6),
    st.integers(0, 6),
)
def test_states_follow_their_key_through_batches_and_restarts(values, cuts, crash):
    harness = OperatorHarness(
        "keyed_process", {"fn": Running, "sides": ("sevens",)}, key=lambda v: v % 3, batch_size=4
    )
    out, sevens = [], []
    for number, batch in enumerate(batches(values, cuts)):
        if number == crash:
            out, sevens = out + harness.output(), sevens + harness.side("sevens")
            write = harness.begin_snapshot()
            harness.push(values)  # what happens after the snapshot does not touch it
            harness = harness.restored(write())
        harness.push(batch)
    harness.end()
    assert out + harness.output() == list(reference(values))
    assert sevens + harness.side("sevens") == [("seven", v) for v in values if v % 7 == 0]


class Timers(ProcessFunction):
    def process(self, value, context):
        context.set_timer(value, tag="event")
        context.set_timer(value, tag="event")  # twice is once
        context.set_timer(value + 100, processing=True)
        if value == 13:
            context.delete_timer(13, tag="event")

    def on_timer(self, time, context):
        yield (time, context.key, context.tag, context.watermark(), context.timestamp)
        if context.tag == "event" and time == 20:
            context.set_timer(25, tag="again")


def test_timers_fire_by_key_in_order_of_time():
    harness = OperatorHarness("keyed_process", {"fn": Timers()}, key=lambda v: v % 2, timed=True)
    harness.push([20, 13, 11], times=[1, 2, 3])
    harness.watermark(10)
    assert harness.output() == []
    harness.watermark(30)
    assert harness.timed_output() == [
        ((11, 1, "event", 30, 11), 11),
        ((20, 0, "event", 30, 20), 20),
        ((25, 0, "again", 30, 25), 25),
    ]
    harness = harness.restored()
    harness.tick(112)
    assert [value[0] for value in harness.output()] == [111]
    harness.tick(1)
    assert [value[0] for value in harness.output()] == [111, 113]
    harness.end()
    assert [value[0] for value in harness.output()] == [111, 113, 120]


class Touchy(ProcessFunction):
    def process(self, value, context):
        context.emit(value)
        if value < 0:
            raise ValueError(f"bad {value}")


@pytest.mark.parametrize("on_error", ["fail", "skip", "route"])
def test_a_record_that_fails_leaves_nothing_half_done(on_error):
    policy = Policy(max_attempts=3, delay_s=0.5, on_error=on_error)
    harness = OperatorHarness("process_function", {"fn": Touchy()}, policy=policy)
    if on_error == "fail":
        with pytest.raises(OperatorFailure) as caught:
            harness.push([1, -2, 3])
        assert (caught.value.uid, caught.value.record, caught.value.attempt) == ("op", -2, 3)
        assert isinstance(caught.value.cause, ValueError)
        return
    harness.push([1, -2, 3])
    assert harness.output() == [1, 3]
    assert harness.context.counters == {"retries": 2, "errors": 1}
    assert harness.context.clock == 1500
    failed = harness.failures()
    assert [failure["item"] for failure in failed] == ([-2] if on_error == "route" else [])


def test_state_needs_a_key_and_sides_need_a_name():
    class InOpen(ProcessFunction):
        def open(self, context):
            context.state.value("x").value()

    with pytest.raises(NodeError) as caught:
        OperatorHarness("process_function", {"fn": InOpen})
    assert caught.value.code == "state.no_key"

    class Elsewhere(ProcessFunction):
        def process(self, value, context):
            context.emit(value, side="nowhere")

    with pytest.raises(OperatorFailure) as failed:
        OperatorHarness("process_function", {"fn": Elsewhere}).push([1])
    assert failed.value.cause.code == "function.unknown_side"


def test_services_and_configuration():
    class Ask(ProcessFunction):
        def process(self, value, context):
            plus = context.get_config("plus")
            yield context.call_service("maths", "add", value, plus)
            yield context.call_service_async("maths", "add", value, value).result()

    class Maths:
        def add(self, a, b):
            return a + b

    harness = OperatorHarness(
        "process_function", {"fn": Ask}, services={"maths": Maths()}, config={"plus": 10}
    )
    assert harness.push([1, 2]).output() == [11, 2, 12, 4]
