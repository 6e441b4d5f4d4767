"""Flows that call others, and what is done when a run has failed: the node types for that."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from weft_engine.flow.model import Flow, Node

CALL: Final = "flow.call"
"""The node type that calls a flow; its settings `flow` and `isolated` say which and how."""
ON_ERROR: Final = "control.on_error"
"""The node type behind which lies what is done when the run has failed."""


def called(node: Node) -> str:
    """The name of the flow that a node calls."""
    name = node.settings.get("flow")
    return name if isinstance(name, str) else ""


def is_isolated(node: Node) -> bool:
    """Whether the called flow is a run of its own."""
    return node.settings.get("isolated") is True


def calls(flow: Flow) -> Iterator[tuple[str, str]]:
    """The nodes that call flows, and the names of these flows."""
    for name, node in flow.nodes.items():
        if node.type == CALL and called(node):
            yield name, called(node)


def calls_of(data: Mapping[str, Any]) -> Iterator[str]:
    """The names of the flows that a flow calls which is plain data, valid or not."""
    nodes = data.get("nodes")
    for node in nodes.values() if isinstance(nodes, Mapping) else ():
        settings = node.get("settings") if isinstance(node, Mapping) else None
        if isinstance(settings, Mapping) and node.get("type") == CALL:
            name = settings.get("flow")
            if isinstance(name, str) and name and not node.get("disabled"):
                yield name
