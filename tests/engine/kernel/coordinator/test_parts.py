"""Restart strategies, dealing, and errors, each on its own."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState, Part
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.coordinator import recovery
from weft_engine.kernel.coordinator.failures import JobFailedError, error_of, is_retryable
from weft_engine.kernel.coordinator.rescale import deal
from weft_engine.kernel.coordinator.restart import ExponentialDelay, make_strategy
from weft_engine.kernel.physical import OperatorSpec, PhysicalPlan, Stage, subtask_of
from weft_engine.kernel.runtime.messages import Failed, FailureReport, SubtaskId
from weft_engine.kernel.settings import Restart


def test_no_restart() -> None:
    assert make_strategy(Restart()).failed(0.0) is None


def test_fixed_delay_gives_up_after_so_many() -> None:
    strategy = make_strategy(Restart("fixed", attempts=2, delay_s=3.0))
    assert [strategy.failed(float(t)) for t in range(4)] == [3.0, 3.0, None, None]


def test_exponential_delay_grows_to_its_limit_and_begins_anew_after_a_quiet_time() -> None:
    settings = Restart("exponential", attempts=4, delay_s=1.0, max_delay_s=5.0, jitter=0.0)
    strategy = make_strategy(settings)
    assert [strategy.failed(float(t)) for t in range(5)] == [1.0, 2.0, 4.0, 5.0, None]
    strategy = make_strategy(settings)
    assert strategy.failed(0.0) == 1.0
    assert strategy.failed(1.0 + 9.9) == 2.0
    assert strategy.failed(12.9 + 10.1) == 1.0


@given(st.floats(0, 1), st.integers(0, 40))
def test_jitter_stays_within_its_share(chance: float, failures: int) -> None:
    settings = Restart("exponential", attempts=100, delay_s=1.0, max_delay_s=60.0, jitter=0.1)
    strategy = ExponentialDelay(settings, lambda: chance)
    delay = None
    for _ in range(failures + 1):
        delay = strategy.failed(0.0)
    expected = min(2.0**failures, 60.0)
    assert delay == pytest.approx(expected * (1 + 0.1 * (2 * chance - 1)))


def test_failure_rate_forgets_what_is_long_ago() -> None:
    strategy = make_strategy(Restart("failure_rate", attempts=2, delay_s=0.5, interval_s=10.0))
    assert [strategy.failed(t) for t in (0.0, 1.0, 11.5, 12.0, 12.5)] == [0.5, 0.5, 0.5, 0.5, None]


def plan(
    parallelism: int, key_groups: int = 128, kind: str = "op", *, shared: bool = False
) -> PhysicalPlan:
    spec = OperatorSpec("op", kind, "op", shared=shared)
    return PhysicalPlan("job", (Stage(0, "s", (spec,), parallelism),), (), key_groups)


def checkpoint(state: OperatorState) -> Checkpoint:
    return Checkpoint(7, "checkpoint", "job", "", 128, {"op": state})


@given(st.integers(1, 9), st.integers(1, 9))
def test_every_piece_is_dealt_once_and_every_group_reaches_its_owner(old: int, new: int) -> None:
    pieces = tuple(tuple(f"{i}-{n}" for n in range(3)) for i in range(old))
    chains = tuple((Part(f"parts/{i}", 1, "x"),) for i in range(old))
    dealt = deal(checkpoint(OperatorState(old, pieces, chains, finished=(False,) * old)), plan(new))
    got = [piece for i in range(new) for piece in dealt[0, i].pieces.get("op", [])]
    assert sorted(got) == sorted(piece for mine in pieces for piece in mine)
    if old == new:
        assert [tuple(dealt[0, i].pieces["op"]) for i in range(new)] == list(pieces)
    for group in range(128):
        holder, owner = subtask_of(group, old, 128), subtask_of(group, new, 128)
        assert chains[holder] in dealt[0, owner].keyed["op"]


@given(st.integers(1, 5), st.integers(1, 5))
def test_shared_pieces_reach_all_when_the_parallelism_changes(old: int, new: int) -> None:
    pieces = tuple((f"{i}",) for i in range(old))
    state = OperatorState(old, pieces, finished=(False,) * old)
    dealt = deal(checkpoint(state), plan(new, shared=True))
    for index in range(new):
        every = [f"{i}" for i in range(old)]
        assert dealt[0, index].pieces["op"] == ([f"{index}"] if old == new else every)


def test_finished_subtasks_stay_finished_where_that_can_be_told() -> None:
    some = checkpoint(OperatorState(2, ((1,), (2,)), finished=(True, False)))
    assert [deal(some, plan(2))[0, i].finished for i in range(2)] == [True, False]
    assert [deal(some, plan(3))[0, i].finished for i in range(3)] == [False] * 3
    assert [deal(some, plan(2))[0, i].alive for i in range(2)] == [(1,), (1,)]
    every = checkpoint(OperatorState(2, ((1,), (2,)), finished=(True, True)))
    assert all(deal(every, plan(3))[0, i].finished for i in range(3))


def test_a_plan_must_suit_the_checkpoint() -> None:
    keyed = checkpoint(OperatorState(1, (), ((Part("parts/a", 1, "x"),),), kind="op"))
    recovery.check(keyed, plan(5))
    for wrong, code in (
        (plan(1, key_groups=64), "checkpoint.key_groups"),
        (plan(1, kind="other"), "checkpoint.kind_changed"),
        (PhysicalPlan("job", (), ()), "checkpoint.state_lost"),
    ):
        with pytest.raises(FlowError) as caught:
            recovery.check(keyed, wrong)
        assert caught.value.code == code
        assert caught.value.hint
    recovery.check(keyed, PhysicalPlan("job", (), ()), allow_dropped=True)
    recovery.check(checkpoint(OperatorState(1, ((),), ((),))), PhysicalPlan("job", (), ()))


def test_the_newest_whole_checkpoint_is_found() -> None:
    storage, noted = Memory(), []
    for id_ in (1, 2, 3):
        part = storage.write(f"chk-{id_}/a", b"%d" % id_)
        state = OperatorState(1, (), ((part,),))
        storage.commit(Checkpoint(id_, "checkpoint", "job", "", 128, {"op": state}))
    storage.data[next(name for name in storage.data if name.startswith("parts/chk-3"))] = b"x"
    found = recovery.newest(storage, noted=lambda id_, why: noted.append((id_, why)))
    assert found is not None
    assert found.id == 2
    assert [id_ for id_, _ in noted] == [3]
    assert "digest" in noted[0][1]
    assert recovery.newest(storage, above=3, noted=lambda *_: None) is None
    with pytest.raises(ResourceError) as caught:
        recovery.newest(storage, above=2, noted=lambda *_: None)
    assert caught.value.code == "checkpoint.corrupt"


REPORT = FailureReport(
    "op-1", "parse", 3, "ValueError", "no number", sample={"a": 1}, traceback="File x, line 1"
)


def test_a_failure_from_elsewhere_is_rebuilt() -> None:
    cause = ValueError("no number")
    failed = Failed(SubtaskId(0, 3), REPORT)
    with_cause = FailureReport("op-1", "parse", 3, "ValueError", "", pickled=pickle.dumps(cause))
    error = error_of(failed)
    assert isinstance(error, JobFailedError)
    for said in ("'parse'", "op-1", "subtask 3", "{'a': 1}", "ValueError: no number"):
        assert said in str(error)
    assert (error.operator, error.uid, error.subtask, error.sample) == (
        "parse",
        "op-1",
        3,
        {"a": 1},
    )
    assert "line 1" in "".join(error.__notes__)
    assert isinstance(error_of(Failed(SubtaskId(0, 3), with_cause)).__cause__, ValueError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_rubbish_for_an_exception_harms_nobody() -> None:
    report = FailureReport("op-1", "parse", 3, "X", "y", pickled=b"rubbish")
    assert error_of(Failed(SubtaskId(0, 0), report)).__cause__ is None


def test_the_error_itself_is_the_cause_where_it_was_raised_here() -> None:
    error = KeyError("k")
    failed = error_of(Failed(SubtaskId(0, 3), REPORT, error))
    assert failed.__cause__ is error
    assert "'parse'" in failed.message


def test_only_what_says_so_is_not_tried_again() -> None:
    assert is_retryable(KeyError("k"), REPORT)
    assert not is_retryable(KeyError("k"), replace(REPORT, retryable=False))
    assert not is_retryable(KeyError("k"), replace(REPORT, code="checkpoint.storage_full"))
    assert is_retryable(OSError())
    assert not is_retryable(ResourceError("full", code="checkpoint.storage_full"))
    assert not is_retryable(KeyboardInterrupt())
