"""What a node may ask of the run it works in."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from weft_engine.nodes.region import Signal
from weft_engine.nodes.types import Skip


class NodeLogger(Protocol):
    """Writes lines into the log of the run."""

    def info(self, message: str, /, *args: Any) -> None: ...
    def warning(self, message: str, /, *args: Any) -> None: ...
    def error(self, message: str, /, *args: Any) -> None: ...


class Files(Protocol):
    """The files a flow may use; on a server confined to a folder."""

    def open_read(self, path: str) -> Path:
        """Where to read `path`; `file.outside_root` or `file.not_found` when it may not be."""
        ...

    def open_write(self, path: str) -> Path:
        """Where to write `path`, its folder made."""
        ...


class NodeContext(Protocol):
    """The run, as one node sees it."""

    @property
    def node_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def scope(self) -> str:
        """Where in the run it is activated: `""`, `loop:3`; for one record of a stream `#17`."""
        ...

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        ...

    @property
    def idempotency_key(self) -> str:
        """Names this activation to services outside; the same on every attempt, also after a crash.

        In record-by-record stretches, where calls are no activations, the node's.
        """
        ...

    @property
    def logger(self) -> NodeLogger: ...
    @property
    def files(self) -> Files: ...
    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables as this node sees them.

        Those that its scope began with, and over them what nodes before it, by edges, have set.
        """
        ...

    def set_variable(self, name: str, value: Any) -> None:
        """Set a variable for what comes after this node."""
        ...

    @property
    def nodes(self) -> Mapping[str, Any]:
        """Outputs of nodes before this one, by node: where it has one port, the value of that.

        Where it has several: the values by port, those that were taken. Streams are not there.
        """
        ...

    @property
    def index(self) -> int | None:
        """The number of the iteration it is part of, of the innermost loop, from 0."""
        ...

    @property
    def signal(self) -> Signal | None:
        """What woke a node that waited; None when its time came, or it did not wait."""
        ...

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """Why the run failed; only what runs after that knows it."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the run was started with."""
        ...

    @property
    def event(self) -> Mapping[str, Any] | Skip | None:
        """The event this node, a trigger, gives: `{event_id, payload, at}`.

        `SKIP` when another trigger started the run, None when no event is known.
        """
        ...

    @property
    def http(self) -> Any:
        """A client for HTTP requests that keeps to the addresses a flow may use."""
        ...

    def progress(self, done: float, total: float | None = None) -> None:
        """Say how far the node is."""
        ...

    def cancelled(self) -> bool:
        """Whether the run is being stopped; a node that works long looks now and then."""
        ...

    def now(self) -> datetime:
        """The time, with its zone."""
        ...
