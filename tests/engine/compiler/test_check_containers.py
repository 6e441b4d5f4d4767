"""Problems of containers, and of flows that are called; their fixes solve them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.compiler.nested import CATALOGUE, LOOP, nested
from tests.engine.flow.strategies import flows
from weft_engine.compiler.check import check, has_errors
from weft_engine.compiler.problems import Problem
from weft_engine.compiler.wiring import infer
from weft_engine.flow.file import load
from weft_engine.flow.model import Flow, Node
from weft_engine.flow.ops import Patch
from weft_engine.flow.patch import apply


def found(flow: Flow, **more: Any) -> list[tuple[str, str | None, str]]:
    return [(each.code, each.node, each.severity) for each in check(flow, CATALOGUE, **more)]


def only(flow: Flow, code: str) -> Problem:
    (problem,) = [each for each in check(flow, CATALOGUE) if each.code == f"check.{code}"]
    return problem


def fixed(flow: Flow, code: str, fix: str) -> Flow:
    (patch,) = [
        each.patch for each in only(flow, code).fixes if each.code == f"fix.{fix}"
    ]  # fmt: skip
    result = apply(flow, patch)
    assert not result.skipped
    return result.flow


WHILE = "q=question loop=while loop/a=pair q.text>loop.initial loop.state>a.a q.text>a.b"

TABLE: dict[str, tuple[str, list[tuple[str, str | None, str]]]] = {
    "a loop without a problem": (LOOP, []),
    "a node that leads to nothing inside": (f"{LOOP} loop/b=label loop.item>b.row", []),
    "an edge out of a loop": (
        f"{LOOP} out=pair q=question q.text>out.b label.text>out.a",
        [("check.leaves_container", "label", "error")],
    ),
    "out of two loops at once": (
        "read=rows loop=each loop/p=parallel p/a=label read.rows>loop.items loop.item>p.item "
        "p.item>a.row a.text>p.result a.text>loop.result",
        [("check.leaves_container", "a", "error")],
    ),
    "nothing leads to an inner input": (WHILE, [("check.missing_inner_input", "loop", "error")]),
    "no node in a loop": (
        "read=rows loop=each read.rows>loop.items",
        [("check.empty_container", "loop", "warning")],
    ),
    "a disabled loop is not looked into": (
        "q=question -loop=while loop/a=pair q.text>loop.initial",
        [],
    ),
    "a stream for one value": (
        "read=rows lab=label loop=while loop/a=pair q=question read.rows>lab.row "
        "lab.text>loop.initial loop.state>a.a q.text>a.b a.text>loop.next",
        [("check.lifted_container", "loop", "error")],
    ),
    "body and catch joined": (
        "q=question t=try t/a=pair t/b=pair q.text>t.item t.item>a.a q.text>a.b a.text>b.a "
        "t.error>b.b b.text>t.caught",
        [("check.mixed_sections", "b", "error"), ("check.mixed_sections", "b", "error")],
    ),
    "a catch that leads to the result": (
        "q=question t=try t/x=split t/c=count q.text>t.item t.item>x.text t.error>c.rows "
        "c.text>t.result",
        [("check.mixed_sections", "c", "error"), ("check.type_mismatch", "c", "error")],
    ),
    "nothing leads to a node inside": (
        f"{LOOP} loop/b=pair loop/q=question q.text>b.a q.text>b.b",
        [("check.unreached_in_container", "q", "info")],
    ),
    "an endless stream": (
        "read=endless loop=each loop/label=label read.rows>loop.items loop.item>label.row "
        "label.text>loop.result",
        [("check.unbounded", "read", "error"), ("check.endless_into_container", "loop", "error")],
    ),
    "two edges into one inner input": (
        f"{LOOP} loop/b=label loop.item>b.row b.text>loop.result",
        [("check.port_taken", "loop", "error")],
    ),
    "many edges into one that takes them": (
        "q=question p=parallel p/a=pair p/b=pair q.text>p.item p.item>a.a q.text>a.b q.text>b.a "
        "q.text>b.b a.text>p.result b.text>p.result",
        [],
    ),
    "an inner output that is not there": (
        f"{LOOP} loop/b=label loop.nothing>b.row",
        [("check.unknown_port", "loop", "error")],
    ),
    "an inner input that is not there": (
        f"{LOOP} loop/b=label loop.item>b.row b.text>loop.nothing",
        [("check.unknown_port", "loop", "error")],
    ),
    "an inner output read from outside": (
        f"{LOOP} b=label loop.item>b.row",
        [("check.unknown_port", "loop", "error")],
    ),
    "types inside follow from what arrives": (
        f"{LOOP} loop/b=split loop.item>b.text",
        [("check.type_mismatch", "b", "error")],
    ),
    "types outside follow from what arrives inside": (
        "read=rows loop=each loop/label=label b=label read.rows>loop.items loop.item>label.row "
        "label.text>loop.result loop.results>b.row",
        [("check.type_mismatch", "b", "error")],
    ),
    "a stream inside is collected": (
        "read=rows loop=each loop/l=label loop/s=split c=count read.rows>loop.items "
        "loop.item>l.row l.text>s.text s.chunks>loop.result loop.results>c.rows",
        [],
    ),
    "a circle inside": (
        f"{LOOP} loop/a=pair loop/b=pair q=question a.text>b.a b.text>a.a q.text>a.b q.text>b.b",
        [("check.cycle", "a", "error")],
    ),
    "a circle through what a loop reads": (
        "read=rows loop=each loop/a=pair c=count read.rows>loop.items loop.results>c.rows "
        "c.text>a.a loop.item>a.b a.text>loop.result",
        [("check.cycle", "c", "error")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_problems(case: str) -> None:
    text, wanted = TABLE[case]
    codes = [each for each in found(nested(text)) if each[0] != "check.unreachable"]

    assert [each for each in codes if each in wanted or each[0] not in _BESIDE] == wanted


_BESIDE = {"check.type_mismatch"}
"""Come along with others in some cases; where they are wanted, they are told."""


def test_a_loop_without_a_limit() -> None:
    flow = nested(f"{WHILE} a.text>loop.next")
    loop = flow.nodes["loop"].model_copy(update={"settings": {"condition": "true"}})

    bad = flow.replace(nodes={**flow.nodes, "loop": loop})

    assert found(bad) == [("check.missing_setting", "loop", "error")]
    assert fixed(bad, "missing_setting", "set_setting").nodes["loop"].settings == {
        "condition": "true", "max_iterations": 100,
    }  # fmt: skip


def test_nested_too_deeply() -> None:
    nodes: dict[str, Node] = {}
    for at in range(30):
        parent = f"p{at - 1}" if at else None
        nodes[f"p{at}"] = Node(type="control.parallel", parent=parent)
    codes = found(Flow(name="x", nodes=nodes))

    assert [node for code, node, _ in codes if code == "check.too_deep"] == [
        f"p{at}" for at in range(20, 29)
    ]


def test_a_container_in_itself() -> None:
    flow = nested("a=parallel b=parallel")
    nodes = {
        "a": flow.nodes["a"].model_copy(update={"parent": "b"}),
        "b": flow.nodes["b"].model_copy(update={"parent": "a"}),
    }
    bad = flow.replace(nodes=nodes)

    assert ("check.bad_parent", "a", "error") in found(bad)
    (first, _) = [each for each in check(bad, CATALOGUE) if each.code == "check.bad_parent"]
    mended = apply(bad, first.fixes[0].patch).flow
    assert not [each for each in found(mended) if each[0] == "check.bad_parent"]


def test_a_parent_that_is_not_there() -> None:
    flow = nested("gone/a=question")

    assert found(flow) == [("check.bad_parent", "a", "warning")]
    assert found(fixed(flow, "bad_parent", "take_out")) == []


# Fixes


def test_leading_an_edge_through_the_loop() -> None:
    flow = nested(
        "read=rows loop=each loop/label=label out=split "
        "read.rows>loop.items loop.item>label.row label.text>out.text"
    )

    mended = fixed(flow, "leaves_container", "lead_through")

    assert {edge.id for edge in mended.edges} == {
        "label.text>loop.result", "loop.item>label.row", "loop.results>out.text",
        "read.rows>loop.items",
    }  # fmt: skip
    assert found(mended) == []


def test_a_circle_becomes_a_loop() -> None:
    flow = nested("q=question a=pair b=pair c=split q.text>a.a q.text>b.b q.text>a.b a.text>b.a "
                  "b.text>a.a b.text>c.text")  # fmt: skip

    mended = fixed(flow, "cycle", "convert_to_loop")

    assert {name: node.parent for name, node in mended.nodes.items() if node.parent} == {
        "a": "loop", "b": "loop",
    }  # fmt: skip
    assert {edge.id for edge in mended.edges} >= {
        "q.text>loop.initial", "loop.state>a.a", "b.text>loop.next", "loop.state>c.text",
    }  # fmt: skip
    assert found(mended) == []


def test_a_container_in_a_circle_moves_as_it_is() -> None:
    flow = nested("q=question a=pair p=try p/x=pair q.text>a.a q.text>a.b a.text>p.item p.item>x.a "
                  "q.text>x.b x.text>p.result p.result>a.a")  # fmt: skip

    mended = fixed(flow, "cycle", "convert_to_loop")

    assert (mended.nodes["p"].parent, mended.nodes["x"].parent) == ("loop", "p")
    assert not has_errors(check(mended, CATALOGUE))


def test_a_stream_for_a_container_goes_through_a_loop() -> None:
    flow = nested("read=rows t=try t/l=label s=split read.rows>t.item t.item>l.row l.text>t.result "
                  "t.result>s.text")  # fmt: skip
    assert ("check.lifted_container", "t", "error") in found(flow)

    flow = nested("read=rows p=parallel p/l=label c=count read.rows>p.item p.item>l.row "
                  "l.text>p.result")  # fmt: skip
    mended = fixed(flow, "lifted_container", "put_into_for_each")
    assert mended.nodes["p"].parent == "loop"
    assert [each for each in found(mended) if each[0] != "check.missing_input"] == []


def test_the_loose_node_is_led_to_an_inner_input() -> None:
    assert found(fixed(nested(WHILE), "missing_inner_input", "connect")) == []


def test_a_missing_input_inside_is_fed_from_the_container() -> None:
    flow = nested("read=rows loop=each loop/label=label read.rows>loop.items "
                  "label.text>loop.result")  # fmt: skip
    fixes = [fix.patch.ops[0] for fix in only(flow, "missing_input").fixes]

    assert [(op.source, op.source_port) for op in fixes] in (  # type: ignore[union-attr]
        [("loop", "item")], [("read", "rows")], [],
    )  # fmt: skip


# Called flows

CALLEE = {
    "format": "weft/1", "name": "sub", "inputs": {"question": {"type": "Text"}},
    "nodes": {"q": {"type": "test.question"}},
}  # fmt: skip


def calling(name: str, **more: Any) -> dict[str, Any]:
    node = {"type": "flow.call", "settings": {"flow": name}, **more}
    return {"format": "weft/1", "name": "c", "nodes": {"c": node}}


def call(name: str, *arguments: str) -> Flow:
    given_ = [{"name": each, "value": "1"} for each in arguments]
    return nested("c=call", {"c": {"flow": name, "arguments": given_}})


CALLS: dict[str, tuple[Flow, dict[str, Any], list[str]]] = {
    "there": (call("sub"), {"sub": CALLEE}, []),
    "given what it takes": (call("sub", "question"), {"sub": CALLEE}, []),
    "not there": (call("sup"), {"sub": CALLEE}, ["check.unknown_flow"]),
    "an input that it has not": (
        call("sub", "questions"), {"sub": CALLEE}, ["check.unknown_argument"],
    ),
    "itself": (call("a"), {"a": calling("a")}, ["check.call_recursion"]),
    "itself through others": (
        call("a"),
        {"a": calling("b"), "b": calling("c"), "c": calling("b")},
        ["check.call_recursion"],
    ),
    "twice, but in no circle": (
        call("a"), {"a": calling("sub"), "sub": CALLEE, "b": calling("sub")}, [],
    ),
    "a call that is disabled": (call("a"), {"a": calling("a", disabled=True)}, []),
    "one that is no flow": (call("a"), {"a": {"nodes": 3}}, ["check.called_flow_invalid"]),
    "one with a problem": (
        call("a"),
        {"a": {"format": "weft/1", "name": "a", "nodes": {"l": {"type": "test.label"}}}},
        ["check.called_flow_invalid"],
    ),
    "one that calls one with a problem": (
        call("b"),
        {"b": calling("a"), "a": {"format": "weft/1", "name": "a", "nodes": {}}},
        ["check.called_flow_invalid"],
    ),
    "one that never ends": (
        call("a"), {"a": {**CALLEE, "mode": "streaming"}}, ["check.called_flow_invalid"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls(case: str) -> None:
    flow, known, wanted = CALLS[case]

    assert [code for code, _, _ in found(flow, flows=known)] == wanted


def test_calls_are_not_looked_at_when_flows_are_not_known() -> None:
    assert found(call("nowhere")) == []


def test_the_name_of_a_flow_is_mended() -> None:
    (problem,) = check(call("sup"), CATALOGUE, flows={"sub": CALLEE})
    mended = apply(call("sup"), problem.fixes[0].patch).flow

    assert mended.nodes["c"].settings["flow"] == "sub"


# Laws

TYPES = st.sampled_from(
    [f"control.{name}" for name in ("for_each", "while", "try", "parallel", "if")]
    + ["test.label", "test.rows", "test.pair", "test.count", "flow.call"]
)
PORTS = st.sampled_from(
    ["items", "item", "result", "results", "next", "state", "error", "caught", "a", "rows", "text"]
)
FLOWS = flows(TYPES, PORTS)


@given(FLOWS)
@settings(max_examples=200, deadline=None)
def test_any_flow_with_containers_is_checked_and_every_fix_applies(flow: Flow) -> None:
    for problem in check(flow, CATALOGUE, flows={}):
        for fix in problem.fixes:
            assert apply(flow, Patch(ops=fix.patch.ops)).applied > 0, (problem.code, fix.code)
    wiring = infer(flow, CATALOGUE)
    assert sorted(wiring.order) == sorted(wiring.nodes) == sorted(flow.nodes)
    assert sorted(wiring.edges) == sorted({edge.id for edge in flow.edges})


def test_a_flow_file_with_a_loop() -> None:
    flow = load(
        """
format: weft/1
name: x
mode: batch
nodes:
  read: {type: test.rows}
  loop: {type: control.for_each}
  label: {type: test.label, parent: loop}
edges:
  - {source: read, source_port: rows, target: loop, target_port: items}
  - {source: loop, source_port: item, target: label, target_port: row}
  - {source: label, source_port: text, target: loop, target_port: result}
"""
    )

    assert found(flow) == []
