"""Thumbnails of flows for the list."""

from typing import Any

from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

MOST_NODES = 60
_COLUMN, _ROW = 220.0, 120.0


def preview_of(flow: Flow, catalogue: Catalogue) -> dict[str, Any]:
    """Where the nodes of a flow are, of what category, and which are connected."""
    ids = sorted(flow.nodes)[:MOST_NODES]
    index = {node_id: number for number, node_id in enumerate(ids)}
    nodes = []
    for number, node_id in enumerate(ids):
        node = flow.nodes[node_id]
        spec = catalogue.spec(node.type)
        position = node.position
        nodes.append(
            {
                "x": position.x if position else number * _COLUMN,
                "y": position.y if position else (number % 2) * _ROW,
                "category": spec.category if spec else node.type.partition(".")[0],
                **({"parent": index[node.parent]} if node.parent in index else {}),
            }
        )
    edges = [
        [index[edge.source], index[edge.target]]
        for edge in flow.edges
        if edge.source in index and edge.target in index
    ]
    return {"nodes": nodes, "edges": edges}
