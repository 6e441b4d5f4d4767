"""Failures as plain data."""

import pickle
import threading
from typing import Any

import pytest

from weft_engine.errors import FlowError, NodeError
from weft_engine.kernel.operators.base import RecordError
from weft_engine.kernel.physical import OperatorSpec, Stage
from weft_engine.kernel.runtime.failure_report import Broken, make_report, unwrapped
from weft_engine.kernel.runtime.failures import NO_RECORD, OperatorFailure

STAGE = Stage(
    0,
    "stage",
    (OperatorSpec("a", "map", "first"), OperatorSpec("b", "map", "second", owner="node/1")),
    1,
)


def raised(exc: BaseException, cause: BaseException | None = None) -> Any:
    """An exception with a traceback."""
    with pytest.raises(type(exc)) as info:
        raise exc from cause
    return info.value


def test_the_operator_is_the_one_that_broke_or_that_says_so() -> None:
    error = raised(ValueError("bad"))
    assert make_report(Broken(1, error), STAGE, 3).uid == "b"
    named = make_report(Broken(0, OperatorFailure("b", error, {"x": 1})), STAGE, 3)
    assert (named.uid, named.operator, named.owner, named.subtask) == ("b", "second", "node/1", 3)
    assert (named.type, named.message, named.code) == ("ValueError", "bad", "node.crashed")
    assert named.sample == {"x": 1}
    assert "raise exc from cause" in named.traceback
    assert repr(pickle.loads(named.pickled)) == "ValueError('bad')"
    assert make_report(error, STAGE, 0).sample is None


def test_the_record_and_the_cause_are_found_behind_wrappers() -> None:
    error = raised(ValueError("bad"))
    wrapped = raised(RecordError([1]), error)
    assert unwrapped(Broken(0, OperatorFailure("a", wrapped))) == (error, [1], "a")
    assert unwrapped(error) == (error, NO_RECORD, None)


def test_errors_with_a_code_keep_it() -> None:
    report = make_report(NodeError("no", code="node.failed", hint="try"), STAGE, 0)
    assert (report.code, report.hint, report.retryable) == ("node.failed", "try", True)
    assert not make_report(FlowError("change it"), STAGE, 0).retryable


def test_keys_that_cannot_be_hashed_come_with_advice() -> None:
    error = raised(TypeError("unhashable type: 'list'"))
    make_report(error, STAGE, 0)
    report = make_report(Broken(0, error), STAGE, 0)
    assert "tuple(...)" in report.hint
    assert report.traceback.count(f"Hint: {report.hint}") == 1
    assert make_report(TypeError("no"), STAGE, 0).hint == ""


class Unpicklable(Exception):  # noqa: N818
    def __init__(self, lock: Any) -> None:
        super().__init__("locked")
        self.lock = lock


class Picky(Exception):  # noqa: N818
    """Comes out of a pickle as something else."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Rude(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError


class Shy:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("error", [Unpicklable(threading.Lock()), Picky(1, 2)])
def test_an_exception_that_does_not_survive_a_pickle_is_described_only(error: Exception) -> None:
    report = make_report(error, STAGE, 0)
    assert report.pickled == b""
    assert report.message == str(error)


def test_rude_exceptions_and_records_are_reported_too() -> None:
    report = make_report(Broken(0, OperatorFailure("a", Rude(), Shy())), STAGE, 0)
    assert report.sample == "<Shy>"
    assert report.type.endswith("Rude")


def test_reports_stay_small_and_without_secrets() -> None:
    record = {"password": "secret-1", "text": "x" * 10**6, "what": object()}
    report = make_report(Broken(0, OperatorFailure("a", ValueError("y" * 10**6), record)), STAGE, 0)
    assert len(pickle.dumps(report)) < 100_000
    assert report.sample["password"] == "•••"
    assert report.sample["text"] == "x" * 499 + "…"
