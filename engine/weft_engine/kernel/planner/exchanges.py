"""Decides how records travel between operators whose parallelism is known."""

from dataclasses import replace

from weft_engine.kernel.graph import Ship, ShipKind
from weft_engine.kernel.planner.logical import Input, Logical, Node
from weft_engine.kernel.program_errors import ProgramError


def resolve_exchanges(logical: Logical) -> Logical:
    """Turn `auto` into an exchange, and exchanges between single subtasks into `forward`.

    A `hash` to a single subtask stays: the sender fills in the keys. Chaining takes it away.

    Raises:
        ProgramError: when `forward` is asked for between operators of different parallelism.
    """
    notes: list[str] = []
    nodes = [
        (
            id_,
            replace(
                node, inputs=tuple(_resolved(each, node, logical, notes) for each in node.inputs)
            ),
        )
        for id_, node in logical.nodes.items()
    ]
    return logical.with_nodes(nodes, *notes)


def _resolved(each: Input, node: Node, logical: Logical, notes: list[str]) -> Input:
    sender = logical.nodes[each.ref.operator]
    many, few = sender.vertex.parallelism or 1, node.vertex.parallelism or 1
    kind = each.ship.kind
    if kind == "forward" and many != few:
        raise ProgramError(
            f"{sender.label} runs as {many} subtasks and {node.label} as {few}, so that records "
            "cannot go forward from one to the other.",
            hint="Give both the same parallelism, or use rebalance.",
        )
    if kind == "hash":
        return each
    if many == few == 1:
        if kind not in ("auto", "forward"):
            notes.append(f"{kind} from {sender.label} to {node.label} is forward: there is one")
        return replace(each, ship=Ship("forward"))
    if kind == "auto":
        return replace(each, ship=Ship(_automatic(many, few)))
    if kind == "rebalance" and few == 1:
        return replace(each, ship=Ship("gather"))
    return each


def _automatic(many: int, few: int) -> ShipKind:
    if many == few:
        return "forward"
    return "gather" if few == 1 else "rebalance"
