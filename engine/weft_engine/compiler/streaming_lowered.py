"""What lowering makes of a flow in streaming mode, and what it needs of the run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from weft_engine.compiler.streaming_steps import LiveContext, Watch
from weft_engine.flow.model import Edge
from weft_engine.kernel.connectors import Source
from weft_engine.kernel.graph import Graph, Ref
from weft_engine.nodes.port_type import PortType

NO_STATE: Final = ("tap/", "records/", "given/")
"""Operators whose uids begin so hold nothing that a changed flow could miss."""


@dataclass(slots=True)
class LiveNode:
    """What became of a node."""

    inputs: dict[str, list[Edge]] = field(default_factory=dict)
    outputs: dict[str, PortType] = field(default_factory=dict)
    uids: list[str] = field(default_factory=list)
    """Its operators."""
    source: bool = False
    delivery: str | None = None
    """Of a sink: what it guarantees."""


@dataclass(slots=True)
class Live:
    """A graph, and how the flow's nodes lie in it."""

    graph: Graph
    nodes: dict[str, LiveNode] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    queues: dict[str, int] = field(default_factory=dict)
    """Operators in front of which only so many records may wait."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the operators of a live run are given of it; all that it makes is picklable."""

    context: Callable[[str], LiveContext]
    watch: Callable[[str], Watch]
    events: Callable[[str], Source[Any]]
    """The events of a trigger, from its log."""
    parallelism: int = 1


@dataclass(frozen=True, slots=True)
class LivePort:
    """Where the records of an output come from."""

    ref: Ref
    numbered: bool = False
    """Whether its records always come in the same order."""
