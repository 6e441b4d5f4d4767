"""Moves filters before exchanges, so that what is thrown away does not travel."""

from dataclasses import replace

from weft_engine.kernel.graph import Ref, Ship
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.planner.logical import Input, Logical, Node


def push_filters_down(logical: Logical) -> Logical:
    """Move filters that are expressions before the rebalance, or the union, that they stand behind.

    Only expressions: they are cheap and keep nothing. A function may be the very reason why the
    work was to be spread, or remember what it has seen. A filter never passes an operator: whether
    that is all the same cannot be told of code in general.
    """
    while True:
        found = next((id_ for id_ in logical.nodes if _moves(id_, logical)), None)
        if found is None:
            return logical
        logical = _moved(found, logical)


def _moves(id_: int, logical: Logical) -> bool:
    node = logical.nodes[id_]
    vertex = node.vertex
    if vertex.kind != "filter" or not isinstance(vertex.params.get("fn"), Inline):
        return False
    if not vertex.policy.plain or node.has_effect or vertex.placement:
        return False
    if any(each.ship.kind not in ("forward", "rebalance", "gather") for each in node.inputs):
        return False
    if len({each.ref for each in node.inputs}) != len(node.inputs):
        return False  # one stream united with itself: its records are wanted twice
    return len(node.inputs) > 1 or node.inputs[0].ship.kind != "forward"


def _moved(id_: int, logical: Logical) -> Logical:
    """A copy of the filter behind everything it reads; its readers read the copies."""
    node = logical.nodes[id_]
    fresh = max(logical.nodes) + 1
    copies: list[tuple[Input, int, Node]] = []
    for number, each in enumerate(node.inputs):
        sender = logical.nodes[each.ref.operator].vertex
        uid = node.vertex.uid if len(node.inputs) == 1 else f"{node.vertex.uid}.{number}"
        vertex = replace(
            node.vertex,
            uid=uid,
            parallelism=sender.parallelism,
            placement=sender.placement,
        )
        copies.append((each, fresh + number, Node(vertex, (Input(each.ref, 0, Ship("forward")),))))
    nodes: list[tuple[int, Node]] = []
    for other, what in logical.nodes.items():
        if other == id_:
            nodes += [(new, copy) for _, new, copy in copies]
        else:
            nodes.append((other, replace(what, inputs=_instead(what, id_, copies))))
    feedback = tuple(
        pair
        for ref, target in logical.feedback
        for pair in (
            [(Ref(new, ref.output), target) for _, new, _ in copies]
            if ref.operator == id_
            else [(ref, target)]
        )
    )
    note = f"{node.label} moves before the exchange it stood behind"
    return replace(logical.with_nodes(nodes, note), feedback=feedback)


def _instead(what: Node, id_: int, copies: list[tuple[Input, int, Node]]) -> tuple[Input, ...]:
    inputs: list[Input] = []
    for each in what.inputs:
        if each.ref.operator != id_:
            inputs.append(each)
            continue
        for before, new, copy in copies:
            ship = _ship(before.ship, each.ship, copy, what)
            inputs.append(Input(Ref(new, each.ref.output), each.port, ship))
    return tuple(inputs)


def _ship(before: Ship, after: Ship, copy: Node, reader: Node) -> Ship:
    """How records reach the reader: as they reached the filter, unless it says something else."""
    ship = before if after.kind == "forward" else after
    many, few = copy.vertex.parallelism or 1, reader.vertex.parallelism or 1
    if ship.kind == "hash":
        return ship
    if many == few == 1:
        return Ship("forward")
    if ship.kind in ("gather", "rebalance"):
        return Ship("gather" if few == 1 else "rebalance")
    return ship
