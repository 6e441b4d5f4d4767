"""Breakpoints, steps, pauses and other values in flows that are called as runs of their own."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.debugged import (
    CALLEE,
    GO,
    Debugged,
    Say,
    after,
    before,
    debug,
    edit,
    step,
)
from tests.engine.runs.engine.harness import execute, flow_of, seen
from weft_engine.flow.model import Flow
from weft_engine.runs.debug import Breakpoint, Command


def call(flow: str, *, isolated: bool = True, **more: Any) -> Any:
    settings = {"flow": flow, "arguments": [{"name": "n", "value": "item"}], "isolated": isolated}
    return ("flow.call", settings, more)


def callee(inner: Any) -> dict[str, Any]:
    """A flow that gives on what a node, or another flow, makes of its input."""
    port = "out" if isinstance(inner, str) else "result"
    return flow_of(
        {"in": ("flow.input", {"name": "n"}), "a": "e.io", "inner": inner, "b": "e.io"},
        ["in.value>a.item", "a.out>inner.item", f"inner.{port}>b.item"],
        inputs={"n": {"type": "Number"}},
        outputs=["b"],
    ).model_dump(mode="json")


def calls(*, isolated: bool) -> Flow:
    return flow_of(
        {"v": ("t.value", {"value": 3}), "call": call("c", isolated=isolated), "z": "e.io"},
        ["v.out>call.item", "call.result>z.item"],
        outputs=["z"],
    )


def deep(*, isolated: bool) -> tuple[Flow, dict[str, Any]]:
    """A call in a call, in a loop."""
    flow = flow_of(
        {
            "n": ("e.numbers", {"numbers": [1, 2]}),
            "loop": ("control.for_each", {"concurrency": 1}),
            "call": call("outer", isolated=isolated, parent="loop"),
            "z": "e.io",
        },
        ["n.out>loop.items", "loop.item>call.item", "call.result>loop.result",
         "loop.results>z.item"],
        outputs=["z"],
    )  # fmt: skip
    return flow, {"outer": callee(call("c", isolated=isolated)), "c": CALLEE}


SIMPLE: list[tuple[str, Breakpoint, list[Say]]] = [
    ("before", before("call/x"), []),
    ("after", after("call/x"), []),
    ("a condition with a port", before("call/x", "item == 3"), []),
    ("a condition that does not hold", before("call/x", "item == 4"), []),
    ("the second hit", before("call/x", hits=2), []),
    ("into", before("call"), [step("into"), step("over"), step("over")]),
    ("over", before("call"), [step("over"), step("over")]),
    ("out", before("call/in"), [step("out")]),
    ("over, out of its end", before("call/x"), [step("over")]),
    ("into, at a place", before("call/in"), [step("into", "call/in@call:0")]),
    ("another value", before("call/x"), [[edit("call/x@call:0", "item", 7), GO]]),
    ("another result", after("call/x"), [[edit("call/x@call:0", "out", 7), GO]]),
]


@pytest.mark.parametrize(("name", "point", "say"), SIMPLE, ids=[name for name, *_ in SIMPLE])
def test_it_stops_where_a_part_of_the_run_would(
    name: str, point: Breakpoint, say: list[Say], tmp_path: Path
) -> None:
    found = [
        debug(calls(isolated=isolated), tmp_path, point, say=say, flows={"c": CALLEE})
        for isolated in (True, False)
    ]
    own, part = found
    assert own.hits == part.hits
    assert own.ran.outputs == part.ran.outputs
    assert own.refused == []
    assert [event.data["reason"] for event in own.told] == [
        event.data["reason"] for event in part.told
    ]
    assert [own.values(at) for at in range(len(own.told))] == [
        part.values(at) for at in range(len(part.told))
    ]
    assert own.pauses == part.pauses
    assert own.stands == {}


DEEP: list[tuple[str, Breakpoint, list[str]]] = [
    ("over and over", before("loop/call"), ["over"] * 12),
    ("into and into", before("loop/call"), ["into"] * 30),
    ("from the inside over", before("loop/call/inner/x", "item == 1"), ["over"] * 12),
    ("from the inside out", before("loop/call/inner/x", "item == 1"), ["out"] * 12),
    ("from the middle into", after("loop/call/a", "out == 1"), ["into"] * 12),
]


@pytest.mark.parametrize(("name", "point", "steps"), DEEP, ids=[name for name, *_ in DEEP])
def test_steps_through_calls_in_calls(
    name: str, point: Breakpoint, steps: list[str], tmp_path: Path
) -> None:
    hits = []
    for isolated in (True, False):
        flow, flows = deep(isolated=isolated)
        say = [step(kind) for kind in steps]
        found = debug(flow, tmp_path, point, say=say, flows=flows)
        assert found.ran.gave("z", "out") == [10, 20]
        hits.append(found.hits)
    assert hits[0] == hits[1]


def test_a_pause_holds_what_happens_in_calls(tmp_path: Path) -> None:
    """Of two calls side by side one stops: the other one stands still, too, until both go on."""
    flow = flow_of(
        {
            "v": ("t.value", {"value": 3}),
            "one": call("c"),
            "other": call("slow"),
            "all": ("control.merge", {"mode": "all"}),
        },
        ["v.out>one.item", "v.out>other.item", "one.result>all.inputs", "other.result>all.inputs"],
        outputs=["all"],
    )
    slow = callee("e.io")
    stood: list[set[str]] = []

    def say(found: Debugged) -> Command:
        stood.append(set(found.stands))
        return GO

    found = debug(
        flow,
        tmp_path,
        before("one/x"),
        before("other/b"),
        say=say,
        flows={"c": CALLEE, "slow": slow},
    )
    assert set.union(*stood) == {"one/x@one:0", "other/b@other:0"}
    assert found.ran.gave("all") == [30, 3]
    assert found.ran.state == "completed"


def test_it_is_paused_from_the_beginning_and_goes_on_step_by_step(tmp_path: Path) -> None:
    begin = [Command(kind="pause")]
    say = [step("into")] * 12
    found = debug(calls(isolated=True), tmp_path, say=say, begin=begin, flows={"c": CALLEE})
    assert found.hits == [
        "before v@", "before call@", "before call/in@call:0", "before call/x@call:0", "before z@",
    ]  # fmt: skip
    assert found.pauses == ["asked", *["step"] * 5]


def test_breakpoints_that_are_set_while_it_is_under_way_reach_into_it(tmp_path: Path) -> None:
    points = [before("call/x"), before("z")]
    say: list[Say] = [[Command(kind="breakpoints", breakpoints=points), GO]]
    found = debug(calls(isolated=True), tmp_path, before("call/in"), say=say, flows={"c": CALLEE})
    assert found.hits == ["before call/in@call:0", "before call/x@call:0", "before z@"]
    assert found.ran.gave("z") == 30


def test_one_that_it_cannot_have_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    points = [before("call/x", "itme > 1"), before("call/nowhere"), before("nowhere/x")]
    found = debug(calls(isolated=True), tmp_path, *points, flows={"c": CALLEE})
    assert found.hits == []
    assert found.ran.gave("z") == 30
    said = [(event.node, event.data["message"]) for event in found.ran.of("log")]
    assert [node for node, _ in said] == ["nowhere/x", "call", "call/nowhere"]
    assert "itme" in said[1][1]


def test_what_it_cannot_hold_is_refused(tmp_path: Path) -> None:
    say: list[Say] = [
        [edit("call/x@call:0", "item", "a text"), edit("call/x@call:1", "item", 1), GO]
    ]
    found = debug(calls(isolated=True), tmp_path, before("call/x"), say=say, flows={"c": CALLEE})
    assert [error.code for error in found.refused] == ["run.bad_value", "run.not_stopped"]
    assert found.ran.gave("z") == 30


def test_cancelling_lets_go_of_what_stands_in_it(tmp_path: Path) -> None:
    def say(found: Debugged) -> None:
        found.control.cancel()

    found = debug(calls(isolated=True), tmp_path, before("call/x"), say=say, flows={"c": CALLEE})
    assert found.ran.state == "cancelled"
    assert found.ran.states()["call"] == "cancelled"


def test_together_they_do_no_more_at_a_time_than_the_run_may(tmp_path: Path) -> None:
    """Nine calls of calls at a time, and three nodes at a time in all of them."""
    flow = flow_of(
        {
            "n": ("e.numbers", {"numbers": list(range(9))}),
            "loop": ("control.for_each", {"concurrency": 9}),
            "call": call("outer", parent="loop"),
        },
        ["n.out>loop.items", "loop.item>call.item", "call.result>loop.result"],
        outputs=["loop"],
    )
    busy = callee("e.busy")
    seen.calls.clear()
    flows = {"outer": callee(call("c")), "c": busy}
    ran = execute(flow, tmp_path, flows=flows, parallelism=3)
    assert ran.result.failure is None
    assert ran.gave("loop", "results") == list(range(9))
    assert max(seen.calls["busy"]) == 3
