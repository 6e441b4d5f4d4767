"""Joins of whole streams against a naive reference, however they are cut, ended and divided."""

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ResourceError
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.coordinator.rescale import deal
from weft_engine.kernel.physical import (
    KEY_GROUPS,
    OperatorSpec,
    PhysicalPlan,
    Stage,
    key_group_range,
    subtask_of,
)
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.hashing import key_group
from weft_engine.kernel.streaming import make
from weft_engine.kernel.testing import HarnessContext, OperatorHarness

HOW = ("inner", "left", "right", "outer")
KEYS = st.one_of(st.none(), st.integers(0, 3), st.booleans(), st.sampled_from([1.0, "a", (1, 2)]))


def first(record):
    return record[0]


def pair(left, right):
    return (left, right)


def test_what_an_earlier_version_kept_of_a_join_is_refused():
    params = {"left_key": first, "right_key": first, "combine": pair, "how": "inner"}
    harness = OperatorHarness("join", params, keys=(first, first), inputs=2)
    with pytest.raises(ResourceError) as caught:
        harness.operator.restore([(1, b"its records")])
    assert caught.value.code == "checkpoint.format"


@st.composite
def stories(draw):
    """Batches of records, each with a number of its own, and where each input ends."""
    drawn = draw(
        st.lists(st.tuples(st.integers(0, 1), st.lists(KEYS, min_size=1, max_size=6)), max_size=12)
    )
    story, number = [], 0
    for port, keys in drawn:
        story.append((port, [(key, number + at) for at, key in enumerate(keys)]))
        number += len(keys)
    right = max((at for at, (port, _) in enumerate(story) if port == 1), default=-1)
    ends_at = draw(st.integers(right + 1, len(story)))
    return [*story[:ends_at], (1, None), *story[ends_at:], (0, None)]


def reference(story, how):
    """All pairs of a left record, in order, then the right records that nobody met."""
    left, right = (
        [record for at, values in story if at == port and values for record in values]
        for port in (0, 1)
    )
    out, met = [], set()
    for one in left:
        partners = [other for other in right if one[0] is not None and one[0] == other[0]]
        met.update(partners)
        out += [(one, other) for other in partners]
        if not partners and how in ("left", "outer"):
            out.append((one, None))
    if how in ("right", "outer"):
        out += [(None, other) for other in right if other not in met]
    return out


def params(how, combine=pair):
    return {"left_key": first, "right_key": first, "combine": combine, "how": how}


def settings(backend):
    return Settings(state_backend=backend)


@pytest.mark.parametrize("backend", ["heap", "disk"])
@given(story=stories(), how=st.sampled_from(HOW), cuts=st.sets(st.integers(0, 14)))
def test_order_and_checkpoints(backend, story, how, cuts):
    """Checkpoints are written while the stream goes on; whatever came since is done again."""
    harness = OperatorHarness(
        "join",
        params(how),
        inputs=2,
        keys=(first, first),
        batch_size=3,
        settings=settings(backend),
    )
    out = []
    right_over = False
    for at, (port, values) in enumerate(story):
        if at in cuts:
            write = harness.begin_snapshot()
            out += harness.output()
            if values is not None:
                harness.push(values, port=port)
            before, harness = harness, harness.restored(write())
            before.close()
            if right_over:
                harness.operator.ended(1)
        if values is None:
            harness.operator.ended(port)
            right_over = right_over or port == 1
        else:
            harness.push(values, port=port)
    harness.operator.finish()
    assert out + harness.output() == reference(story, how)
    harness.close()


@given(stories(), st.sampled_from(HOW), st.integers(0, 14))
def test_checkpoints_build_on_each_other(story, how, crash):
    """Taken behind every batch, in one subtask; one of them is gone back to."""
    harness = OperatorHarness("join", params(how), inputs=2, keys=(first, first))
    kept = harness.snapshot()
    out, before, behind = [], story[: crash + 1], story[crash + 1 :]
    for port, values in before:
        _feed(harness, port, values)
        kept, out = harness.snapshot(), harness.output()
    harness.push([(1, "lost")], port=0)
    harness = harness.restored(kept)
    if (1, None) in before:
        harness.operator.ended(1)
    for port, values in behind:
        _feed(harness, port, values)
    harness.operator.finish()
    assert out + harness.output() == reference(story, how)


def _feed(harness, port, values):
    if values is None:
        harness.operator.ended(port)
    else:
        harness.push(values, port=port)


