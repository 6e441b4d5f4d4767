"""What a run is asked for by names: nodes to begin and end at, values for ports."""

from typing import Any

import pytest

from tests.engine.compiler.flows import CATALOGUE, flow_of
from weft_engine.compiler.asked import require_inputs, require_outputs, require_outside
from weft_engine.errors import FlowError
from weft_engine.nodes.catalogue import Catalogue

NODES = Catalogue([*CATALOGUE, *Catalogue.installed()])
FLOW = flow_of(
    {
        "words": "t.texts",
        "loop": "control.for_each",
        "try": ("control.try", {}, {"parent": "loop"}),
        "up": ("t.upper", {}, {"parent": "try"}),
        "check": ("t.check", {}, {"on_error": "route"}),
        "framed": ("t.upper", {}, {"parent": "words"}),
    },
    ["words.out>loop.items", "loop.item>try.item", "try.item>up.text", "up.out>try.result",
     "try.result>loop.result", "loop.results>check.text", "words.out>framed.text"],
)  # fmt: skip


@pytest.mark.parametrize("name", ["words", "loop", "check", "framed"])
def test_a_run_may_begin_and_end_at_any_node_of_its_own_scope(name: str) -> None:
    require_outside(FLOW, NODES, name)


@pytest.mark.parametrize(
    ("name", "code", "params"),
    [
        pytest.param("loup", "run.unknown_node", {"nearest": "loop"}, id="a slip"),
        pytest.param("?", "run.unknown_node", {"nearest": None}, id="nothing like it"),
        pytest.param(
            "up", "run.inside_container", {"container": "loop", "path": "loop/try/up"},
            id="two deep",
        ),
        pytest.param(
            "loop/try/up", "run.inside_container", {"container": "loop", "node": "up"},
            id="two deep, with its path",
        ),
        pytest.param("try", "run.inside_container", {"path": "loop/try"}, id="a container in one"),
        pytest.param("other/up", "run.unknown_node", {"nearest": "up"}, id="a path there is not"),
    ],
)  # fmt: skip
def test_it_cannot_begin_elsewhere(name: str, code: str, params: dict[str, Any]) -> None:
    with pytest.raises(FlowError) as caught:
        require_outside(FLOW, NODES, name)
    assert caught.value.code == code
    assert params.items() <= caught.value.params.items()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("node", "port", "code", "nearest"),
    [
        pytest.param("check", "text", None, None, id="an input"),
        pytest.param("check", "out", "run.unknown_port", None, id="an output is no input"),
        pytest.param("check", "texts", "run.unknown_port", "text", id="a slip"),
        pytest.param("loop", "items", None, None, id="of a container"),
        pytest.param("loop", "item", "run.unknown_port", "items", id="an inner port"),
        pytest.param("up", "text", "run.inside_container", None, id="in a container"),
        pytest.param("words", "any", "run.unknown_port", None, id="a node without inputs"),
    ],
)
def test_values_for_inputs(node: str, port: str, code: str | None, nearest: str | None) -> None:
    if code is None:
        require_inputs(FLOW, NODES, {node: {port: 1}})
        return
    with pytest.raises(FlowError) as caught:
        require_inputs(FLOW, NODES, {node: {port: 1}})
    assert caught.value.code == code
    assert caught.value.params.get("nearest") == nearest


@pytest.mark.parametrize(
    ("node", "port", "code"),
    [
        pytest.param("words", "out", None, id="an output"),
        pytest.param("check", "error", None, id="for failures, of a node that routes them"),
        pytest.param("words", "error", "run.unknown_port", id="of one that does not"),
        pytest.param("up", "out", None, id="in a container"),
        pytest.param("up", "text", "run.unknown_port", id="an input is no output"),
        pytest.param("gone", "out", "run.unknown_node", id="no such node"),
    ],
)
def test_values_for_outputs(node: str, port: str, code: str | None) -> None:
    if code is None:
        require_outputs(FLOW, NODES, {node: {port: 1}})
        return
    with pytest.raises(FlowError) as caught:
        require_outputs(FLOW, NODES, {node: {port: 1}})
    assert caught.value.code == code
