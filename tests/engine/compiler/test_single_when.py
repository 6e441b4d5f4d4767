"""Where single values leave and where streams do; the same in Python and in the browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from weft_engine.compiler.wiring import infer
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

FOLDER = Path(__file__).parents[2] / "vectors"
FILES = [
    json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    for name in ("single_when", "live_triggers")
]
SPECS = [spec for file in FILES for spec in file["specs"]]
FLOWS = [flow for file in FILES for flow in file["flows"]]
CATALOGUE = Catalogue.installed()


@pytest.mark.parametrize("plain", SPECS, ids=[s["type"] for s in SPECS])
def test_the_node_types_are_as_installed(plain: dict[str, Any]) -> None:
    spec = CATALOGUE.spec(plain["type"])
    assert spec is not None
    for ports in ("inputs", "outputs"):
        own = [{"name": port.name, "type": str(port.type)} for port in getattr(spec, ports)]
        assert own == plain[ports]
    assert (spec.single_when and spec.single_when.model_dump()) == plain["single_when"]


@pytest.mark.parametrize("vector", FLOWS, ids=[v["name"] for v in FLOWS])
def test_what_comes_out(vector: dict[str, Any]) -> None:
    names = ("source", "source_port", "target", "target_port")
    plain = {
        name: {"type": kind, "settings": settings, **dict(zip(("on_error",), more, strict=False))}
        for name, (kind, settings, *more) in vector["nodes"].items()
    }
    edges = [dict(zip(names, edge, strict=True)) for edge in vector["edges"]]
    mode = vector.get("mode", "batch")
    flow = Flow.model_validate({"name": "V", "mode": mode, "nodes": plain, "edges": edges})
    wiring = infer(flow, CATALOGUE)
    for place, wanted in vector["outputs"].items():
        node, port = place.split(".")
        assert str(wiring.nodes[node].outputs[port].type) == wanted
