"""Nodes that contain other nodes: what they offer inside, and how they drive what lies in them.

A container is a node like any other from outside. The nodes in it name it as their `parent`. Its
*inner outputs* (an item, a state) are where edges into its body start, its *inner inputs* (a
result, the next state) are where edges out of its body end:

    {source: loop, source_port: item, target: body}      an inner output
    {source: body, source_port: out, target: loop, target_port: result}      an inner input

A body may also read outputs of nodes outside; these are the same for every time the body runs.
Nothing inside is read from outside but through the container.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from weft_engine.nodes.port_type import PortType

BODY = "body"
"""The section of a container that is not named otherwise."""


@dataclass(frozen=True)
class InnerPort:
    """A port of a container that faces inwards."""

    name: str
    type: PortType
    """May use the type variables of the container's outer ports."""
    description: str = ""
    required: bool = False
    """Of an inner input: something must be wired to it."""
    multiple: bool = False
    """Of an inner input: it takes many edges; its value is the list of what arrived."""
    section: str = BODY
    """Of an inner output: the section that what it leads to belongs to. Nodes that no inner output
    of another section leads to are of the body. Of an inner input: the section it closes."""


@dataclass(frozen=True)
class Inside:
    """What a container offers to the nodes in it."""

    outputs: tuple[InnerPort, ...] = ()
    inputs: tuple[InnerPort, ...] = ()
    always: tuple[str, ...] = ()
    """Sections that are gone through even when the container is being cancelled."""
    repeats: bool = False
    """Its body is gone through more than once."""

    @property
    def sections(self) -> tuple[str, ...]:
        """All sections, the body first."""
        named = [port.section for port in (*self.outputs, *self.inputs)]
        return tuple(dict.fromkeys((BODY, *named)))


@dataclass(frozen=True)
class ScopeEnd:
    """How one go through a section ended."""

    section: str
    key: str
    state: Literal["completed", "failed", "skipped", "cancelled"]
    exits: Mapping[str, Any] = field(default_factory=dict)
    """What arrived at the section's inner inputs; `SKIP` where nothing did. For an inner input
    that takes many edges: a list in the order of the edges' ids, without what was skipped; `SKIP`
    when all of them were. Of a
    called flow: by output node, what its one port gave or a record of what its ports gave, streams
    as lists; `SKIP` for a node that gave nothing. Nodes without output ports are left out."""
    failure: Mapping[str, Any] | None = None
    """The failure as data, with `node`, `scope`, `code`, `message`."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """The variables that were set in it, also by containers in it that keep them."""


class Region(Protocol):
    """A container at work, as its node type sees it. Scopes are started and waited for."""

    def input(self, port: str) -> Any:
        """What arrived at an outer input.

        A value; `SKIP` where something is wired and nothing came; the default of the port where
        nothing is wired.
        """
        ...

    def records(self, port: str) -> Iterator[Any]:
        """What arrived at an outer input that takes a stream, record by record, read lazily."""
        ...

    def names(self) -> Mapping[str, Any]:
        """What expressions of the container know beside `item`: `flow`, `run`, `vars` and so on.

        `vars` are the variables as the container sees them, with those that it kept.
        """
        ...

    def keep(self, variables: Mapping[str, Any]) -> None:
        """Set variables: for scopes that are started from now on, and for what comes after it."""
        ...

    def start(self, key: str, section: str = BODY, /, **given: Any) -> None:
        """Go through a section once, in a child scope.

        A value given as `index` is also the `index` of expressions inside; without one, that of the
        scope around is.

        Args:
            key: Its name, unique within the container and the same on resume, such as the
                number of the iteration.
            section: The section.
            given: Values of the section's inner outputs; of a called flow, of its inputs.
        """
        ...

    def first(self, key: str) -> None:
        """From now on a scope ends as soon as one of the values at its inner inputs is there.

        A node in it that fails counts as skipped until no value can come any more: then the scope
        ends as failed, with the first failure; where nothing failed, as completed without a value.
        """
        ...

    def cancel(self, key: str) -> None:
        """Stop a scope that was started; its end comes as `cancelled`."""
        ...

    def log(self, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        ...

    def progress(self, done: float, total: float | None = None, failed: int = 0) -> None:
        """Say how far the container is, and how much of what is done has failed."""
        ...

    def emit(self, port: str, value: Any) -> None:
        """Give one record by an outer output that is a stream, in the order of these calls."""
        ...


Drive = Generator[None, ScopeEnd, Mapping[str, Any]]
"""What `NodeType.drive(self, region)` returns.

Each `end = yield` waits for the end of one of the scopes that were started, in the order in which
they end; what it returns are the values of the outer outputs that are no streams, by port, `SKIP`
where one is not taken. It raises `NodeError` to fail, and `ScopeFailedError(end)` to fail as a
scope did. It must do the same again when it is given the same ends: a run that goes on after a
crash drives its containers anew and is given the ends that were recorded, so it asks for no time,
no chance and nothing outside.

When it returns or raises, scopes that are still under way are cancelled. When the container itself
is cancelled, its scopes are, and it is told their ends as `cancelled`; what it starts from then on
ends so at once, but sections in `Inside.always`; what it returns counts for nothing.
"""


class ScopeFailedError(Exception):
    """A container fails because one of its scopes did."""

    def __init__(self, end: ScopeEnd) -> None:
        super().__init__(end.failure["message"] if end.failure else end.key)
        self.end = end


@dataclass(frozen=True)
class Wake:
    """What a parked activation waits for: a moment, a signal, or whichever comes first."""

    kind: Literal["timer", "signal", "approval"]
    due: float | None = None
    """Seconds since the epoch."""
    signal: str | None = None
    """The name of the signal, also of an approval; None for the activation's own, `node@scope`."""
    message: str = ""
    """What people are asked."""
    data: Any = None
    """What they are shown with it."""


@dataclass(frozen=True)
class Signal:
    """What ended the wait of a parked activation; None in its place means that its time came."""

    name: str
    payload: Any = None
    """Of an approval: `{approved: bool, comment: str}`."""
    by: str | None = None
    """Who sent it."""
