"""From the logical graph to what a backend runs: chains of operators, and the edges between."""

from dataclasses import dataclass
from typing import Any

from weft_engine.kernel.graph import Graph, Ref, Vertex
from weft_engine.kernel.operators import LINEAR


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph cut into chains: each runs as one loop, without a queue inside."""

    graph: Graph
    chains: tuple[tuple[int, ...], ...]
    """Operators by id, each in exactly one chain, in an order in which inputs come first."""

    def describe(self) -> dict[str, Any]:
        """The plan as plain data."""
        place = {vertex: index for index, chain in enumerate(self.chains) for vertex in chain}
        return {
            "chains": [
                {"id": index, "operators": [_describe(self.graph.vertices[id_]) for id_ in chain]}
                for index, chain in enumerate(self.chains)
            ],
            "edges": [
                {"from": place[ref.operator], "output": ref.output, "to": index, "port": port}
                for index, chain in enumerate(self.chains)
                for port, ref in enumerate(self.graph.vertices[chain[0]].inputs)
            ],
        }


def make_plan(graph: Graph) -> Plan:
    """Put neighbours that turn one list into one list into the same chain."""
    readers = consumers(graph)
    chains: dict[int, list[int]] = {}
    chain_of: dict[int, list[int]] = {}
    for vertex in graph.vertices:
        chain = _chain_before(graph, vertex, readers, chain_of)
        if chain is None:
            chain = chains[vertex.id] = []
        chain.append(vertex.id)
        chain_of[vertex.id] = chain
    return Plan(graph, tuple(tuple(chain) for chain in chains.values()))


def consumers(graph: Graph) -> dict[Ref, list[tuple[int, int]]]:
    """For every output that is read: by which operators, at which of their inputs."""
    readers: dict[Ref, list[tuple[int, int]]] = {}
    for vertex in graph.vertices:
        for port, ref in enumerate(vertex.inputs):
            readers.setdefault(ref, []).append((vertex.id, port))
    return readers


def _chain_before(
    graph: Graph,
    vertex: Vertex,
    readers: dict[Ref, list[tuple[int, int]]],
    chain_of: dict[int, list[int]],
) -> list[int] | None:
    """The chain that the operator continues, if it does."""
    if vertex.kind not in LINEAR or len(vertex.inputs) != 1:
        return None
    ref = vertex.inputs[0]
    before = graph.vertices[ref.operator]
    if before.kind not in LINEAR or ref.output != 0 or len(readers[ref]) != 1:
        return None
    return chain_of[before.id]


def _describe(vertex: Vertex) -> dict[str, Any]:
    described = {"id": vertex.id, "kind": vertex.kind, "name": vertex.name}
    return {**described, "owner": vertex.owner} if vertex.owner else described
