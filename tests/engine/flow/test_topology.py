"""The order of nodes and the circles of edges."""

import pytest
from hypothesis import given

from tests.engine.flow.strategies import flows
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.flow.topology import (
    ancestors,
    chains,
    closing_edges,
    cycles,
    descendants,
    order,
    parents,
    part,
)


def flow_of(edges: str, nodes: str = "") -> Flow:
    """`a>b b>c` is a chain of three."""
    pairs = [pair.split(">") for pair in edges.split()]
    names = {name for pair in pairs for name in pair if not name.startswith("?")} | set(nodes)
    drawn = [
        Edge(source=a.strip("?"), source_port="out", target=b.strip("?"), target_port="in")
        for a, b in pairs
    ]
    return Flow(name="x", nodes={name: Node(type="t") for name in names}, edges=tuple(drawn))


@pytest.mark.parametrize(
    ("edges", "found"),
    [("", ""), ("a>b b>c", "abc"), ("c>b b>a", "cba"), ("a>c b>c", "abc"), ("c>a c>b", "cab"),
     ("a>b b>a", "ab"), ("c>a a>b b>a", "cab"), ("a>a a>b", "ab"), ("a>?z ?y>a", "a")],
)  # fmt: skip
def test_order(edges: str, found: str) -> None:
    assert "".join(order(flow_of(edges))) == found


@pytest.mark.parametrize(
    ("edges", "found"),
    [("a>b b>c", []), ("a>b b>a", [["a", "b"]]), ("a>a", [["a"]]),
     ("a>b b>c c>a c>d d>e e>d", [["a", "b", "c"], ["d", "e"]]),
     ("a>b b>a b>c c>b", [["a", "b", "c"]])],
)  # fmt: skip
def test_circles(edges: str, found: list[list[str]]) -> None:
    assert cycles(flow_of(edges)) == found


def test_before_and_after() -> None:
    flow = flow_of("a>b b>c d>c c>e")

    assert ancestors(flow, "c") == {"a", "b", "d"}
    assert descendants(flow, "b") == {"c", "e"}
    assert descendants(flow, "nobody") == set()


def test_a_long_chain() -> None:
    names = [f"n{at:05}" for at in range(5000)]
    flow = flow_of(" ".join(f"{a}>{b}" for a, b in zip(names, [*names[1:], names[0]], strict=True)))

    assert len(cycles(flow)[0]) == 5000
    assert [edge.source for edge in closing_edges(flow)] == ["n04999"]


@given(flows())
def test_without_its_closing_edges_a_flow_has_no_circle(flow: Flow) -> None:
    closing = set(closing_edges(flow))
    opened = flow.replace(edges=[edge for edge in flow.edges if edge not in closing])
    places = {node: at for at, node in enumerate(order(opened))}

    assert cycles(opened) == []
    assert sorted(places) == sorted(flow.nodes)
    lie = chains(flow, parents(flow))
    for edge in opened.edges:
        ends = edge.source in places and edge.target in places
        if ends and part(lie[edge.source], lie[edge.target]):
            assert places[edge.source] < places[edge.target]


def nested(edges: str, **inside: str) -> Flow:
    flow = flow_of(edges, "".join(inside))
    placed = {n: d.model_copy(update={"parent": inside.get(n)}) for n, d in flow.nodes.items()}
    return flow.replace(nodes=placed)


@pytest.mark.parametrize(
    ("edges", "inside", "found"),
    [
        ("a>b l>x x>l", {"x": "l"}, []),
        ("l>x x>y y>l", {"x": "l", "y": "l"}, []),
        ("l>x x>y y>x", {"x": "l", "y": "l"}, [["x", "y"]]),
        ("a>x l>b b>a", {"x": "l"}, [["a", "b", "l"]]),
        ("x>b b>l", {"x": "l"}, [["b", "l"]]),
        ("l>m m>x x>m m>l", {"m": "l", "x": "m"}, []),
        ("l>x x>x", {"x": "l"}, [["x"]]),
        ("x>y y>x", {"x": "y", "y": "x"}, [["x", "y"]]),
    ],
)
def test_circles_of_nested_nodes(
    edges: str, inside: dict[str, str], found: list[list[str]]
) -> None:
    assert cycles(nested(edges, **inside)) == found


def test_what_lies_in_a_node_comes_right_behind_it() -> None:
    flow = nested("a>l l>x x>y y>l l>b c>y", x="l", y="l")

    assert "".join(order(flow)) == "aclxyb"


def test_parents_that_are_looked_through() -> None:
    flow = nested("", x="f", f="l", l="g", g="h", h="g")

    assert parents(flow) == {"x": "f", "f": "l", "l": "g"}
    assert parents(flow, {"l", "h"}) == {"x": "l", "f": "l"}
