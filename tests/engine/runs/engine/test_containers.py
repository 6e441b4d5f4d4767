"""Containers in runs: loops, try, race, calls; nested, failing, cancelled."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import execute, flow_of, seen
from weft_engine.flow.model import Flow


def inside(parent: str, kind: str, **settings: Any) -> Any:
    return (kind, settings, {"parent": parent})


NUMBERS = ("e.numbers", {})


def for_each(body: str = "e.times", concurrency: int = 1, **settings: Any) -> Flow:
    return flow_of(
        {
            "n": NUMBERS,
            "loop": ("control.for_each", {"concurrency": concurrency, **settings}),
            "x": inside("loop", body),
        },
        ["n.out>loop.items", "loop.item>x.item", "x.out>loop.result"],
        outputs=["loop"],
    )


@pytest.mark.parametrize("concurrency", [1, 2, 10])
@pytest.mark.parametrize("kind", ["e.times", "e.io"])
def test_for_each_gives_results_in_order(kind: str, concurrency: int, tmp_path: Path) -> None:
    ran = execute(for_each(kind, concurrency), tmp_path)
    assert ran.result.failure is None
    wanted = [2, 4, 6] if kind == "e.times" else [1, 2, 3]
    assert ran.gave("loop", "results") == wanted
    assert ran.states()["loop/x"] == "completed"
    scopes = [event.data["scope"] for event in ran.of("node_completed", "loop/x")]
    assert sorted(scopes) == ["loop:0", "loop:1", "loop:2"]


@pytest.mark.parametrize(
    ("policy", "state", "results"),
    [("fail", "failed", None), ("skip", "completed", [1, 3]), ("null", "completed", [1, None, 3]),
     ("collect", "completed", [1, 3])],
)  # fmt: skip
def test_an_item_that_fails(policy: str, state: str, results: Any, tmp_path: Path) -> None:
    ran = execute(for_each("e.bad", on_item_error=policy), tmp_path)
    assert ran.state == state
    assert ran.gave("loop", "results") == results
    failed = ran.of("node_failed", "loop/x")
    assert [event.data["scope"] for event in failed] == ["loop:1"]
    if policy == "collect":
        errors = ran.gave("loop", "errors")
        assert [(error["index"], error["item"]) for error in errors] == [(1, 2)]
    if policy == "fail":
        assert ran.result.failure is not None
        assert (ran.result.failure["node"], ran.result.failure["scope"]) == ("loop/x", "loop:1")


def test_loops_three_deep_reset(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {
            "n": ("e.numbers", {"numbers": [1, 2]}),
            "a": ("control.for_each", {}),
            "b": inside("a", "control.repeat", times="2"),
            "c": inside("b", "control.while", condition="index < 2", max_iterations=5),
            "x": inside("c", "e.times", by=2),
        },
        [
            "n.out>a.items", "a.item>b.initial", "b.state>c.initial", "c.state>x.item",
            "x.out>c.next", "c.state>b.next", "b.state>a.result",
        ],
        outputs=["a"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.result.failure is None
    assert ran.gave("a", "results") == [16, 32]
    scopes = [scope for _, scope in seen.calls["times"]]
    assert scopes == [f"a:{a}/b:{b}/c:{c}" for a in (0, 1) for b in (0, 1) for c in (0, 1)]


TRY = {
    "v": ("t.value", {"value": 2}),
    "try": ("control.try", {}),
    "x": inside("try", "e.bad"),
    "after": inside("try", "e.io"),
    "last": inside("try", "e.io"),
}
TRY_EDGES = [
    "v.out>try.item", "try.item>x.item", "x.out>try.result",
    "try.error>after.item", "after.out>try.caught", "try.outcome>last.item",
]  # fmt: skip


@pytest.mark.parametrize("value", [1, 2])
def test_try_catches_and_does_what_is_to_be_done_at_last(value: int, tmp_path: Path) -> None:
    nodes = {**TRY, "v": ("t.value", {"value": value})}
    ran = execute(flow_of(nodes, TRY_EDGES, outputs=["try", "v"]), tmp_path)
    assert ran.state == "completed"
    if value == 1:
        assert ran.gave("try", "result") == 1
        assert "try/after" not in ran.states()
    else:
        assert ran.gave("try", "result")["message"] == "2 is bad"
        assert ran.gave("try", "failed")["code"] == "node.crashed"
        scope = ran.of("node_completed", "try/after")[0].data["scope"]
        assert scope == "try@catch:0"
    assert ran.of("node_completed", "try/last")[0].data["scope"] == "try@finally:0"


def test_what_is_to_be_done_at_last_is_done_when_the_run_is_cancelled(tmp_path: Path) -> None:
    seen.calls.clear()
    cancel = threading.Event()
    nodes = {**TRY, "x": inside("try", "e.hang")}
    ran = execute(
        flow_of(nodes, TRY_EDGES),
        tmp_path,
        cancel=cancel,
        heard=lambda event: cancel.set() if event.node == "try/x" else None,
    )
    assert ran.state == "cancelled"
    assert seen.calls["hang.stopped"] == ["try:0"]
    assert ran.states()["try/last"] == "completed"
    assert ran.states()["try"] == "cancelled"
    assert ran.states()["try/x"] == "cancelled"


def test_a_race_cancels_who_loses(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {
            "v": ("t.value", {"value": 7}),
            "race": ("control.race", {}),
            "slow": inside("race", "e.hang"),
            "fast": inside("race", "e.io"),
        },
        ["v.out>race.item", "race.item>slow.item", "race.item>fast.item",
         "slow.out>race.result", "fast.out>race.result"],
        outputs=["race"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.result.failure is None
    assert ran.states()["race/fast"] == "completed"
    assert ran.states().get("race/slow") in ("cancelled", None)
    assert {port: kept["value"] for port, kept in ran.outputs["race"].items()}["result"] == 7


def test_a_body_reads_what_lies_outside(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "n": NUMBERS,
            "w": ("t.value", {"value": "w"}),
            "loop": ("control.for_each", {}),
            "x": inside("loop", "t.both"),
            "s": inside("loop", "text.template", template="{{ item }}"),
        },
        ["n.out>loop.items", "loop.item>s.item", "s.text>x.a", "w.out>x.b", "x.out>loop.result"],
        outputs=["loop"],
    )
    ran = execute(flow, tmp_path)
    assert ran.result.failure is None
    assert ran.gave("loop", "results") == ["1&w", "2&w", "3&w"]


def test_a_stream_inside_a_body(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "n": ("t.list", {"texts": ["ab", "c"]}),
            "loop": ("control.for_each", {"concurrency": 2}),
            "cut": inside("loop", "t.cut"),
            "up": inside("loop", "t.upper"),
            "all": inside("loop", "t.rerank"),
        },
        ["n.out>loop.items", "loop.item>cut.text", "cut.out>up.text", "up.out>all.found",
         "all.out>loop.result"],
        outputs=["loop"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.result.failure is None
    assert ran.gave("loop", "results") == [["B", "A"], ["C"]]


def test_a_called_flow_has_inputs_and_variables_of_its_own(tmp_path: Path) -> None:
    callee = {
        "format": "weft/1",
        "name": "Called",
        "inputs": {"n": {"type": "Number", "default": 5}},
        "nodes": {
            "in": {"type": "flow.input", "settings": {"name": "n"}},
            "x": {"type": "e.times", "settings": {"by": 10}},
        },
        "edges": [{"source": "in", "source_port": "value", "target": "x", "target_port": "item"}],
    }
    flow = flow_of(
        {
            "v": ("t.value", {"value": 3}),
            "call": ("flow.call", {"flow": "c", "arguments": [{"name": "n", "value": "item"}]}),
        },
        ["v.out>call.item"],
        outputs=["call"],
    )
    ran = execute(flow, tmp_path, flows={"c": callee})
    assert ran.result.failure is None
    assert ran.gave("call", "result") == 30
    assert ran.states()["call/x"] == "completed"


def test_variables_follow_the_edges(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "v": ("t.value", {"value": 3}),
            "set": ("vars.set", {"name": "total", "value": "item + 1"}),
            "get": ("vars.get", {"name": "total"}),
            "other": ("vars.get", {"name": "total"}),
        },
        ["v.out>set.item", "set.out>get.after"],
        variables={"total": 0},
        outputs=["get", "other"],
    )
    ran = execute(flow, tmp_path)
    assert ran.result.failure is None
    assert [event.data["name"] for event in ran.of("variable_set", "set")] == ["total"]
    assert ran.gave("get", "value") == 4
    assert ran.gave("other", "value") == 0


def test_what_is_done_when_the_run_has_failed(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {
            "v": ("t.value", {"value": 2}),
            "x": "e.bad",
            "err": "control.on_error",
            "tell": ("e.effect", {"name": "told"}),
        },
        ["v.out>x.item", "err.failure>tell.item"],
    )
    ran = execute(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.states()["tell"] == "completed"
    assert len(seen.calls["told.keys"]) == 1
    seen.calls.clear()
    fine = execute(flow_of({**_plain(flow), "v": ("t.value", {"value": 1})},
                           ["v.out>x.item", "err.failure>tell.item"]), tmp_path)  # fmt: skip
    assert fine.state == "completed"
    assert seen.calls == {}


def _plain(flow: Flow) -> dict[str, Any]:
    return {name: (node.type, dict(node.settings)) for name, node in flow.nodes.items()}
