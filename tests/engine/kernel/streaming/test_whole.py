import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import NodeError
from weft_engine.kernel.operators.base import RecordError
from weft_engine.kernel.operators.waiting import AsyncMap
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.testing import OperatorHarness

batches = st.lists(
    st.tuples(st.integers(0, 1), st.lists(st.integers(0, 9), min_size=1, max_size=5)), max_size=10
)


def drive(kind, params, story, crash, *, inputs=1, order=None, keys=()):
    """Lead batches through with a restart; the inputs end in the order given."""
    harness = OperatorHarness(kind, params, inputs=inputs, batch_size=3, keys=keys)
    out = []
    for number, (port, values) in enumerate(story):
        if number == crash:
            write = harness.begin_snapshot()
            out += harness.output()
            harness.push(values, port=port if inputs > 1 else 0)
            harness = harness.restored(write())
        harness.push(values, port=port if inputs > 1 else 0)
    for port in order or range(inputs):
        harness.operator.ended(port)
    harness.operator.finish()
    return out + harness.output()


def flat(story, port=None):
    return [value for at, values in story for value in values if port in (None, at)]


def remainder(value):
    return [value % 3]  # cannot be hashed


@given(batches, st.integers(0, 10))
def test_one_input(story, crash):
    values = flat(story)
    assert drive("sort", {"keys": ((lambda v: v, True),)}, story, crash) == sorted(
        values, reverse=True
    )
    assert drive("collect", {}, story, crash) == [values]
    fold = {"create": list, "add": lambda held, v: [*held, v], "result": tuple}
    assert drive("fold", fold, story, crash) == [tuple(values)]
    assert drive("limit", {"count": 7}, story, crash) == values[:7]
    assert drive("distinct", {"key": None}, story, crash) == list(dict.fromkeys(values))
    firsts = list({v % 3: v for v in reversed(values)}.values())
    assert sorted(drive("distinct", {"key": remainder}, story, crash)) == sorted(firsts)
    groups = {}
    for value in values:
        groups.setdefault(value % 3, []).append(value)
    aggregate = {"key": remainder, "create": int, "add": lambda n, v: n + v}
    assert drive("aggregate", aggregate, story, crash) == [
        ([key], sum(group)) for key, group in groups.items()
    ]
    reduce = {"key": remainder, "fn": max}
    assert drive("reduce", reduce, story, crash) == [max(group) for group in groups.values()]
    assert drive("union", {}, story, crash) == values


@given(batches, st.integers(0, 10), st.permutations([0, 1]))
def test_two_inputs(story, crash, order):
    left, right = flat(story, 0), flat(story, 1)

    def run(kind, params, keys=()):
        return drive(kind, params, story, crash, inputs=2, order=order, keys=keys)

    assert run("concat", {}) == left + right
    chosen = left or right
    assert run("first_of", {"left_out": None}) == chosen
    even = [(0, left), (1, right[: len(left)])] if len(right) >= len(left) else []
    if left and even:
        assert drive("zip", {}, even, crash, inputs=2) == list(zip(left, right, strict=False))


class Half:
    def open(self):
        pass

    def process(self, record):
        if record % 2:
            raise ValueError("odd")
        return [record // 2] * 2

    def finish(self):
        return ["end"]

    def close(self):
        pass


def test_own_operators_and_what_cannot_be_in_a_checkpoint():
    policy = Policy(on_error="route")
    harness = OperatorHarness("process", {"factory": Half}, policy=policy)
    harness.push([2, 3]).end()
    assert harness.output() == [1, 1, "end"]
    assert [failure["item"] for failure in harness.failures()] == [3]
    assert harness.operator.snapshot(1) is None
    harness = OperatorHarness("process", {"factory": Half})
    with pytest.raises(NodeError) as refused:
        harness.snapshot()
    assert refused.value.code == "checkpoint.unsupported"
    with pytest.raises(OperatorFailure) as failed:
        harness.push([3])
    assert (failed.value.record, type(failed.value.cause)) == (3, ValueError)
    assert not isinstance(failed.value, RecordError)


def test_state_of_a_whole_stream_is_not_divided():
    harness = OperatorHarness("sort", {"keys": ()}, parallelism=2)
    snapshot = harness.push([1]).snapshot()
    again = {**harness._again, "parallelism": 3, "snapshot": snapshot}
    with pytest.raises(NodeError) as refused:
        OperatorHarness(**again)
    assert refused.value.code == "checkpoint.cannot_divide"


def test_operators_that_wait():
    async def slowly(value):
        await asyncio.sleep(0)
        return value + 1

    params = {"factory": lambda: AsyncMap(slowly, 2)}
    harness = OperatorHarness("operator", params)
    harness.push(range(30)).end()
    assert harness.output() == list(range(1, 31))
    harness.close()
