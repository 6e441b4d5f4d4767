"""The logical graph: what is to be computed, as data.

A `DataStream` program and a lowered flow are both such a graph. Backends read it; nothing in it
knows how, where or in what batches it will run.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from weft_engine.kernel.policy import PLAIN, Policy

UNTIMED: Final = frozenset(
    {
        "aggregate",
        "collect",
        "concat",
        "distinct",
        "drop_times",
        "first_of",
        "fold",
        "join",
        "limit",
        "process",
        "reduce",
        "sink_factory",
        "sort",
        "zip",
    }
)
"""Kinds that know nothing of event times; what they emit has none."""

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ref:
    """One output of one operator."""

    operator: int
    output: int = 0


ShipKind = Literal["auto", "forward", "hash", "rebalance", "broadcast", "gather", "custom"]


@dataclass(frozen=True, slots=True)
class Ship:
    """How the records of an input find the subtask that takes them.

    `auto` is forward between operators of the same parallelism and rebalance otherwise, `hash`
    goes by key group, `gather` sends everything to subtask 0, `custom` asks the key function for
    the number of the subtask (taken modulo the parallelism).
    """

    kind: ShipKind = "auto"
    key: Callable[[Any], Any] | None = None


AUTO: Final = Ship()


@dataclass(frozen=True, slots=True)
class Vertex:
    """One operator of the graph."""

    id: int
    kind: str
    """What it does; the key of `operators.KINDS`."""
    name: str
    inputs: tuple[Ref, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    """What its operator is made with."""
    outputs: int = 1
    """How many outputs it has; one more, numbered `outputs`, carries failures."""
    owner: str = ""
    """What it belongs to, for counters and errors: the path of a flow's node."""
    policy: Policy = PLAIN
    keep: bool = False
    """It must see its whole input, even when nothing behind it wants more."""
    ships: tuple[Ship, ...] = ()
    """How the records of each input are distributed; `auto` where none is given."""
    uid: str = ""
    """The name its state is kept under, unique in the graph."""
    parallelism: int | None = None
    """How many subtasks it runs as; the environment's when None."""
    placement: str = ""
    """The label of the workers it must run on; anywhere when empty."""
    chain: bool = True
    """Whether it may run in the same thread as the operator before it."""
    timed: bool = False
    """Whether its records have event times."""

    def ship(self, port: int) -> Ship:
        """How the records of an input are distributed."""
        return self.ships[port] if port < len(self.ships) else AUTO


@dataclass(slots=True)
class Graph:
    """Operators in an order in which every one stands behind its inputs."""

    vertices: list[Vertex] = field(default_factory=list)
    feedback: list[tuple[Ref, int]] = field(default_factory=list)
    """Outputs that lead back to the `iterate` operator with that id."""
    home: Any = field(default=None, repr=False, compare=False)
    """The environment that it is built in, for streams that run themselves."""
    collected: list[Any] = field(default_factory=list, repr=False, compare=False)
    """Handles that wait for what the next job collects."""
    live: bool = field(default=False, compare=False)
    """Whether it will run as subtasks, with event times, keyed state and checkpoints, and not in
    order in one thread: some operators know only one of the two."""
    _owner: str = ""
    _policy: Policy = PLAIN
    _keep: bool = False

    def add(
        self,
        kind: str,
        *inputs: Ref,
        name: str = "",
        params: Mapping[str, Any] = NO_PARAMS,
        outputs: int = 1,
        keep: bool = False,
        **more: Any,
    ) -> Vertex:
        """Append an operator that reads the given outputs; `more` are other fields of `Vertex`."""
        vertex = Vertex(
            len(self.vertices),
            kind,
            name or kind,
            inputs,
            params,
            outputs,
            self._owner,
            self._policy,
            keep or self._keep,
            **{"uid": f"{kind}-{len(self.vertices)}", **more},
        )
        for ref in inputs:
            if not 0 <= ref.operator < vertex.id:
                raise ValueError(f"operator {vertex.id} reads operator {ref.operator}")
        self.vertices.append(vertex)
        return vertex

    @contextmanager
    def owned(self, owner: str, policy: Policy = PLAIN, *, keep: bool = False) -> Iterator[None]:
        """Let everything added inside belong to an owner and follow its policy."""
        before = self._owner, self._policy, self._keep
        self._owner, self._policy, self._keep = owner, policy, keep
        try:
            yield
        finally:
            self._owner, self._policy, self._keep = before

    def of_owner(self, owner: str) -> list[Vertex]:
        """The operators that belong to an owner."""
        return [vertex for vertex in self.vertices if vertex.owner == owner]
