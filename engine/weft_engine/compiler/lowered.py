"""What lowering makes of a flow, and what it needs to know beside it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from weft_engine.compiler.ahead import Spared
from weft_engine.compiler.calls import Call
from weft_engine.flow.model import Edge, Node
from weft_engine.kernel.graph import Graph
from weft_engine.kernel.policy import Policy
from weft_engine.nodes.node_type import Shown
from weft_engine.nodes.port_type import PortType


@dataclass(slots=True)
class LoweredNode:
    """What became of a node."""

    outputs: dict[str, PortType] = field(default_factory=dict)
    inputs: dict[str, list[Edge]] = field(default_factory=dict)
    """The edges that lead to it, by input port; those that carry nothing included."""
    entries: list[int] = field(default_factory=list)
    """Operators whose incoming records are the node's."""
    calls: Call | None = None
    """Counts the calls of a node with `process`."""
    pinned: bool = False
    once: bool = False
    """It is called once, and when that fails it does not take part."""
    spared: Spared | None = None
    """Counts records that it was spared."""
    shown: Shown | None = None
    """What of its view is kept."""


@dataclass(slots=True)
class Lowered:
    """A graph, and how the flow's nodes lie in it."""

    graph: Graph
    nodes: dict[str, LoweredNode] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Nodes that are known not to run, and why."""


@dataclass(frozen=True, slots=True)
class Given:
    """An output that is there before the graph runs: of another unit, or of a scope around."""

    records: Callable[[], Iterable[Any]] | None
    """Its records, or the one value; None when the port was not taken."""
    skips: bool = False


class NodeBuildError(Exception):
    """A node failed before anything ran; the cause says why."""

    def __init__(self, node: str) -> None:
        super().__init__(f"{node} cannot be set up")
        self.node = node


def policy_of(node: Node) -> Policy:
    """How a node's failures are dealt with."""
    retry = node.retry
    if retry is None:
        return Policy(timeout_s=node.timeout_s, on_error=node.on_error)
    return Policy(
        max_attempts=retry.max_attempts,
        delay_s=retry.delay_s,
        backoff=retry.backoff,
        max_delay_s=retry.max_delay_s,
        timeout_s=node.timeout_s,
        on_error=node.on_error,
    )
