"""Parallel, race, and calling flows."""

from typing import Any

import pytest

from tests.engine.library.control.stage import FAILURE, on_stage
from weft_engine.library.control.sub_flow import Argument, CallFlow
from weft_engine.library.control.together import Parallel, Race
from weft_engine.nodes.node_type import SKIP

CALL = CallFlow(flow="child", arguments=(Argument(name="order", value="item.id"),))


@pytest.mark.parametrize(
    ("exits", "results"),
    [
        pytest.param({"result": [1, 2]}, [1, 2], id="all branches"),
        pytest.param({"result": SKIP}, [], id="all skipped"),
        pytest.param({}, [], id="nothing wired"),
    ],
)
def test_parallel_waits_for_all(exits: dict[str, Any], results: list[Any]) -> None:
    stage = on_stage(Parallel(), item="x")
    assert stage.under_way == {"body:0": {"item": "x"}}

    assert stage.end("0", **exits).result == {"results": results}


@pytest.mark.parametrize(
    ("exits", "result"),
    [
        pytest.param({"result": ["fast"]}, "fast", id="the first"),
        pytest.param({"result": [None]}, None, id="null is a result"),
        pytest.param({"result": SKIP}, SKIP, id="all skipped"),
    ],
)
def test_a_race_takes_the_first(exits: dict[str, Any], result: Any) -> None:
    stage = on_stage(Race(), item="x")
    assert stage.raced == ["0"]

    assert stage.end("0", **exits).result == {"result": result}


@pytest.mark.parametrize(
    ("exits", "result"),
    [
        pytest.param({"answer": 1}, 1, id="one output"),
        pytest.param({"answer": SKIP}, SKIP, id="one output, skipped"),
        pytest.param({"a": 1, "b": SKIP, "c": [2]}, {"a": 1, "c": [2]}, id="several"),
    ],
)
def test_a_called_flow_gives_its_outputs(exits: dict[str, Any], result: Any) -> None:
    stage = on_stage(CALL, item={"id": 7})
    assert stage.under_way == {"body:0": {"order": 7}}

    assert stage.end("0", **exits).result == {"result": result}


@pytest.mark.parametrize("node", [Parallel(), Race(), CALL], ids=["parallel", "race", "call"])
class TestAll:
    @pytest.mark.parametrize(
        ("state", "failure"), [("failed", FAILURE), ("cancelled", {"state": "cancelled"})]
    )
    def test_a_failure_inside_fails_it(self, node: Any, state: str, failure: Any) -> None:
        stage = on_stage(node, item={"id": 1}).end("0", state)

        assert stage.failure == failure

    def test_skipped(self, node: Any) -> None:
        stage = on_stage(node, item=SKIP)

        assert stage.begun == []
        assert stage.result is not None
        assert set(stage.result.values()) == {SKIP}


def test_two_arguments_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two arguments are called a"):
        CallFlow(flow="f", arguments=(Argument(name="a", value="1"), Argument(name="a", value="2")))
