"""Finds out which operators emit records with event times."""

from weft_engine.kernel.graph import UNTIMED
from weft_engine.kernel.planner.logical import Logical, Node


def find_timed(logical: Logical) -> dict[int, bool]:
    """For every operator: whether its records have times.

    They do when it says so or gives them itself, or when all records it reads have them.
    """
    timed: dict[int, bool] = {}
    for id_, node in logical.nodes.items():
        timed[id_] = _is_timed(node, timed)
    return timed


def _is_timed(node: Node, timed: dict[int, bool]) -> bool:
    kind = node.vertex.kind
    if kind in UNTIMED:
        return False
    if node.vertex.timed or kind == "timestamps":
        return True
    if not node.inputs:
        return bool(getattr(node.vertex.params.get("source"), "timed", False))
    return all(timed[each.ref.operator] for each in node.inputs)
