"""Flows with containers in a few words: `loop=each loop/x=label  loop.item>x.row`."""

from typing import Any

from tests.engine.compiler.sample_nodes import TYPES
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.library.control import (
    approval,
    attempt,
    choice,
    failing,
    for_each,
    loops,
    merge,
    sub_flow,
    together,
    variables,
    waiting,
)
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType

_MODULES = (
    approval, attempt, choice, failing, for_each, loops, merge, sub_flow, together, variables,
    waiting,
)  # fmt: skip
CATALOGUE = Catalogue(
    [
        *TYPES,
        *(
            member
            for module in _MODULES
            for member in vars(module).values()
            if isinstance(member, type)
            and issubclass(member, NodeType)
            and member.__module__ == module.__name__
        ),
    ]
)
SHORT = {
    "each": "control.for_each", "while": "control.while", "try": "control.try",
    "parallel": "control.parallel", "call": "flow.call", "wait": "control.wait",
    "on_error": "control.on_error", "race": "control.race", "repeat": "control.repeat",
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "control.while": {"condition": "index < 3", "max_iterations": 10},
    "control.repeat": {"times": 3},
    "control.wait": {"seconds": 60},
    "test.ask": {"name": "q"},
}


def nested(text: str, settings: dict[str, dict[str, Any]] | None = None, **more: Any) -> Flow:
    """A flow; `-x` is disabled, `a/x` lies in `a`, types are short or of the samples."""
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for word in text.split():
        if ">" in word:
            (source, out), (target, port) = (end.split(".") for end in word.split(">"))
            edges.append(Edge(source=source, source_port=out, target=target, target_port=port))
            continue
        path, _, kind = word.partition("=")
        *around, name = path.split("/")
        kind = SHORT.get(kind, kind if "." in kind else f"test.{kind}")
        nodes[name.strip("-")] = Node(
            type=kind,
            disabled=name.startswith("-"),
            parent=around[-1] if around else None,
            settings={**SETTINGS.get(kind, {}), **(settings or {}).get(name.strip("-"), {})},
        )
    return Flow.model_validate({"name": "x", "nodes": nodes, "edges": edges, **more})


LOOP = (
    "read=rows loop=each loop/label=label show=count "
    "read.rows>loop.items loop.item>label.row label.text>loop.result loop.errors>show.rows"
)
