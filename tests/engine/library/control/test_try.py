"""Try, catch and finally."""

from typing import Any

import pytest

from tests.engine.library.control.stage import FAILURE, Stage, on_stage
from weft_engine.library.control.attempt import Try
from weft_engine.nodes.node_type import SKIP

OTHER = {"code": "node.crashed", "message": "again", "node": "mend"}


def test_success_goes_past_the_catch() -> None:
    stage = on_stage(Try(), item=1)
    assert stage.under_way == {"body:0": {"item": 1}}
    stage.end("0", result="good")
    assert stage.under_way == {
        "finally:0": {"outcome": {"state": "completed", "caught": False, "failure": None}}
    }
    stage.end("finally:0")

    assert stage.result == {"result": "good", "failed": SKIP}


def test_a_failure_is_caught_and_told() -> None:
    stage = on_stage(Try(), item=1).end("0", "failed")
    assert stage.under_way == {"catch:0": {"error": FAILURE}}
    stage.end("catch:0", caught="mended")
    assert stage.under_way == {
        "finally:0": {"outcome": {"state": "failed", "caught": True, "failure": FAILURE}}
    }
    stage.end("finally:0")

    assert stage.result == {"result": "mended", "failed": FAILURE}
    assert stage.said == ["warning: Caught: it broke"]


def failing_catch() -> Stage:
    return on_stage(Try(), item=1).end("0", "failed").end("catch:0", "failed", failure=OTHER)


@pytest.mark.parametrize(
    ("stage", "failure"),
    [
        pytest.param(failing_catch().end("finally:0"), OTHER, id="in the catch"),
        pytest.param(
            on_stage(Try(), item=1).end("0").end("finally:0", "failed"), FAILURE, id="at last"
        ),
        pytest.param(
            failing_catch().end("finally:0", "failed"), FAILURE, id="at last, after the catch"
        ),
        pytest.param(
            on_stage(Try(fail_again=True), item=1)
            .end("0", "failed")
            .end("catch:0", caught=1)
            .end("finally:0"),
            FAILURE,
            id="again",
        ),
    ],
)
def test_failures_that_are_of_the_whole(stage: Stage, failure: Any) -> None:
    assert "finally:0" in stage.begun
    assert stage.failure == failure


def test_what_is_done_at_last_is_told_of_a_failed_catch() -> None:
    outcome = failing_catch().under_way["finally:0"]["outcome"]

    assert outcome == {"state": "failed", "caught": False, "failure": OTHER}


@pytest.mark.parametrize("where", ["body", "catch"])
def test_when_cancelled_the_last_is_still_done(where: str) -> None:
    stage = on_stage(Try(), item=1)
    if where == "catch":
        stage.end("0", "failed")
    stage.end(f"{where}:0", "cancelled")
    assert stage.under_way["finally:0"]["outcome"]["state"] == "cancelled"
    stage.end("finally:0")

    assert stage.failure == {"state": "cancelled"}
    assert ("catch:0" in stage.begun) == (where == "catch")
    assert Try.info.inside is not None
    assert Try.info.inside.always == ("finally",)


def test_variables_of_a_failed_body_are_not_kept() -> None:
    stage = on_stage(Try(), item=1).end("0", "failed", variables={"a": 1})
    stage.end("catch:0", variables={"b": 2}).end("finally:0", variables={"c": 3})

    assert stage.kept == {"b": 2, "c": 3}


def test_skipped() -> None:
    assert on_stage(Try(), item=SKIP).result == {"result": SKIP, "failed": SKIP}
