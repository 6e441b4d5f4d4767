"""Wait, signals, approvals, failing, and what follows a failure."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.library.control.approval import Approval, Decided
from weft_engine.library.control.failing import Fail, Handling, OnError
from weft_engine.library.control.variables import GetVariable, SetVariable
from weft_engine.library.control.waiting import Heard, Wait, WaitForSignal
from weft_engine.nodes.node_type import SKIP
from weft_engine.nodes.region import Signal, Wake
from weft_engine.runs.context import Context, Place, RunScope
from weft_engine.runs.files import LocalFiles

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ITEM = {"order": 7, "due": "2030-01-01T02:00:00"}


class Frozen(Context):
    """A node's view of a run that stands still."""

    def now(self) -> datetime:
        return NOW


def ctx(**place: Any) -> Frozen:
    scope = RunScope(
        run_id="run_1",
        files=LocalFiles(Path(), confined=True),
        cancel=threading.Event(),
        log=lambda *line: None,
        progress=lambda *done: None,
        inputs={"city": "Cork"},
        variables={"limit": 3},
    )
    return Frozen(scope, "n", Place("n", **place))


def in_seconds(seconds: float) -> float:
    return (NOW + timedelta(seconds=seconds)).timestamp()


class TestWait:
    @pytest.mark.parametrize(
        ("settings", "due"),
        [
            pytest.param({"seconds": 90}, in_seconds(90), id="seconds"),
            pytest.param({"until": "item.due"}, in_seconds(7200), id="without a zone it is UTC"),
            pytest.param({"until": '"2030-01-01T02:00:00+01:00"'}, in_seconds(3600), id="zone"),
            pytest.param({"until": str(in_seconds(5))}, in_seconds(5), id="seconds since 1970"),
            pytest.param({"seconds": 0}, None, id="no time"),
            pytest.param({"until": '"2029-12-31"'}, None, id="past"),
        ],
    )
    def test_until_when(self, settings: Any, due: float | None) -> None:
        wake = Wait(**settings).park(ITEM, ctx())

        assert wake == (Wake("timer", due=due) if due is not None else None)

    @pytest.mark.parametrize(
        ("until", "code"),
        [
            ("true", "control.bad_time"),
            ("null", "control.bad_time"),
            ('"2090-01-01"', "control.bad_time"),
            ('"soon"', "date.malformed"),
        ],
    )
    def test_what_is_no_time(self, until: str, code: str) -> None:
        with pytest.raises(WeftError) as caught:
            Wait(until=until).park(ITEM, ctx())
        assert caught.value.code == code

    @pytest.mark.parametrize("settings", [{}, {"seconds": 1, "until": "item.due"}])
    def test_one_of_the_two_settings(self, settings: Any) -> None:
        with pytest.raises(ValueError, match="either seconds or until"):
            Wait(**settings)

    def test_it_gives_what_came_in(self) -> None:
        assert Wait(seconds=1).process(ITEM, ctx()) is ITEM


class TestSignal:
    def test_what_it_waits_for(self) -> None:
        node = WaitForSignal(name="paid-{{ item.order }}", timeout_s=60)

        assert node.park(ITEM, ctx()) == Wake("signal", due=in_seconds(60), signal="paid-7")

    def test_what_came_with_it(self) -> None:
        heard = WaitForSignal(name="x").process(ITEM, ctx(signal=Signal("x", {"sum": 3})))

        assert heard == Heard({"sum": 3}, SKIP)

    def test_the_time_is_over(self) -> None:
        assert WaitForSignal(name="x").process(ITEM, ctx()) == Heard(SKIP, ITEM)


class TestApproval:
    def test_what_is_asked(self) -> None:
        node = Approval(message="Pay {{ item.order }}?", who=("ada",), show="item.order")

        assert node.park(ITEM, ctx()) == Wake(
            "approval", message="Pay 7?", data={"item": 7, "who": ["ada"]}
        )

    @pytest.mark.parametrize(
        ("payload", "approved"),
        [
            ({"approved": True, "comment": "ok"}, True),
            ({"approved": False, "comment": "ok"}, False),
            ({"approved": "yes", "comment": "ok"}, False),
        ],
    )
    def test_the_answer(self, payload: Any, approved: bool) -> None:
        decided = Approval().process(ITEM, ctx(signal=Signal("n@", payload, by="ada")))

        decision = {"approved": approved, "by": "ada", "comment": "ok"}
        ways = (ITEM, SKIP) if approved else (SKIP, ITEM)
        assert decided == Decided(*ways, SKIP, decision)

    @pytest.mark.parametrize("payload", [None, "yes", [True]])
    def test_an_answer_that_says_nothing_is_no_approval(self, payload: Any) -> None:
        decided = Approval().process(ITEM, ctx(signal=Signal("n@", payload)))

        assert decided.rejected == ITEM
        assert decided.decision == {"approved": False, "by": None, "comment": ""}

    def test_nobody_answered(self) -> None:
        assert Approval(timeout_s=5).process(ITEM, ctx()) == Decided(SKIP, SKIP, ITEM, SKIP)


class TestFailing:
    def test_it_fails_with_what_it_is_told_to_say(self) -> None:
        with pytest.raises(WeftError) as caught:
            Fail(message="No {{ item.order }}", name="no_order").process(ITEM, ctx())

        assert caught.value.code == "control.failed"
        assert caught.value.message == "No 7"
        assert caught.value.params == {"name": "no_order"}

    def test_the_handler_is_given_the_failure_and_the_run(self) -> None:
        failure = {"code": "control.failed", "message": "No 7"}

        handling = OnError().process(ctx(failure=failure))

        assert handling == Handling(failure, {"id": "run_1", "inputs": {"city": "Cork"}})

    def test_without_a_failure_nothing_is_handled(self) -> None:
        assert OnError().process(ctx()) == Handling(SKIP, SKIP)


class TestVariables:
    def test_setting(self) -> None:
        place = Place("n", settable=True)
        context = Context(ctx()._scope, "n", place)

        assert SetVariable(name="n", value="item.order + vars.limit").process(ITEM, context) is ITEM
        assert place.set == {"n": 10}

    def test_for_one_record_of_a_stream_it_is_an_error(self) -> None:
        with pytest.raises(WeftError, match="cannot be set for one record"):
            SetVariable(name="n").process(ITEM, ctx())

    @pytest.mark.parametrize(
        ("name", "default", "value"), [("limit", None, 3), ("limit", 9, 3), ("other", 9, 9)]
    )
    def test_getting(self, name: str, default: Any, value: Any) -> None:
        assert GetVariable(name=name, default=default).process(ctx=ctx()) == value

    def test_null_is_a_value(self) -> None:
        assert GetVariable(name="n").process(ctx=ctx(variables={"n": None})) is None

    def test_an_unknown_one_is_named_with_the_nearest(self) -> None:
        with pytest.raises(WeftError) as caught:
            GetVariable(name="limt").process(ctx=ctx())

        assert caught.value.code == "vars.unknown"
        assert "limit" in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.city", "Cork"),
        ("flow.inputs.city", "Cork"),
        ("run.id", "run_1"),
        ("vars.limit", 3),
        ("index", 4),
        ("nodes.fetch.status", 200),
        ('nodes["two-words"]', "x"),
    ],
)
def test_the_names_that_expressions_know(expression: str, value: Any) -> None:
    context = Context(
        ctx()._scope,
        "n",
        place := Place(
            "n",
            index=4,
            earlier=lambda: {"fetch": {"status": 200}, "two-words": "x"},
            settable=True,
        ),
    )
    SetVariable(name="n", value=expression).process(None, context)

    assert place.set == {"n": value}
