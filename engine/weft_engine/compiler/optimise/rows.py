"""What is known of the rows that flow through a scope."""

from collections.abc import Collection, Mapping
from functools import cached_property
from types import MappingProxyType

from weft_engine.compiler.program import ScopePlan
from weft_engine.flow.model import Edge
from weft_engine.nodes.row_work import RowWork

Key = tuple[str, str]
"""A node's output: node, port."""
Reads = Mapping[str, Collection[str]]
"""Ports that are read, by node."""


class Rows:
    """Answers questions of the passes about one scope."""

    def __init__(self, plan: ScopePlan, reads: Reads = MappingProxyType({})) -> None:
        self.plan = plan
        self._reads = reads
        """What is read by what runs when the run has failed: node → ports."""
        self.compiled = plan.compiled
        self.flow = plan.compiled.flow
        self.wiring = plan.compiled.wiring
        self.edges = {edge.id: edge for edge in self.flow.edges}
        parts = [part.partition("@")[0] for part in plan.path.split("/") if part]
        self.prefix = "".join(f"{part}/" for part in parts)

    @cached_property
    def readers(self) -> dict[Key, list[Edge]]:
        """The edges that start at each output."""
        found: dict[Key, list[Edge]] = {}
        for edge in self.flow.edges:
            found.setdefault((edge.source, edge.source_port), []).append(edge)
        return found

    @cached_property
    def read_elsewhere(self) -> frozenset[Key]:
        """Outputs that something outside this scope's edges reads."""
        found = {
            (edge.source, edge.source_port) for out in self.plan.exits.values() for edge in out
        }
        found |= {read for reads in self.plan.captures.values() for read in reads}
        found |= {(name, port) for name, ports in self._reads.items() for port in ports}
        for name in self.flow.outputs or self.plan.outputs:
            if name in self.wiring.nodes:
                found |= {(name, port) for port in self.wiring.nodes[name].outputs}
        return frozenset(found)

    def work(self, name: str) -> RowWork | None:
        """What a node does to rows; None when it is not known, or it does not work as usual."""
        node = self.compiled.nodes.get(name)
        known = self.flow.nodes[name]
        if node is None or known.pinned is not None or known.disabled:
            return None
        return node.row_work()

    def plain(self, name: str) -> bool:
        """Whether a failure of a node ends the run, at its first attempt."""
        node = self.flow.nodes[name]
        return node.on_error == "fail" and node.retry is None and node.timeout_s is None

    def before(self, name: str) -> Edge | None:
        """The one edge that leads to a node, when it carries a stream as it is."""
        keys = [key for keys in self.wiring.nodes[name].inputs.values() for key in keys]
        if len(keys) != 1:
            return None
        wired = self.wiring.edges[keys[0]]
        straight = wired.live and wired.type.stream and wired.how in ("same", "subtype")
        return self.edges.get(keys[0]) if straight else None

    def alike(self, name: str) -> bool:
        """Whether all rows that a node gives have the same columns, and plain values in them."""
        while True:
            work = self.work(name)
            known = self.flow.nodes[name]
            if work is None or not work.alike or known.on_error in ("continue", "route"):
                return False
            if work.kind == "source":
                return True
            edge = self.before(name)
            if edge is None or edge.source not in self.flow.nodes or edge.source in self.plan.given:
                return False
            name = edge.source
