"""While and Repeat."""

from typing import Any

import pytest

from tests.engine.library.control.stage import FAILURE, on_stage
from weft_engine.library.control.loops import Repeat, While
from weft_engine.nodes.node_type import SKIP


def loop(**settings: Any) -> While:
    return While(**{"condition": "item < 3", "max_iterations": 10, **settings})


class TestWhile:
    @pytest.mark.parametrize(
        ("mode", "condition", "first", "rounds", "state"),
        [
            pytest.param("while", "item < 3", 0, 3, 3, id="while: until it no longer holds"),
            pytest.param("while", "item < 3", 3, 0, 3, id="while: maybe not once"),
            pytest.param("until", "item >= 3", 0, 3, 3, id="until: until it holds"),
            pytest.param("until", "item >= 3", 7, 1, 8, id="until: at least once"),
            pytest.param("while", "index < 2", 0, 2, 2, id="counting rounds"),
        ],
    )
    def test_it_goes_round(
        self, mode: Any, condition: str, first: int, rounds: int, state: int
    ) -> None:
        stage = on_stage(loop(mode=mode, condition=condition), initial=first)
        for number in range(rounds):
            assert stage.under_way == {f"body:{number}": {"state": first + number, "index": number}}
            stage.end(str(number), next=first + number + 1)

        assert stage.result == {"state": state, "iterations": rounds}

    def test_nothing_at_next_ends_it(self) -> None:
        stage = on_stage(loop(), initial=0).end("0", next=1).end("1", next=SKIP)

        assert stage.result == {"state": 1, "iterations": 2}

    def test_the_limit_fails(self) -> None:
        stage = on_stage(loop(max_iterations=2), initial=0).end("0", next=0).end("1", next=0)

        assert stage.failure is not None
        assert stage.failure["code"] == "control.limit_reached"
        assert "next" in stage.failure["hint"]

    def test_the_limit_may_give_what_there_is(self) -> None:
        stage = on_stage(loop(max_iterations=2, on_limit="finish"), initial=0)
        stage.end("0", next=1).end("1", next=2)

        assert stage.result == {"state": 2, "iterations": 2}
        assert stage.said == ["warning: The loop went round 2 times and was not done."]

    def test_being_done_at_the_limit_is_no_failure(self) -> None:
        stage = on_stage(loop(max_iterations=1), initial=2).end("0", next=3)

        assert stage.result == {"state": 3, "iterations": 1}

    @pytest.mark.parametrize(
        ("state", "failure"), [("failed", FAILURE), ("cancelled", {"state": "cancelled"})]
    )
    def test_a_failure_inside_is_one_of_the_loop(self, state: str, failure: Any) -> None:
        assert on_stage(loop(), initial=0).end("0", state).failure == failure

    def test_variables_hold_on(self) -> None:
        stage = on_stage(loop(condition='get(vars, "n", 0) < 2'), initial="x")
        stage.end("0", next="x", variables={"n": 1}).end("1", next="x", variables={"n": 2})

        assert stage.result == {"state": "x", "iterations": 2}
        assert stage.kept == {"n": 2}

    def test_a_condition_that_cannot_be_decided_fails(self) -> None:
        stage = on_stage(loop(condition="item.page < 3"), initial={"pgae": 1})

        assert stage.failure is not None
        assert stage.failure["code"] == "expression.missing_field"

    def test_a_skipped_state_skips_it(self) -> None:
        assert on_stage(loop(), initial=SKIP).result == {"state": SKIP, "iterations": SKIP}


class TestRepeat:
    def test_it_hands_the_state_on_and_gives_results(self) -> None:
        stage = on_stage(Repeat(times="2"), initial="a")
        stage.end("0", next="b", result=1)
        assert stage.under_way == {"body:1": {"state": "b", "index": 1}}
        stage.end("1", result=SKIP)

        assert stage.result == {"state": "b"}
        assert stage.results == [1]
        assert stage.told == [(0, 2, 0), (1, 2, 0), (2, 2, 0)]

    @pytest.mark.parametrize(
        ("times", "rounds"), [("0", 0), ("len(item)", 3), ("item[0]", 1), ("2.0", 2)]
    )
    def test_how_often(self, times: str, rounds: int) -> None:
        assert Repeat(times=times).count([1, 2, 3], {}) == rounds

    @pytest.mark.parametrize("times", ["-1", "1.5", "true", '"3"', "null", "1000001", "1e300"])
    def test_what_is_no_number_of_times(self, times: str) -> None:
        stage = on_stage(Repeat(times=times), initial=None)

        assert stage.failure is not None
        assert stage.failure["code"] == "control.bad_count"

    def test_a_failure_ends_it(self) -> None:
        stage = on_stage(Repeat(), initial=None).end("0").end("1", "failed")

        assert stage.failure == FAILURE
        assert stage.begun == ["body:0", "body:1"]

    def test_skipped(self) -> None:
        assert on_stage(Repeat(), initial=SKIP).result == {"state": SKIP, "results": SKIP}
