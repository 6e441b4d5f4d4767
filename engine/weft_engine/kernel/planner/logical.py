"""The logical graph as the passes see it: operators, and who reads what."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from weft_engine.kernel.graph import AUTO, Graph, Ref, Ship, Vertex
from weft_engine.kernel.settings import Settings

EFFECTS: Final = frozenset({"collect_results", "for_each", "sink", "sink_factory"})
"""Kinds that do something nobody in the graph sees, and so are never left out."""


@dataclass(frozen=True, slots=True)
class Input:
    """One stream that an operator reads; several may come into the same port."""

    ref: Ref
    port: int = 0
    ship: Ship = AUTO


@dataclass(frozen=True, slots=True)
class Node:
    """An operator and what it reads."""

    vertex: Vertex
    inputs: tuple[Input, ...] = ()

    @property
    def ports(self) -> int:
        """How many inputs it has, whatever comes into each."""
        return len({each.port for each in self.inputs})

    @property
    def label(self) -> str:
        """How it is called in front of people."""
        return repr(self.vertex.name)

    @property
    def has_effect(self) -> bool:
        """Whether it does something that nobody in the graph sees."""
        return self.vertex.keep or self.vertex.kind in EFFECTS


@dataclass(frozen=True, slots=True)
class Logical:
    """A graph between two passes. Every operator stands behind its inputs, feedback aside."""

    nodes: Mapping[int, Node]
    feedback: tuple[tuple[Ref, int], ...]
    settings: Settings
    notes: tuple[str, ...] = ()
    """What the passes have done, in words."""

    def readers(self) -> dict[Ref, list[tuple[int, Input]]]:
        """For every output that is read: by which operators, feedback included."""
        found: dict[Ref, list[tuple[int, Input]]] = {}
        for id_, node in self.nodes.items():
            for each in node.inputs:
                found.setdefault(each.ref, []).append((id_, each))
        for ref, id_ in self.feedback:
            found.setdefault(ref, []).append((id_, Input(ref, feedback_port(self.nodes[id_]))))
        return found

    def with_nodes(self, nodes: Iterable[tuple[int, Node]], *notes: str) -> "Logical":
        """The same with other operators, and notes on why."""
        return replace(self, nodes=MappingProxyType(dict(nodes)), notes=(*self.notes, *notes))


Pass = Callable[[Logical], Logical]


def feedback_port(node: Node) -> int:
    """The port at which what was fed back comes in: the one behind its other inputs."""
    return node.ports


def needs_edge(each: Input, node: Node) -> bool:
    """Whether the operator's error policy is also for records whose key cannot be found.

    That is seen where they are sent, so that there has to be an edge.
    """
    return each.ship.kind == "hash" and node.vertex.policy.on_error != "fail"


def from_graph(graph: Graph, settings: Settings) -> Logical:
    """The graph of a program, before any pass."""
    nodes = {vertex.id: Node(vertex, _inputs(vertex)) for vertex in graph.vertices}
    return Logical(MappingProxyType(nodes), tuple(graph.feedback), settings)


def _inputs(vertex: Vertex) -> tuple[Input, ...]:
    if vertex.kind == "union":  # whatever comes, comes into its only port
        return tuple(Input(ref, 0, vertex.ship(at)) for at, ref in enumerate(vertex.inputs))
    return tuple(Input(ref, at, vertex.ship(at)) for at, ref in enumerate(vertex.inputs))
