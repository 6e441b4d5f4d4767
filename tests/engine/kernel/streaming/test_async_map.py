import asyncio
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft_engine.kernel.functions import MapFunction
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.testing import OperatorHarness


async def dawdle(value):
    for _ in range(value % 7):
        await asyncio.sleep(0)
    return value * 2


def block(value):
    return value * 2


def awaitable(value):
    return dawdle(value)


@given(
    st.lists(st.integers(0, 50), max_size=60),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from([dawdle, block, awaitable]),
    st.integers(0, 7),
    st.integers(1, 20),
)
@settings(max_examples=60)
def test_every_record_once_also_after_a_restart(values, concurrency, ordered, fn, crash, cut):
    params = {"fn": fn, "concurrency": concurrency, "ordered": ordered}
    harness = OperatorHarness("async_map", params, timed=True, batch_size=4)
    parts = [values[at : at + cut] for at in range(0, len(values), cut)]
    out = []
    for number, part in enumerate(parts):
        if number == crash:
            snapshot = harness.snapshot()
            out += harness.timed_output()
            harness.close()
            harness = harness.restored(snapshot)
        harness.push(part, times=part)
        harness.watermark(number)
    harness.settle()
    assert harness.reached() == len(parts) - 1 or not parts
    harness.end()
    harness.close()
    out += harness.timed_output()
    expected = [(value * 2, value) for value in values]
    assert (out if ordered else sorted(out)) == (expected if ordered else sorted(expected))


class Gate:
    """Calls end when they are told to; all of them on the loop."""

    def __init__(self):
        self.events = {}
        self.entered = threading.Semaphore(0)
        self.most = self.now = 0

    async def __call__(self, value):
        self.now += 1
        self.most = max(self.most, self.now)
        event = self.events[value] = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.entered.release()
        try:
            await event.wait()
        finally:
            self.now -= 1
        return value

    def started(self, count):
        for _ in range(count):
            assert self.entered.acquire(timeout=60)

    def open(self, *values):
        for value in values:
            self.loop.call_soon_threadsafe(self.events[value].set)


def test_results_keep_their_order_and_watermarks_stay_behind_them():
    gate = Gate()
    harness = OperatorHarness("async_map", {"fn": gate.__call__, "concurrency": 3}, timed=True)
    harness.push([1, 2], times=[1, 2]).watermark(2).push([3, 4], times=[3, 4]).watermark(4)
    gate.started(3)
    assert sorted(gate.events) == [1, 2, 3]
    gate.open(2, 3)
    gate.started(1)
    harness.operator.poll()
    assert harness.output() == []
    gate.open(1)
    harness.context.wait(lambda: harness.operator._head.wanted == 1 and harness.operator._head.done)
    harness.operator.poll()
    assert harness.output() == [1, 2, 3]
    assert harness.reached() == 2
    gate.open(4)
    harness.settle()
    assert (harness.output(), harness.reached(), gate.most) == ([1, 2, 3, 4], 4, 3)
    harness.close()


def test_without_order_nobody_waits_for_the_slow_but_watermarks():
    gate = Gate()
    params = {"fn": gate.__call__, "concurrency": 2, "ordered": False}
    harness = OperatorHarness("async_map", params, timed=True)
    harness.push([1, 2], times=[1, 2]).watermark(2).push([3], times=[3]).watermark(3)
    gate.started(2)
    gate.open(2)
    gate.started(1)
    gate.open(3)
    while len(harness.output()) < 2:
        harness.context.wait(lambda: bool(harness.operator._done))
        harness.operator.poll()
    assert harness.output() == [2, 3]
    assert harness.reached() < 2
    gate.open(1)
    harness.settle()
    assert (harness.output(), harness.reached()) == ([2, 3, 1], 3)
    harness.close()


def test_a_full_operator_waits_and_closing_cancels():
    gate = Gate()
    harness = OperatorHarness("async_map", {"fn": gate.__call__, "concurrency": 2})
    waits = []
    wait = harness.context.wait

    def waiting(ready):
        if not waits:
            waits.append(len(harness.operator._calls))
            gate.started(2)
            gate.open(0, 1)
        else:
            gate.started(1)
            gate.open(len(waits) + 1)
            waits.append(None)
        wait(ready)

    harness.context.wait = waiting
    harness.push(range(20))
    assert waits[0] == 16
    assert harness.output()[:2] == [0, 1]
    assert gate.most <= 2
    harness.close()
    assert gate.now == 0


def test_records_of_a_key_go_one_by_one_in_their_order():
    seen, now = [], set()

    async def one(value):
        key = value % 3
        assert key not in now
        now.add(key)
        await asyncio.sleep(0)
        now.discard(key)
        seen.append(value)

    for per_key in (lambda value: value % 3, True):
        seen.clear()
        params = {"fn": one, "concurrency": 10, "per_key": per_key}
        key = (lambda value: value % 3) if per_key is True else None
        harness = OperatorHarness("async_map", params, key=key)
        harness.push(range(60)).end()
        for key in range(3):
            assert [value for value in seen if value % 3 == key] == list(range(key, 60, 3))
        harness.close()


def test_retries_time_limits_and_failures():
    tries = {}

    async def flaky(value):
        tries[value] = tries.get(value, 0) + 1
        if value == 1 and tries[1] < 3:
            raise OSError("not yet")
        if value == 2:
            raise ValueError("never")
        if value == 3:
            await asyncio.sleep(60)
        if value == 4:
            raise asyncio.CancelledError
        return value

    policy = Policy(max_attempts=3, delay_s=0, timeout_s=0.2, on_error="route")
    harness = OperatorHarness("async_map", {"fn": flaky}, policy=policy)
    harness.push([0, 1, 2, 3, 4, 5]).end()
    assert harness.output() == [0, 1, 5]
    assert [(failure["item"], failure["code"]) for failure in harness.failures()] == [
        (2, "node.crashed"),
        (3, "node.timeout"),
        (4, "call.cancelled"),
    ]
    assert harness.context.counters["errors"] == 3
    harness.close()
    harness = OperatorHarness("async_map", {"fn": flaky})
    with pytest.raises(OperatorFailure) as caught:
        harness.push([2]).settle()
    assert caught.value.record == 2
    harness.close()


def test_functions_have_a_life():
    log = []

    class Client(MapFunction):
        async def open(self, context):
            log.append(("open", context.name))

        async def process(self, value):
            return random.Random(value).random()

        async def close(self):
            log.append("close")

    harness = OperatorHarness("async_map", {"fn": Client})
    harness.push([1, 2]).end()
    harness.close()
    assert harness.output() == [random.Random(1).random(), random.Random(2).random()]
    assert log == [("open", "async_map"), "close"]
