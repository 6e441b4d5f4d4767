"""What a run executes: scopes, each cut into units, as plain data that is hashed.

A *scope* is a set of nodes that start afresh together: the run itself, a go through the body of a
loop, a called flow. Its nodes and edges are a `Flow` of their own, in which nodes whose outputs
come from outside are *given*. A *unit* is what the scheduler starts: one activation of one node, or
a stretch of record-by-record nodes that run as one job on the kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from weft_engine.compiler.compiled import Compiled
from weft_engine.flow.model import Edge, Flow

UnitKind = Literal["call", "map", "stream", "container"]
"""`call`: a node on values, called once. `map`: a node with effects or waiting, called for every
record of a stream, each call an activation of its own (scope `node#17`). `stream`: a stretch of
nodes on the kernel. `container`: a node that drives child scopes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Something the scheduler starts when everything before it is done."""

    id: int
    kind: UnitKind
    nodes: tuple[str, ...]
    """In an order in which inputs come first; one node unless the kind is `stream`."""
    before: frozenset[int]
    """Units of the same scope whose outputs it reads."""
    why: str = ""
    """Why it is a unit of its own, for `weft plan`; a key of the texts, such as `effects`."""


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """One scope, ready to be executed any number of times."""

    path: str
    """Static path: `""`, `loop`, `loop/inner`, with `loop@catch` for a section but the body."""
    container: str | None
    """The node that opens it, in the scope around it."""
    section: str
    compiled: Compiled
    """Its nodes, with `compiled.flow` the flow of this scope alone."""
    given: Mapping[str, frozenset[str]]
    """Nodes of `compiled.flow` that are not run here, and which of their ports are read: the
    container itself (its inner outputs) and nodes of the scopes around it."""
    exits: Mapping[str, tuple[Edge, ...]]
    """Inner input of the container → the edges of the body that lead to it, by id."""
    units: tuple[Unit, ...]
    unit_of: Mapping[str, int]
    inner: Mapping[str, Mapping[str, "ScopePlan"]] = field(default_factory=dict)
    """Container node of this scope → section → its plan. Of a called flow: section `body`."""
    captures: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Container node of this scope → the outputs (node, port) of this scope and of those around
    that its inside reads: what must be there before it starts, beside its inputs."""
    outputs: tuple[str, ...] = ()
    """Of the run's own scope and of a called flow: the nodes whose outputs are the flow's."""
    unused: frozenset[str] = frozenset()
    """Nodes that are left out, as nothing comes of them and nobody looks."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something an optimising pass did, or why it did not."""

    rule: str
    """`fold`, `push_filter`, `push_projection`, `dead_branch`, `parallel`, `batch`, `chain`…"""
    nodes: tuple[str, ...]
    message: str
    key: str = ""
    """Names the message among the texts, for other languages; `params` fill it in."""
    params: Mapping[str, Any] = field(default_factory=dict)
    done: bool = True
    """False: it says why something was not done."""


@dataclass(frozen=True, slots=True)
class Program:
    """A flow that passed its checks, optimised and cut into units."""

    flow: Flow
    """As it was written."""
    top: ScopePlan
    hash: str
    """Equal programs have equal hashes; a resumed run must have the hash it began with."""
    on_error: ScopePlan | None = None
    """What runs when the run has failed: the nodes behind `control.on_error`."""
    notes: tuple[Note, ...] = ()
    signatures: Mapping[str, str] = field(default_factory=dict)
    """Node of the run's own scope → Merkle signature of its type, version, settings that matter
    and inputs; missing for nodes whose outputs must not be used again."""
    options: "ProgramOptions | None" = None
    """What it was made with, so that another process can make the same one."""
    only: frozenset[str] | None = None
    """The nodes that were looked at; all when None."""


@dataclass(frozen=True, slots=True)
class ProgramOptions:
    """What of a run changes how a flow is cut into units; never what it gives."""

    isolate: frozenset[str] = frozenset()
    """Paths (`loop/inner/node`) of nodes with breakpoints: units of their own, called one by
    one."""
    called: bool = False
    """Another run calls it, which reads what its output nodes give."""
    optimise: bool = True
    attended: bool = True
    """Somebody may look at what every node did: what they would miss is not optimised away."""
    flows: Mapping[str, Any] = field(default_factory=dict)
    """Called flows by the name that `flow.call` gives, as plain data."""
