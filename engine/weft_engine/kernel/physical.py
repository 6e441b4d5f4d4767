"""The physical plan: stages of operators, and the edges between their subtasks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from weft_engine.kernel.policy import PLAIN, Policy

KEY_GROUPS: Final = 128
"""Into how many groups keys are divided unless a program says otherwise; a power of two. It bounds
the parallelism of keyed operators and is fixed for as long as their state lives."""

Exchange = Literal["forward", "hash", "rebalance", "broadcast", "gather", "custom"]


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """One operator of a stage."""

    uid: str
    """The name its state, counters and errors go by; unique in the plan."""
    kind: str
    """What it does; the key of `streaming.KINDS` or of the code generator."""
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """What it is made with; functions stand here as they are."""
    key: Callable[[Any], Any] | None = None
    """The key of the records of its first input, where it is keyed."""
    keys: tuple[Callable[[Any], Any] | None, ...] = ()
    """The keys of all its inputs, where it has several."""
    outputs: int = 1
    """How many outputs it has; one more, numbered `outputs`, carries failures."""
    inputs: int = 1
    policy: Policy = PLAIN
    owner: str = ""
    timed: bool = False
    """Whether the records it emits have event times."""
    vertex: int = -1
    """Its id in the logical graph."""
    effect: bool = False
    """Whether it must see its whole input, even when nothing behind it wants more."""
    copies: bool = False
    """Whether it is to work on copies of its records, because others have them too
    (`object.reuse` is off)."""
    shared: bool = False
    """Whether, with another parallelism, all pieces of its own state are given to every subtask
    instead of being dealt."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Operators that run one behind the other in one thread, as `parallelism` subtasks.

    The first may have several inputs; each of the others reads output 0 of the one before it.
    """

    id: int
    name: str
    operators: tuple[OperatorSpec, ...]
    parallelism: int
    placement: str = ""
    queue_records: int | None = None
    """How many records a channel into it holds; as many as the settings say when None."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Channels from every subtask of a stage to those of another that the exchange calls for."""

    id: int
    source: int
    """The stage it comes from."""
    operator: int
    """Which operator of that stage emits the records, by position."""
    output: int
    target: int
    port: int
    """The input of the target's first operator."""
    exchange: Exchange
    key: Callable[[Any], Any] | None = None
    """How the key of a record is found, for `hash` and `custom`; the sender fills `Batch.keys`."""
    feedback: bool = False
    """It leads back to an `iterate` operator."""
    lenient: str = ""
    """For `hash`: who lives with records that have no key, by its error policy, as its failures
    call it. When empty, such a record fails the job."""


@dataclass(frozen=True, slots=True)
class PhysicalPlan:
    """What a backend deploys. Stages stand behind those they read from, feedback aside."""

    job: str
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]
    key_groups: int = KEY_GROUPS
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Plain values: see `config.Settings.plain`."""
    notes: tuple[str, ...] = ()
    """What the planner has changed, for people."""

    def into(self, stage: int) -> tuple[Edge, ...]:
        """The edges that lead into a stage."""
        return tuple(edge for edge in self.edges if edge.target == stage)

    def out_of(self, stage: int) -> tuple[Edge, ...]:
        """The edges that leave a stage."""
        return tuple(edge for edge in self.edges if edge.source == stage)


def channel_targets(exchange: Exchange, index: int, targets: int) -> range:
    """The subtasks that a sender's subtask has a channel to, in order.

    `forward` keeps the number; everything else may reach every subtask (`gather` only the first).
    """
    if exchange == "forward":
        return range(index, index + 1)
    return range(1) if exchange == "gather" else range(targets)


def key_group_range(subtask: int, parallelism: int, key_groups: int) -> range:
    """The key groups that belong to a subtask."""
    start = (subtask * key_groups + parallelism - 1) // parallelism
    stop = ((subtask + 1) * key_groups + parallelism - 1) // parallelism
    return range(start, stop)


def subtask_of(key_group: int, parallelism: int, key_groups: int) -> int:
    """The subtask that a key group belongs to."""
    return key_group * parallelism // key_groups
