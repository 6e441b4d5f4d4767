from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import MAX_TIME, Barrier, Batch, Watermark
from weft_engine.kernel.testing import OperatorHarness


class Loop:
    """A head and a body that halves records until they are odd; the way back is a queue."""

    def __init__(self, harness):
        self.harness, self.out, self.back, self.read = harness, [], deque(), 0

    def body(self):
        """What the head has emitted passes through the body."""
        events = self.harness.context.events[0]
        for event in events[self.read :]:
            if not isinstance(event, Batch):
                self.back.append(event)
                continue
            self.out += [value for value in event.values if value % 2]
            again = [value // 2 for value in event.values if value % 2 == 0]
            if again:
                self.back.append(Batch(again, event.times and [0] * len(again)))
        self.read = len(events)

    def step(self):
        self.body()
        if self.back:
            self.harness.operator.fed_back(self.back.popleft())
            self.body()

    def finish(self):
        self.harness.operator.poll()
        self.harness.operator.advance(MAX_TIME)
        self.harness.operator.ended(0)
        while self.harness.operator.busy:
            assert self.back or self.read < len(self.harness.context.events[0])
            self.step()
        self.harness.operator.finish()
        self.body()
        assert not any(isinstance(event, Batch) for event in self.back)


def odd(value):
    while value % 2 == 0:
        value //= 2
    return value


batches = st.lists(st.lists(st.integers(1, 64), min_size=1, max_size=4), max_size=8)


@given(batches, st.lists(st.integers(0, 4), min_size=8, max_size=8), st.integers(0, 9))
def test_every_record_leaves_the_loop_once_whatever_is_under_way(story, pace, crash):
    loop = Loop(OperatorHarness("iterate", {}))
    out = []
    for number, values in enumerate(story):
        if number == crash:
            out, loop = checkpoint(loop, pace[0])
        loop.harness.push(values)
        for _ in range(pace[number]):
            loop.step()
    loop.finish()
    assert sorted(out + loop.out) == sorted(odd(value) for values in story for value in values)


def checkpoint(loop, pace):
    """A barrier goes round; returns what had left by then, and the loop that goes on from it."""
    loop.body()
    write = loop.harness.begin_snapshot()
    left = list(loop.out)
    loop.back.append(Barrier(1))
    loop.harness.push([8, 6])  # behind the barrier: not part of the checkpoint
    for _ in range(len(loop.back)):
        loop.step()
    return left, Loop(loop.harness.restored(write()))


def test_a_loop_that_does_not_end_fails():
    harness = OperatorHarness("iterate", {"max_rounds": 3})
    harness.push([1]).operator.ended(0)

    def go_round(times):
        for _ in range(times):
            harness.operator.fed_back(Batch([1]))
            harness.operator.fed_back(Watermark(harness.reached()))

    go_round(3)
    with pytest.raises(NodeError) as caught:
        go_round(1)
    assert caught.value.code == "iterate.too_many_rounds"


def test_the_last_watermark_waits_for_the_end():
    harness = OperatorHarness("iterate", {}, timed=True)
    harness.push([2], times=[5]).watermark(4)
    assert harness.reached() == 4
    harness.watermark(MAX_TIME)
    harness.operator.ended(0)
    assert harness.reached() == 5
    harness.operator.fed_back(Watermark(4))
    assert harness.operator.busy
    harness.operator.fed_back(Watermark(5))
    assert not harness.operator.busy
