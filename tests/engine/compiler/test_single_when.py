"""Where nodes that compose streams give single values; the same in Python and in the browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from weft_engine.compiler.wiring import infer
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/single_when.json").read_text("utf-8"))
CATALOGUE = Catalogue.installed()


@pytest.mark.parametrize("plain", VECTORS["specs"], ids=[s["type"] for s in VECTORS["specs"]])
def test_the_node_types_are_as_installed(plain: dict[str, Any]) -> None:
    spec = CATALOGUE.spec(plain["type"])
    assert spec is not None
    for ports in ("inputs", "outputs"):
        own = [{"name": port.name, "type": str(port.type)} for port in getattr(spec, ports)]
        assert own == plain[ports]
    assert (spec.single_when and spec.single_when.model_dump()) == plain["single_when"]


@pytest.mark.parametrize("vector", VECTORS["flows"], ids=[v["name"] for v in VECTORS["flows"]])
def test_what_comes_out(vector: dict[str, Any]) -> None:
    names = ("source", "source_port", "target", "target_port")
    plain = {
        name: {"type": kind, "settings": settings, **dict(zip(("on_error",), more, strict=False))}
        for name, (kind, settings, *more) in vector["nodes"].items()
    }
    edges = [dict(zip(names, edge, strict=True)) for edge in vector["edges"]]
    flow = Flow.model_validate({"name": "V", "nodes": plain, "edges": edges})
    wiring = infer(flow, CATALOGUE)
    for place, wanted in vector["outputs"].items():
        node, port = place.split(".")
        assert str(wiring.nodes[node].outputs[port].type) == wanted
