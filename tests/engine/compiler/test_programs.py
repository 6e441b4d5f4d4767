"""Programs: how flows are cut into scopes and units."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.compiler.nested import CATALOGUE, LOOP, nested
from tests.engine.compiler.nested_flows import CATALOGUE as GENERAL
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program, ProgramOptions, ScopePlan
from weft_engine.compiler.scopes import split
from weft_engine.compiler.selection import behind, select
from weft_engine.compiler.wiring import infer
from weft_engine.errors import FlowError
from weft_engine.flow.model import Edge, Flow, Node


def program(flow: Flow | str, **options: Any) -> Program:
    made = nested(flow) if isinstance(flow, str) else flow
    return compile_program(made, CATALOGUE, ProgramOptions(**options))


def units(plan: ScopePlan) -> list[str]:
    """`kind a b < 0 1`."""
    return [
        f"{unit.kind} {' '.join(unit.nodes)}"
        + (f" < {' '.join(map(str, sorted(unit.before)))}" if unit.before else "")
        for unit in plan.units
    ]


def paths(plan: ScopePlan) -> Iterator[tuple[str, list[str]]]:
    yield plan.path, units(plan)
    for sections in plan.inner.values():
        for inner in sections.values():
            yield from paths(inner)


READ = "read=rows lab=label cnt=count"

TABLE: dict[str, tuple[str, list[str]]] = {
    "record by record": (
        "read=rows keep=filter sort=sort lab=label read.rows>keep.rows keep.rows>sort.rows "
        "sort.rows>lab.row",
        ["stream read keep sort lab"],
    ),
    "values are calls": (
        "q=question r=retrieve a=answer q.text>r.question q.text>a.question "
        "r.documents>a.documents",
        ["call q", "call r < 0", "call a < 0 1"],
    ),
    "a list of all records is a value": (
        "read=rows cnt=count read.rows>cnt.rows", ["stream read", "call cnt < 0"],
    ),
    "stretches that are not joined stay apart": (
        "a=rows b=rows x=filter y=filter a.rows>x.rows b.rows>y.rows",
        ["stream a x", "stream b y"],
    ),
    "nothing stands between two parts of a stretch": (
        "read=rows cnt=count lab=label p=pair read.rows>lab.row read.rows>cnt.rows "
        "lab.text>p.a cnt.text>p.b",
        ["stream read lab", "call cnt < 0", "stream p < 0 1"],
    ),
    "a value from elsewhere does not end a stretch": (
        "read=rows q=question lab=label p=pair read.rows>lab.row lab.text>p.a q.text>p.b",
        ["call q", "stream read lab p < 0"],
    ),
    "waiting for each record": (
        "read=rows w=wait lab=label read.rows>w.item w.out>lab.row",
        ["stream read", "map w < 0", "stream lab < 1"],
    ),
    "disabled nodes are in no unit": (
        "read=rows -keep=filter lab=label read.rows>keep.rows keep.rows>lab.row", ["stream read"],
    ),
    "what a loop reads comes before it": (
        "read=rows q=question loop=each loop/p=pair loop/l=label read.rows>loop.items "
        "loop.item>l.row l.text>p.a q.text>p.b p.text>loop.result",
        ["call q", "stream read", "container loop < 0 1"],
    ),
    "a loop between two stretches": (
        f"{LOOP} split=split keep=filter read.rows>keep.rows loop.results>split.text",
        ["stream read keep", "container loop < 0", "call show < 1", "stream split < 1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_units(case: str) -> None:
    text, wanted = TABLE[case]

    assert units(program(text).top) == wanted


def test_scopes_of_containers() -> None:
    flow = nested(
        "q=question t=try t/p=parallel p/x=pair p/y=pair t/c=if q.text>t.item t.item>p.item "
        "p.item>x.a q.text>x.b p.item>y.a q.text>y.b x.text>p.result y.text>p.result "
        "p.results>t.result t.error>c.item c.true>t.caught"
    )

    top = compile_program(flow, CATALOGUE).top

    assert dict(paths(top)) == {
        "": ["call q", "container t < 0"],
        "t": ["container p"],
        "t/p": ["call x", "call y"],
        "t@catch": ["call c"],
        "t@finally": [],
    }
    body = top.inner["t"]["body"]
    inside = body.inner["p"]["body"]
    assert body.given == {"q": {"text"}, "t": {"item"}}
    assert inside.given == {"p": {"item"}, "q": {"text"}}
    assert (top.captures, body.captures) == ({"t": (("q", "text"),)}, {"p": (("q", "text"),)})
    assert {port: [edge.id for edge in edges] for port, edges in inside.exits.items()} == {
        "result": ["x.text>p.result", "y.text>p.result"]
    }
    assert (inside.container, inside.section) == ("p", "body")
    assert (top.inner["t"]["catch"].container, top.inner["t"]["catch"].section) == ("t", "catch")
    assert top.outputs == ("t",)
    assert all(node.parent is None for node in inside.compiled.flow.nodes.values())


def test_types_in_a_scope_are_those_of_the_whole() -> None:
    flow = nested(f"{LOOP} b=split loop.results>b.text")
    top = compile_program(flow, CATALOGUE).top
    body = top.inner["loop"]["body"].compiled

    assert str(body.wiring.output("loop", "item").type) == "Row"  # type: ignore[union-attr]
    assert body.wiring.edges["label.text>loop.result"].how == "same"
    assert str(top.compiled.wiring.output("loop", "results").type) == "Stream[Text]"  # type: ignore[union-attr]
    assert infer(flow, CATALOGUE).nodes["label"] == body.wiring.nodes["label"]


def test_a_stream_at_an_inner_input_is_collected() -> None:
    flow = nested(
        "read=rows loop=each loop/l=label loop/s=split read.rows>loop.items loop.item>l.row "
        "l.text>s.text s.chunks>loop.result"
    )
    plan = compile_program(flow, CATALOGUE).top.inner["loop"]["body"]

    assert plan.compiled.wiring.edges["s.chunks>loop.result"].how == "collect"
    assert units(plan) == ["call l", "stream s < 0"]


def test_frames_are_no_scopes() -> None:
    flow = nested("f=filter f/read=rows f/lab=label read.rows>f.rows f.rows>lab.row")
    top = compile_program(flow, CATALOGUE).top

    assert units(top) == ["stream read f lab"]
    assert [scope.path for scope in split(flow, CATALOGUE).all()] == [""]


def test_breakpoints_part_units() -> None:
    flow = nested("a=rows b=filter c=label d=split a.rows>b.rows b.rows>c.row c.text>d.text")
    made = compile_program(flow, CATALOGUE, ProgramOptions(isolate=frozenset({"c", "b"})))

    assert units(made.top) == ["stream a", "stream b < 0", "map c < 1", "stream d < 2"]
    assert [unit.why for unit in made.top.units] == [
        "records", "breakpoint", "breakpoint", "records",
    ]  # fmt: skip


def test_breakpoints_inside() -> None:
    flow = nested(
        "read=rows loop=each loop/s=split loop/u=filter loop/l=label read.rows>loop.items "
        "loop.item>l.row l.text>s.text s.chunks>u.rows u.rows>loop.result"
    )

    def inside(*nodes: str) -> list[str]:
        made = compile_program(flow, CATALOGUE, ProgramOptions(isolate=frozenset(nodes)))
        return units(made.top.inner["loop"]["body"])

    assert inside() == inside("u") == ["call l", "stream s u < 0"]
    assert inside("loop/u") == ["call l", "stream s < 0", "stream u < 1"]


def test_a_part_of_a_flow() -> None:
    flow = nested("a=rows b=filter c=sort bad=label a.rows>b.rows b.rows>c.rows")
    with pytest.raises(FlowError, match="not connected"):
        compile_program(flow, CATALOGUE)

    top = compile_program(flow, CATALOGUE, only={"a", "b"}).top

    assert units(top) == ["stream a b"]
    assert sorted(top.compiled.nodes) == ["a", "b"]


def test_a_problem_inside_is_one_of_the_container() -> None:
    flow = nested(f"{LOOP} loop/bad=label")
    with pytest.raises(FlowError, match="not connected"):
        compile_program(flow, CATALOGUE, only={"loop", "read"})

    assert units(compile_program(flow, CATALOGUE, only={"read"}).top) == ["stream read"]


def test_what_a_container_reads_is_selected_with_it() -> None:
    flow = nested("q=question z=question t=try t/p=pair q.text>p.a q.text>p.b p.text>t.result")
    top = compile_program(flow, CATALOGUE).top

    chosen = select(top.compiled.flow, to_node="t", captures=top.captures)
    assert chosen.run == {"q", "t"}


def test_what_is_done_on_an_error() -> None:
    flow = nested(
        "q=question b=question p=pair e=on_error i=if loop=try loop/x=pair q.text>p.a b.text>p.b "
        "e.failure>i.item i.true>loop.item b.text>x.a q.text>x.b x.text>loop.result"
    )
    made = compile_program(flow, CATALOGUE)

    assert units(made.top) == ["call b", "call q", "call p < 0 1"]
    assert made.top.outputs == ("p",)
    assert made.on_error is not None
    assert units(made.on_error) == ["call e", "call i < 0", "container loop < 1"]
    assert made.on_error.given == {"b": {"text"}, "q": {"text"}}
    assert made.on_error.inner["loop"]["body"].given == {"b": {"text"}, "q": {"text"}}
    assert "loop" not in made.top.inner


SUB = {
    "format": "weft/1", "name": "sub", "inputs": {"q": {"type": "Text"}},
    "nodes": {
        "ask": {"type": "test.question"},
        "loop": {"type": "control.parallel"},
        "x": {"type": "test.split", "parent": "loop"},
        "out": {"type": "test.pair"},
    },
    "edges": [
        {"source": "ask", "source_port": "text", "target": "x", "target_port": "text"},
        {"source": "x", "source_port": "chunks", "target": "loop", "target_port": "result"},
        {"source": "ask", "source_port": "text", "target": "out", "target_port": "a"},
        {"source": "ask", "source_port": "text", "target": "out", "target_port": "b"},
    ],
}  # fmt: skip


def calling(name: str, **more: Any) -> Flow:
    settings = {"flow": name, **more}
    return nested("read=rows each=each each/c=call read.rows>each.items each.item>c.item "
                  "c.result>each.result", {"c": settings})  # fmt: skip


def test_a_called_flow_is_a_scope() -> None:
    top = program(calling("sub"), flows={"sub": SUB}).top

    assert dict(paths(top)) == {
        "": ["stream read", "container each < 0"],
        "each": ["container c"],
        "each/c": ["call ask", "container loop < 0", "call out < 0"],
        "each/c/loop": ["stream x"],
    }
    plan = top.inner["each"]["body"].inner["c"]["body"]
    assert (plan.container, plan.section, plan.given, plan.exits) == ("c", "body", {}, {})
    assert plan.outputs == ("loop", "out")
    assert plan.compiled.flow.inputs.keys() == {"q"}


def test_breakpoints_in_a_called_flow() -> None:
    made = program(calling("sub"), flows={"sub": SUB}, isolate=frozenset({"each/c/ask"}))
    plan = made.top.inner["each"]["body"].inner["c"]["body"]

    assert [unit.why for unit in plan.units if unit.nodes == ("ask",)] == ["breakpoint"]


def test_an_isolated_call_has_no_scope() -> None:
    top = program(calling("sub", isolated=True), flows={"sub": SUB}).top

    assert top.inner["each"]["body"].inner["c"] == {}


def test_calls_of_calls() -> None:
    inner = {"format": "weft/1", "name": "b", "nodes": {
        "d": {"type": "flow.call", "settings": {"flow": "sub"}}}}  # fmt: skip
    top = program(calling("b"), flows={"sub": SUB, "b": inner}).top

    assert [path for path, _ in paths(top)] == [
        "", "each", "each/c", "each/c/d", "each/c/d/loop",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("flows", "says"),
    [({}, "no flow 'sub'"), ({"sub": calling("sub").model_dump(mode="json")}, "calls itself")],
)
def test_calls_that_cannot_be(flows: dict[str, Any], says: str) -> None:
    with pytest.raises(FlowError, match=says):
        program(calling("sub"), flows=flows)


def test_a_call_in_a_disabled_loop_is_left_alone() -> None:
    flow = calling("sub")
    off = flow.nodes["each"].model_copy(update={"disabled": True})
    made = program(flow.replace(nodes={**flow.nodes, "each": off}), flows={})

    assert made.top.inner["each"] == {}


# Hashes and signatures


def test_names_and_places_do_not_change_the_hash() -> None:
    flow = nested(LOOP)
    named = {name: node.model_copy(update={"name": name, "notes": "x"})
             for name, node in flow.nodes.items()}  # fmt: skip

    assert program(flow.replace(nodes=named)).hash == program(flow).hash
    assert program(flow.replace(nodes=named)).signatures == program(flow).signatures


@pytest.mark.parametrize("node", ["read", "loop", "label"])
def test_what_a_node_does_changes_the_hash(node: str) -> None:
    flow = nested(LOOP)
    other = flow.nodes[node].model_copy(update={"on_error": "skip"})
    changed = program(flow.replace(nodes={**flow.nodes, node: other}))
    before = program(flow)

    assert changed.hash != before.hash
    behind = {"read": {"read", "loop", "show"}, "loop": {"loop", "show"}, "label": {"loop", "show"}}
    different = {
        name for name in flow.nodes if changed.signatures.get(name) != before.signatures.get(name)
    }
    assert different == behind[node]


def test_a_called_flow_is_part_of_the_hash() -> None:
    other = {**SUB, "inputs": {"q": {"type": "Text", "default": "x"}}}

    one, two = (program(calling("sub"), flows={"sub": each}).hash for each in (SUB, other))
    assert one != two


def general(*nodes: str, **more: Node) -> Flow:
    """A chain of nodes of these types."""
    made = {f"n{at}": Node(type=f"g.{kind}") for at, kind in enumerate(nodes)}
    edges = [
        Edge(source=f"n{at}", source_port="out", target=f"n{at + 1}", target_port="a")
        for at in range(len(nodes) - 1)
    ]
    return Flow(name="x", nodes={**made, **more}, edges=tuple(edges))


def test_what_has_effects_has_no_signature_nor_has_what_follows() -> None:
    flow = general("one", "heavy", "one")

    assert compile_program(flow, GENERAL).signatures.keys() == {"n0"}


def test_pinned_outputs_have_one() -> None:
    flow = general("one", "heavy", "one")
    pinned = flow.nodes["n1"].model_copy(update={"pinned": {"out": 3}})
    changed = flow.nodes["n0"].model_copy(update={"on_error": "skip"})
    one = flow.replace(nodes={**flow.nodes, "n1": pinned})
    two = one.replace(nodes={**one.nodes, "n0": changed})

    signed = [compile_program(each, GENERAL).signatures for each in (one, two)]
    assert signed[0].keys() == {"n0", "n1", "n2"}
    assert [signed[0][name] == signed[1][name] for name in ("n0", "n1", "n2")] == [
        False, True, True,
    ]  # fmt: skip


def test_what_asks_for_its_run_has_no_signature() -> None:
    def signed(where: str) -> set[str]:
        flow = nested("read=rows keep=filter read.rows>keep.rows", {"keep": {"where": where}})
        return set(compile_program(flow, CATALOGUE).signatures)

    assert signed("item.a > flow.inputs.a") == {"read", "keep"}
    assert signed("item.a == run.id") == {"read"}


def test_what_depends_on_a_node() -> None:
    flow = nested("q=question z=question t=try t/p=pair q.text>p.a z.text>p.b b=pair t.result>b.a "
                  "z.text>b.b p.text>t.result")  # fmt: skip
    top = compile_program(flow, CATALOGUE).top

    assert behind(top.compiled.flow, "q", top.captures) == {"t", "b"}


def test_effects_in_a_container_are_its_own() -> None:
    box = general("one", "box", inside=Node(type="g.heavy", parent="n1"))

    assert compile_program(box, GENERAL).signatures.keys() == {"n0"}
    assert [unit.kind for unit in compile_program(box, GENERAL).top.units] == ["call", "container"]


def test_a_large_flow_is_cut_in_time() -> None:
    """Many stretches with calls between them: joining them is not tried for ever."""
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for at in range(600):
        nodes[f"s{at}"] = Node(type="g.whole")
        nodes[f"c{at}"] = Node(type="g.heavy")
        before = [f"s{at - 1}", f"c{at - 1}"] if at else []
        for name, port in zip(before, ("a", "b"), strict=False):
            edges.append(Edge(source=name, source_port="out", target=f"s{at}", target_port=port))
    flow = Flow(name="x", nodes=nodes, edges=tuple(edges))

    (stretch,) = [u for u in compile_program(flow, GENERAL).top.units if u.kind == "stream"]
    assert len(stretch.nodes) == 600