class Subtasks:
    """All subtasks of a join, between a hash edge for each input and nothing."""

    def __init__(self, how, parallelism, backend, storage, checkpoint=None):
        self.spec = OperatorSpec(
            "op", "join", "join", params(how), first, (first, first), inputs=2, shared=True
        )
        self.storage = storage
        self.parallelism = parallelism
        plan = PhysicalPlan("job", (Stage(0, "join", (self.spec,), parallelism),), ())
        dealt = {} if checkpoint is None else deal(checkpoint, plan)
        self.all = []
        for index in range(parallelism):
            context = HarnessContext(self.spec, 4, 0, {}, settings(backend))
            context.state.close()
            groups = key_group_range(index, parallelism, KEY_GROUPS)
            context.state = make_store(
                settings(backend), groups, KEY_GROUPS, "op", context.now, None
            )
            restore = dealt.get((0, index))
            if restore is not None:
                context.state.restore(storage, restore.keyed.get("op", ()))
            operator = make(self.spec)
            operator.open(context)
            operator.restore([] if restore is None else restore.pieces.get("op", []))
            self.all.append((operator, context))

    def push(self, port, values):
        parts = {}
        for value in values:
            group = key_group(first(value), KEY_GROUPS)
            parts.setdefault(subtask_of(group, self.parallelism, KEY_GROUPS), []).append(value)
        for index, part in parts.items():
            self.all[index][0].process(port, Batch(part, None, list(map(first, part))))

    def ended(self, port):
        for operator, _ in self.all:
            operator.ended(port)

    def finish(self):
        for operator, _ in self.all:
            operator.finish()

    def output(self):
        return [
            value
            for _, context in self.all
            for batch in context.events[0]
            for value in batch.values
        ]

    def checkpoint(self, number):
        pieces = tuple(
            tuple(pickle.loads(pickle.dumps(operator.snapshot(number)))) for operator, _ in self.all
        )
        keyed = tuple(
            context.state.snapshot(number, full=False).write(self.storage, f"{number}/{index}")
            for index, (_, context) in enumerate(self.all)
        )
        state = OperatorState(self.parallelism, pieces, keyed, finished=(False,) * self.parallelism)
        return Checkpoint(number, "checkpoint", "job", "", KEY_GROUPS, {"op": state})

    def close(self):
        for operator, context in self.all:
            operator.close()
            context.state.close()


@pytest.mark.parametrize("backend", ["heap", "disk"])
@given(
    story=stories(),
    how=st.sampled_from(HOW),
    cuts=st.dictionaries(st.integers(0, 14), st.integers(1, 5), max_size=3),
    start=st.integers(1, 5),
)
def test_divided_anew(backend, story, how, cuts, start):
    """The results are the same, those of a key in the same order; all in order if never divided."""
    storage = Memory()
    join, out, right_over = Subtasks(how, start, backend, storage), [], False
    for at, (port, values) in enumerate(story):
        if at in cuts:
            checkpoint = join.checkpoint(at + 1)
            out += join.output()
            join.close()
            join = Subtasks(how, cuts[at], backend, storage, checkpoint)
            if right_over:
                join.ended(1)
        if values is None:
            join.ended(port)
            right_over = right_over or port == 1
        else:
            join.push(port, values)
    join.finish()
    checkpoint = join.checkpoint(100)
    out += join.output()
    join.close()
    expected = reference(story, how)
    assert Counter(map(repr, out)) == Counter(map(repr, expected))
    for key in {first(left or right) for left, right in expected}:
        assert _of(key, out) == _of(key, expected)
    # What had finished may run again, where another operator is divided anew: it is silent then.
    again = Subtasks(how, start + 1, backend, storage, checkpoint)
    again.ended(1)
    again.finish()
    assert again.output() == []
    again.close()


def _of(key, pairs):
    return [(left, right) for left, right in pairs if first(left or right) == key]


def test_what_fails_gives_nothing_at_all():
    def combine(left, right):
        if right == (1, "bad"):
            raise ValueError("bad")
        return (left, right)

    def run(on_error):
        harness = OperatorHarness(
            "join",
            params("outer", combine),
            inputs=2,
            keys=(first, first),
            policy=Policy(on_error=on_error),
        )
        harness.push([(1, "good"), (1, "bad"), (2, "alone")], port=1)
        harness.push([(1, "left"), (3, "left")], port=0).end()
        return harness

    expected = [((3, "left"), None), (None, (2, "alone"))]
    for on_error in ("skip", "continue", "route"):
        harness = run(on_error)
        assert harness.output() == expected
        assert harness.context.counters == {"errors": 1}
    assert [failure["item"] for failure in harness.failures()] == [(1, "left")]
    with pytest.raises(OperatorFailure) as failed:
        run("fail")
    assert (failed.value.record, type(failed.value.cause)) == ((1, "left"), ValueError)
