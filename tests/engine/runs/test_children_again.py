"""Another attempt of a run that called others: what those did is taken over as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.attempts import Engine, effect, opened
from tests.engine.runs.engine.harness import flow_of, seen
from weft_engine.flow.dump import to_data
from weft_engine.flow.model import Flow
from weft_engine.runs.engine.children import child_id


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path) as engine:
        yield engine


def callee(bad: Any = 1, **more: Any) -> dict[str, Any]:
    """An effect, a node that fails on 1, an effect."""
    flow = flow_of(
        {
            "in": ("flow.input", {"name": "n"}),
            "pay": effect("pay"),
            "check": ("e.bad_io", {"value": bad}),
            "send": effect("send"),
            **more,
        },
        ["in.value>pay.item", "pay.out>check.item", "check.out>send.item"],
        inputs={"n": {"type": "Json", "default": 1}},
        outputs=["send"],
    )
    return to_data(flow)


def outer(flow: str = "c") -> dict[str, Any]:
    """A flow that does nothing but call another."""
    return to_data(
        flow_of(
            {"in": ("flow.input", {"name": "n"}), "inner": call(flow)},
            ["in.value>inner.item"],
            inputs={"n": {"type": "Json", "default": 1}},
            outputs=["inner"],
        )
    )


def call(flow: str = "c") -> Any:
    arguments = [{"name": "n", "value": "item"}]
    return ("flow.call", {"flow": flow, "arguments": arguments, "isolated": True})


def calling(value: Any = 1, flow: str = "c") -> Flow:
    """A value, a call, an effect."""
    return flow_of(
        {"v": ("t.value", {"value": value}), "call": call(flow), "last": effect("last")},
        ["v.out>call.item", "call.result>last.item"],
        outputs=["last"],
    )


def looping(numbers: list[float] | None = None) -> Flow:
    """A call for each of some numbers."""
    kind, settings = call()
    return flow_of(
        {
            "n": ("e.numbers", {"numbers": numbers or [3, 1, 2]}),
            "loop": "control.for_each",
            "call": (kind, settings, {"parent": "loop"}),
        },
        ["n.out>loop.items", "loop.item>call.item", "call.result>loop.result"],
        outputs=["loop"],
    )


def again(engine: Engine, flow: Flow, callee: dict[str, Any], **more: Any) -> tuple[Any, Any]:
    """The plan of another attempt with a flow that is called, and what happens."""
    flows = {"c": callee, "outer": outer()}
    name, former = more.pop("run", "two"), more.pop("former", "one")
    request = engine.request(flow, name, forked_from=former, retry=True, flows=flows, **more)
    survey = engine.executor.survey(request)
    result, effects = engine.run(request)
    named = {each.node: each.times for each in survey.effects}
    return (set(survey.taken_over), named), (result, effects)


@pytest.mark.parametrize(
    ("flow", "path"), [("c", "call"), ("outer", "call/inner")], ids=["called", "called by called"]
)
def test_what_was_mended_in_a_called_run_goes_on_there(
    engine: Engine, flow: str, path: str
) -> None:
    flows = {"c": callee(), "outer": outer()}
    failed, effects = engine.run(engine.request(calling(flow=flow), "one", flows=flows))
    assert (failed.state, effects) == ("failed", {"pay": 1})
    (taken, named), (result, effects) = again(engine, calling(flow=flow), callee(bad=0))
    assert {f"{path}/in", f"{path}/pay"} <= taken
    assert named == {}
    assert result.state == "completed", result.failure
    assert effects == {"send": 1, "last": 1}
    assert result.outputs["last"]["out"]["value"] == 1


@pytest.mark.parametrize("identity", ["one", ""], ids=["as it was", "as it is now"])
def test_what_failed_in_a_called_run_keeps_its_key(engine: Engine, identity: str) -> None:
    flow = callee(bad=0, send=effect("send", fail=9))
    assert engine.run(engine.request(calling(), "one", flows={"c": flow}))[0].state == "failed"
    first = seen.calls["send.keys"]
    for run, former in (("two", "one"), ("three", "two")):
        more = {"run": run, "former": former, "identity": identity}
        (_, named), (result, effects) = again(engine, calling(), flow, **more)
        assert (named, result.state, effects) == ({}, "failed", {"send": 1})
        assert seen.calls["send.keys"] == first
    changed = callee(bad=0, send=effect("send", fail=8))
    _, (_, effects) = again(engine, calling(), changed, run="four", former="three")
    assert effects == {"send": 1}
    assert seen.calls["send.keys"] != first


def test_what_is_called_with_something_else_begins_anew(engine: Engine) -> None:
    engine.run(engine.request(calling(), "one", flows={"c": callee()}))
    first = seen.calls["pay.keys"]
    (taken, named), (result, effects) = again(engine, calling(value=2), callee())
    assert (taken, named) == (set(), {"call/pay": 1})
    assert (result.state, effects) == ("completed", {"pay": 1, "send": 1, "last": 1})
    assert set(first).isdisjoint(seen.calls["pay.keys"])


def test_a_change_in_a_called_run_names_what_is_done_again(engine: Engine) -> None:
    engine.run(engine.request(calling(), "one", flows={"c": callee()}))
    first = seen.calls["pay.keys"]
    changed = callee(bad=0, pay=effect("pay", fail=-1))
    (taken, named), (result, effects) = again(engine, calling(), changed)
    assert (taken, named) == ({"v", "call/in"}, {"call/pay": 1})
    assert (result.state, effects) == ("completed", {"pay": 1, "send": 1, "last": 1})
    assert set(first).isdisjoint(seen.calls["pay.keys"])


def test_each_round_goes_on_with_what_it_called(engine: Engine) -> None:
    failed, effects = engine.run(engine.request(looping(), "one", flows={"c": callee()}))
    assert (failed.state, effects) == ("failed", {"pay": 2, "send": 1})
    (_, named), (result, effects) = again(engine, looping(), callee(bad=0))
    # The flow that is called is another one, so what it did behind its change is done again.
    assert named == {"loop/call/send": 1}
    assert result.state == "completed", result.failure
    assert effects == {"pay": 1, "send": 3}


def test_rounds_of_other_records_begin_anew(engine: Engine) -> None:
    engine.run(engine.request(looping(), "one", flows={"c": callee()}))
    (_, named), (result, effects) = again(engine, looping([3, 2]), callee())
    assert named == {"loop/call/pay": 2, "loop/call/send": 1}
    assert (result.state, effects) == ("completed", {"pay": 2, "send": 2})


def test_what_a_called_run_did_is_gone_with_it(engine: Engine) -> None:
    engine.run(engine.request(calling(), "one", flows={"c": callee()}))
    assert engine.executor.store is not None
    engine.executor.store.forget([child_id("one", "call", "call:0")])
    _, (result, effects) = again(engine, calling(), callee(bad=0))
    assert (result.state, effects) == ("completed", {"pay": 1, "send": 1, "last": 1})
