"""Called flows that are runs of their own."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import Ran, execute, flow_of, seen, signal
from weft_engine.flow.model import Flow
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RunEvent

CHILD = child_id("run_test", "call", "call:0")


def called(kind: str, **settings: Any) -> dict[str, Any]:
    """A flow that works on its input `n`, and gives what came of it and how much it was."""
    return flow_of(
        {"in": ("flow.input", {"name": "n"}), "x": (kind, settings), "many": "t.count"},
        ["in.value>x.item", f"x.{'received' if 'signal' in kind else 'out'}>many.rows"],
        inputs={"n": {"type": "Json", "default": 5}},
        outputs=["x", "many"],
    ).model_dump(mode="json")


def calling(value: Any = 2, *, isolated: bool = True, **more: Any) -> Flow:
    arguments = [{"name": "n", "value": "item"}]
    call = ("flow.call", {"flow": "c", "arguments": arguments, "isolated": isolated}, more)
    return flow_of(
        {"v": ("t.value", {"value": value}), "call": call, "after": "e.io"},
        ["v.out>call.item", "call.result>after.item"],
        outputs=["after"],
    )


def result(ran: Ran) -> Any:
    return ran.gave("after")


@pytest.mark.parametrize("isolated", [True, False])
def test_it_gives_the_same_as_a_part_of_the_run(isolated: bool, tmp_path: Path) -> None:
    ran = execute(calling(isolated=isolated), tmp_path, flows={"c": called("e.times", by=10)})
    assert ran.result.failure is None
    assert result(ran) == {"x": 20, "many": [1]}
    assert ran.states()["call/x"] == "completed"
    (event,) = ran.of("node_completed", "call/x")
    assert event.data["scope"] == "call:0"
    assert event.data.get("child_run") == (CHILD if isolated else None)


def test_its_nodes_see_a_run_of_its_own(tmp_path: Path) -> None:
    callee = called("text.template", template="{{ run.id }}")
    callee["edges"][0]["target_port"], callee["edges"][1]["source_port"] = "item", "text"
    ran = execute(calling(), tmp_path, flows={"c": callee})
    assert result(ran)["x"] == CHILD
    assert [event.data["child_run"] for event in ran.of("node_progress", "call")] == [CHILD]


@pytest.mark.parametrize("policy", ["fail", "skip", "route"])
def test_it_fails_as_the_node_that_calls_it(policy: str, tmp_path: Path) -> None:
    ran = execute(calling(on_error=policy), tmp_path, flows={"c": called("e.bad")})
    assert ran.states()["call/x"] == "failed"
    if policy != "fail":
        assert ran.state == "completed"
        return
    assert ran.state == "failed"
    failure = ran.result.failure
    assert failure is not None
    assert (failure["node"], failure["scope"]) == ("call/x", "call:0")
    assert failure["message"] == "2 is bad"


def test_cancel_goes_through(tmp_path: Path) -> None:
    seen.calls.clear()
    control = RunControl()

    def heard(event: RunEvent) -> None:
        if event.type == "node_started" and event.node == "call/x":
            control.cancel()

    ran = execute(calling(), tmp_path, flows={"c": called("e.hang")}, control=control, heard=heard)
    assert ran.state == "cancelled"
    assert seen.calls["hang.stopped"] == [""]
    assert ran.states()["call"] == ran.states()["call/x"] == "cancelled"


@pytest.mark.parametrize("name", ["go", "call/x@call:0"])
def test_a_signal_reaches_what_waits_in_it(name: str, tmp_path: Path) -> None:
    control = RunControl()

    def heard(event: RunEvent) -> None:
        if event.type == "node_waiting":
            control.send(signal(name, 7))

    ran = execute(
        calling(),
        tmp_path,
        flows={"c": called("control.signal", name="go")},
        control=control,
        heard=heard,
    )
    assert ran.result.failure is None
    assert result(ran)["x"] == {"received": 7}


def test_a_signal_that_came_before_it_waited_counts(tmp_path: Path) -> None:
    control = RunControl()
    control.send(signal("go", 7))
    ran = execute(
        calling(), tmp_path, flows={"c": called("control.signal", name="go")}, control=control
    )
    assert result(ran)["x"] == {"received": 7}


def test_many_at_a_time_in_a_loop_and_one_in_the_other(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "n": "e.numbers",
            "loop": ("control.for_each", {"concurrency": 2}),
            "call": (
                "flow.call",
                {"flow": "outer", "arguments": [{"name": "n", "value": "item"}], "isolated": True},
                {"parent": "loop"},
            ),
        },
        ["n.out>loop.items", "loop.item>call.item", "call.result>loop.result"],
        outputs=["loop"],
    )
    outer = calling()
    plain = outer.model_dump(mode="json")
    plain["inputs"] = {"n": {"type": "Json", "default": 1}}
    plain["nodes"]["v"] = {"type": "flow.input", "settings": {"name": "n"}}
    edge = next(edge for edge in plain["edges"] if edge["source"] == "v")
    edge["source_port"] = "value"
    flows = {"outer": plain, "c": called("e.times", by=10)}
    ran = execute(flow, tmp_path, flows=flows)
    assert ran.result.failure is None
    assert ran.gave("loop", "results") == [{"x": 10 * n, "many": [1]} for n in (1, 2, 3)]
    runs = {event.data["child_run"] for event in ran.of("node_completed", "loop/call/call/x")}
    assert len(runs) == 3
