"""Fixes that put nodes into a loop."""

from collections.abc import Iterator, Sequence
from typing import Final

from weft_engine.compiler.problems import Facts, Fix, fix
from weft_engine.flow.model import Edge, Node
from weft_engine.flow.ops import AddNode, Op, SetField, add_edge, remove_edge

WHILE: Final = "control.while"
FOR_EACH: Final = "control.for_each"
_ROUNDS: Final = 10


def to_while(facts: Facts, circle: Sequence[str], closing: Sequence[Edge]) -> Iterator[Fix]:
    """Make a loop of the nodes of a circle.

    They move into a new container. The edge that leads back ends at its `next`, what it led to
    reads `state`, and the edge that came there from outside begins the loop.
    """
    if len(closing) != 1 or WHILE not in facts.catalogue:
        return
    back, inside = closing[0], set(circle)
    if {back.source, back.target} - inside:
        return
    out_of = [
        edge for edge in facts.flow.edges
        if edge.target in facts.flow.nodes
        and not facts.lies_in(edge.target, edge.source)
        and facts.level(edge.source, edge.target)[0] in inside
        and facts.level(edge.source, edge.target)[1] not in inside
    ]  # fmt: skip
    if any((edge.source, edge.source_port) != (back.source, back.source_port) for edge in out_of):
        return
    entries = [
        edge for edge in facts.into[back.target]
        if edge.target_port == back.target_port
        and edge.id != back.id
        and edge.source in facts.flow.nodes
    ]  # fmt: skip
    if len(entries) > 1 or any(edge.source in inside for edge in entries):
        return
    loop = fresh(facts, "loop")
    first = facts.flow.nodes[back.target]
    made = Node(
        type=WHILE,
        settings={"condition": f"index < {_ROUNDS}", "max_iterations": _ROUNDS},
        parent=facts.scopes.inside.get(back.target),
        position=first.position,
    )
    ops: list[Op] = [AddNode(id=loop, node=made), remove_edge(back)]
    ops += [SetField(node=name, field="parent", value=loop) for name in circle]
    for edge in entries:
        ops += [
            remove_edge(edge),
            add_edge(edge.model_copy(update={"target": loop, "target_port": "initial"})),
        ]
    ops += [
        add_edge(back.model_copy(update={"source": loop, "source_port": "state"})),
        add_edge(back.model_copy(update={"target": loop, "target_port": "next"})),
    ]
    for edge in out_of:
        ops += [
            remove_edge(edge),
            add_edge(edge.model_copy(update={"source": loop, "source_port": "state"})),
        ]
    yield fix("convert_to_loop", "Make it a loop", *ops, rounds=_ROUNDS)


def to_for_each(facts: Facts, name: str, entry: Edge) -> Iterator[Fix]:
    """Put a node into a loop over the records that one of its inputs is wired to."""
    if FOR_EACH not in facts.catalogue or len(facts.wiring.nodes[name].outputs) != 1:
        return
    lifts = [
        edge for edge in facts.into[name]
        if facts.wiring.edges[edge.id].how == "lift"
    ]  # fmt: skip
    if lifts != [entry]:
        return
    loop, node = fresh(facts, "loop"), facts.flow.nodes[name]
    around = facts.scopes.inside.get(name)
    (port,) = facts.wiring.nodes[name].outputs
    out_of = [
        edge for edge in facts.flow.edges
        if edge.source == name
        and edge.target in facts.flow.nodes
        and not facts.lies_in(edge.target, name)
    ]  # fmt: skip
    if any(facts.lies_in(name, edge.target) for edge in out_of):
        return
    ops: list[Op] = [
        AddNode(id=loop, node=Node(type=FOR_EACH, parent=around, position=node.position)),
        SetField(node=name, field="parent", value=loop),
        remove_edge(entry),
        add_edge(entry.model_copy(update={"target": loop, "target_port": "items"})),
        add_edge(entry.model_copy(update={"source": loop, "source_port": "item"})),
        add_edge(Edge(source=name, source_port=port, target=loop, target_port="result")),
    ]
    for edge in out_of:
        ops += [
            remove_edge(edge),
            add_edge(edge.model_copy(update={"source": loop, "source_port": "results"})),
        ]
    yield fix("put_into_for_each", "Put it into a For each", *ops)


def fresh(facts: Facts, word: str) -> str:
    """An id that no node has."""
    number, name = 2, word
    while name in facts.flow.nodes or name in facts.flow.notes:
        name, number = f"{word}_{number}", number + 1
    return name
