"""Scopes, sections and types in containers: what Python and TypeScript agree on."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.nested import CATALOGUE
from weft_engine.compiler.scopes import split
from weft_engine.compiler.wiring import infer
from weft_engine.flow.model import Flow

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/nesting.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    flow = Flow.model_validate({"name": "x", "nodes": case["nodes"], "edges": case["edges"]})
    scopes, wiring = split(flow, CATALOGUE), infer(flow, CATALOGUE)

    assert scopes.inside == case["around"]
    assert scopes.sections == case["sections"]
    told = wiring.nodes.items()
    assert case["outputs"] == {
        f"{name}.{port}": str(sent.type)
        for name, node in told
        for port, sent in node.outputs.items()
    }
    assert case["inner"] == {
        f"{name}.{port}": str(sent.type) for name, node in told for port, sent in node.inner.items()
    }
    assert case["edge_hows"] == {key: edge.how for key, edge in wiring.edges.items()}


@pytest.mark.parametrize("spec", VECTORS["specs"], ids=lambda spec: spec["type"])
def test_the_ports_of_the_vectors_are_those_of_the_types(spec: dict[str, Any]) -> None:
    known = CATALOGUE.spec(spec["type"])
    assert known is not None
    told = known.model_dump(mode="json")
    for side in ("inputs", "outputs"):
        assert [port | told[side][at] for at, port in enumerate(spec[side])] == told[side]
        for at, port in enumerate((spec["inside"] or {}).get(side, ())):
            assert port | told["inside"][side][at] == told["inside"][side][at]
