"""What every environment does for the scheduler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from weft_engine.compiler.program import ScopePlan, Unit
from weft_engine.runs.run import NodeResult, NodeState, RunRequest


@dataclass(frozen=True, slots=True)
class Resources:
    """What a unit needs; the largest of what its nodes ask for."""

    cpu: float = 1.0
    gpu: float = 0.0
    memory_mb: int | None = None


@dataclass(slots=True)
class UnitTask:
    """A unit to be worked on: a job on the kernel, or calls of one node."""

    request: RunRequest
    plan: ScopePlan
    unit: Unit
    scope: str
    """The scope's path, with iterations: `loop:3`."""
    inputs: Mapping[tuple[str, str], Any]
    """What units before and scopes around gave: (node, port) → a value, a `Records`, or `SKIP`."""
    key: str = ""
    """Of one call of a lifted node: the record's number."""
    arguments: Mapping[str, Any] | None = None
    """Of a call: its arguments by port."""
    attempt: int = 1
    idempotency_key: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    place: Any = None
    """Of a call: what the node may know of where it is activated (`runs.context.Place`)."""


@dataclass(slots=True)
class UnitOutcome:
    """What became of a unit."""

    outputs: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(node, port) → a value, a `Records`; a port that is not there was not taken."""
    failure: BaseException | None = None
    failed_node: str | None = None
    record: Any = None
    """What the node was given that failed."""
    attempt: int = 1
    cancelled: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    """Variables that it set."""
    described: dict[str, Any] | None = None
    """The failure as data, where it was told already."""
    never_ran: list[str] = field(default_factory=list)
    """Nodes of a stretch that failed before they began."""


class Handle(Protocol):
    """A unit that is being worked on."""

    def cancel(self) -> None:
        """Stop it soon; its outcome comes all the same."""
        ...


class Sink(Protocol):
    """Takes what the nodes of a unit say while they work; `NodeSink` of runs/engine/sink.py.

    All that it takes is plain data, so that what nodes say in other processes can be handed on.
    Calls come from any thread. Nodes are named as in their scope, without a path.
    """

    def say(self, kind: str, node: str, data: dict[str, Any]) -> None:
        """Tell an event of a node."""
        ...

    def log(self, node: str, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        ...

    def progress(self, node: str, done: float, total: float | None) -> None:
        """Say how far a node is that is called once."""
        ...

    def result(self, node: str, result: NodeResult) -> None:
        """Show what becomes of a node of a stretch; the last word of it counts."""
        ...

    def state(self, node: str) -> NodeState | None:
        """Where another node of the scope is."""
        ...


class Executor(Protocol):
    """Works on units. What nodes say meanwhile goes to the `NodeSink` of runs/engine/sink.py."""

    name: str

    def submit(self, task: UnitTask, sink: Sink, done: Callable[[UnitOutcome], None]) -> Handle:
        """Work on a unit beside the caller; `done` is called once, on any thread."""
        ...

    def leave(self, scope: str, unit: int) -> None:
        """A unit of calls is over: nodes that were opened for it are closed."""
        ...

    def close(self) -> None:
        """End what was started for the run; workers that runs share stay."""
        ...
