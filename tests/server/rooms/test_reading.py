"""What a document reads as, whatever is in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.rooms.forms import vector_form
from weft_engine.flow.model import Edge
from weft_engine.flow.topology import parents
from weft_server.rooms.circles import closing_edges
from weft_server.rooms.reading import read

VECTORS = Path(__file__).parents[2] / "vectors/document"
CASES = [json.loads(path.read_text()) for path in sorted(VECTORS.glob("*.json"))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    flow, problems = read(case["plain"], multiple={(t, p) for t, p in case["multiple"]})
    assert vector_form(flow) == case["flow"]
    assert [problem.as_dict() for problem in problems] == case["problems"]


def test_there_are_enough_vectors() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reading_ignores_the_order_of_keys(case: dict[str, Any]) -> None:
    multiple = {(t, p) for t, p in case["multiple"]}
    assert read(_reversed(case["plain"]), multiple=multiple) == read(
        case["plain"], multiple=multiple
    )


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return value


def test_numbers_and_keys_that_json_cannot_write() -> None:
    nan = float("nan")
    node = {
        "type": "a.b",
        "settings": {"x": [nan], "y": 2**60, "z": 10**400},
        "position": {"x": nan},
    }
    flow, problems = read({"nodes": {"n": node, 5: node, None: node}})  # type: ignore[dict-item]
    assert flow.nodes["n"].settings == {"x": [None], "y": 2.0**60}
    assert [problem.path for problem in problems] == ["position", "settings.z"]


FAMILIAR = """
    a b a.rows>b.rows type settings texts position x y parent source target source_port target_port
    rows text retry route meta nodes edges notes inputs outputs variables name mode delay_s
    timeout_s restart checkpoint keep size color priority
"""
words = st.one_of(
    st.sampled_from(FAMILIAR.split()),
    st.text(max_size=4),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), words, st.characters(categories=["Cs"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=6),
    max_leaves=30,
)
node_like = st.dictionaries(words, anything, max_size=6).map(lambda d: {"type": "a.b", **d})
edge_like = st.fixed_dictionaries(
    {name: st.sampled_from(["a", "b", "c", "rows"]) for name in Edge.model_fields}
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "meta": st.dictionaries(words, anything, max_size=8) | anything,
        "nodes": st.dictionaries(words, node_like | anything, max_size=4) | anything,
        "edges": st.dictionaries(words, edge_like | anything, max_size=6) | anything,
        "notes": st.dictionaries(words, anything, max_size=3) | anything,
    },
)


@settings(max_examples=400, deadline=None)
@given(documents)
def test_reading_is_total_and_deterministic(document: dict[str, Any]) -> None:
    flow, problems = read(document)
    assert read(_reversed(document)) == (flow, problems)
    assert type(flow).model_validate(flow.model_dump()) == flow
    around = parents(flow)
    assert closing_edges([edge for edge in flow.edges if not _nested(edge, around)]) == []


def _nested(edge: Edge, around: Mapping[str, str]) -> bool:
    return edge.target in _chain(edge.source, around) or edge.source in _chain(edge.target, around)


def _chain(node: str, around: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    while node in around:
        node = around[node]
        found.append(node)
    return found


pairs = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))


@settings(max_examples=300, deadline=None)
@given(st.sets(pairs, max_size=30))
def test_circles_are_cut_as_if_edges_came_one_by_one(wires: set[tuple[str, str]]) -> None:
    edges = [Edge(source=a, source_port="o", target=b, target_port="i") for a, b in wires]
    kept: list[Edge] = []
    closing = []
    for edge in sorted(edges, key=lambda edge: edge.id):
        (closing if _leads(kept, edge.target, edge.source) else kept).append(edge)
    assert closing_edges(edges) == closing


def _leads(edges: list[Edge], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    for node in waiting:
        fresh = {edge.target for edge in edges if edge.source == node} - seen
        seen |= fresh
        waiting.extend(fresh)
    return goal in seen
