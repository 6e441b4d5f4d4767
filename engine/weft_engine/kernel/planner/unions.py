"""Takes unions out: whoever reads one reads its inputs instead."""

from dataclasses import replace

from weft_engine.kernel.graph import Ref, Ship
from weft_engine.kernel.planner.logical import Input, Logical, Node


def dissolve_unions(logical: Logical) -> Logical:
    """Let the readers of a union read its inputs, all into the same port.

    A union that was given a parallelism or a place of its own, or must see its whole input, stays.
    """
    gone: dict[Ref, tuple[Input, ...]] = {}
    kept: list[tuple[int, Node]] = []
    notes: list[str] = []
    for id_, node in logical.nodes.items():
        inputs = tuple(new for each in node.inputs for new in _instead(each, gone))
        if _dissolves(node):
            gone[Ref(id_)] = inputs
            notes.append(f"{node.label} is only wiring: its readers read its inputs")
        else:
            kept.append((id_, replace(node, inputs=inputs)))
    if not gone:
        return logical
    feedback = tuple(
        (new.ref, id_) for ref, id_ in logical.feedback for new in _instead(Input(ref), gone)
    )
    return replace(logical.with_nodes(kept, *notes), feedback=feedback)


def _dissolves(node: Node) -> bool:
    vertex = node.vertex
    free = vertex.parallelism is None and not vertex.placement and not vertex.keep
    return vertex.kind == "union" and free


def _instead(each: Input, gone: dict[Ref, tuple[Input, ...]]) -> tuple[Input, ...]:
    if each.ref not in gone:
        return (each,)
    return tuple(Input(new.ref, each.port, _ship(new.ship, each.ship)) for new in gone[each.ref])


def _ship(into_union: Ship, out_of_it: Ship) -> Ship:
    """How records are distributed across both: what comes last decides, if it says anything."""
    return into_union if out_of_it.kind == "auto" else out_of_it
