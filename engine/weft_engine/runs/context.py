"""What nodes are given of the run they work in."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from weft_engine.errors import NodeError
from weft_engine.nodes.context import Files
from weft_engine.nodes.region import Signal
from weft_engine.nodes.types import SKIP, Skip
from weft_engine.runs.identities import Identities, identity_of
from weft_engine.runs.levels import ATTEMPT

log = logging.getLogger(__name__)

Log = Callable[[str, str, str], None]
"""Takes a line of the run's log: node, level, message."""
Progress = Callable[[str, float, float | None], None]
"""Takes how far a node is: node, done, total."""

LONGEST_LINE: Final = 4000


@dataclass(slots=True)
class RunScope:
    """What all nodes of one run share."""

    run_id: str
    files: Files
    cancel: threading.Event
    log: Log
    progress: Progress
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    trigger: Mapping[str, Any] | None = None
    """The event that started the run, as in `RunRequest.trigger`."""
    identity: str = ""
    """What idempotency keys are made of; the run's id when empty."""
    identities: Identities = field(default_factory=dict)
    """Where they are made of another run's."""
    _http: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.inputs = MappingProxyType(dict(self.inputs))
        self.variables = MappingProxyType(dict(self.variables))
        self.identity = self.identity or self.run_id

    def identity_at(self, path: str, scope: str) -> str:
        """What the idempotency key of an activation is made of."""
        return identity_of(self.identities, path, scope, self.identity)

    def key_at(self, path: str, scope: str) -> str:
        """The idempotency key of an activation."""
        return idempotency_key(self.identity_at(path, scope), path, scope)

    @property
    def http(self) -> Any:
        """The HTTP client of the run; made when first asked for."""
        with self._lock:
            if self._http is None:
                # Loading it takes longer than most runs, and most runs need none.
                from weft_engine.runs.http_guard import HttpClient  # noqa: PLC0415

                self._http = HttpClient(self.allow_hosts)
            return self._http

    def close(self) -> None:
        """Close what was opened on the way."""
        if self._http is not None:
            try:
                self._http.close()
            except Exception:
                log.exception("the connections of the run %s do not close", self.run_id)

    def of(self, node: str) -> "Context":
        """The run, as one node sees it."""
        return Context(self, node)


class Cancelled(Protocol):
    """Says whether what somebody works on is to be stopped."""

    def is_set(self) -> bool: ...


@dataclass(slots=True)
class Place:
    """Where in a run a node is activated, and what it may know there."""

    path: str
    """The node's path: `loop/fetch`."""
    scope: str = ""
    """`loop:3`; of a call for one record of a stream `#17` or `loop:3#17`."""
    index: int | None = None
    attempt: int = 1
    variables: Mapping[str, Any] | None = None
    """As the node sees them; those of the flow when None."""
    inputs: Mapping[str, Any] | None = None
    """Of a called flow: what it was called with; those of the run when None."""
    earlier: Callable[[], Mapping[str, Any]] | None = None
    """Outputs of nodes before it, made when first asked for."""
    signal: Signal | None = None
    failure: Mapping[str, Any] | None = None
    cancel: Cancelled | None = None
    """Whether this activation is to be stopped; the run as a whole when None."""
    settable: bool = False
    """Whether it may set variables."""
    set: dict[str, Any] = field(default_factory=dict)
    """The variables that it set."""


def in_attempt(attempt: int) -> str:
    """What stands behind the scopes that a container opens in an attempt: `loop:3~2`."""
    return f"~{attempt}" if attempt > 1 else ""


def idempotency_key(run_id: str, path: str, scope: str) -> str:
    """What names an activation to services outside: the same on every attempt.

    The attempts of the containers around do not count, either.
    """
    return digest_of(run_id, path, ATTEMPT.sub("", scope) if "~" in scope else scope)


def digest_of(run_id: str, path: str, scope: str) -> str:
    """What an activation is known by, another one in each attempt of the containers around."""
    return hashlib.sha256(f"{run_id}\n{path}\n{scope}".encode()).hexdigest()[:32]


class Context:
    """The run, as one node sees it."""

    __slots__ = ("_nodes", "_place", "_progress", "_scope", "_variables", "logger", "node_id")

    def __init__(
        self,
        scope: RunScope,
        node_id: str,
        place: Place | None = None,
        log: Log | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._scope = scope
        self._place = place or Place(node_id)
        self._progress = progress or scope.progress
        self._nodes: Mapping[str, Any] | None = None
        self._variables: Mapping[str, Any] | None = None
        self.node_id = node_id
        self.logger = Logger(log or scope.log, node_id)

    @property
    def run_id(self) -> str:
        """The run."""
        return self._scope.run_id

    @property
    def scope(self) -> str:
        """Where in the run it is activated: `""`, `loop:3`, `#17`."""
        return self._place.scope

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self._place.attempt

    @property
    def idempotency_key(self) -> str:
        """Names this activation to services outside; the same on every attempt."""
        return self._scope.key_at(self._place.path, self._place.scope)

    @property
    def files(self) -> Files:
        """The files the flow may use."""
        return self._scope.files

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables as this node sees them."""
        if self._place.variables is None:
            return self._scope.variables
        if self._variables is None:
            self._variables = MappingProxyType(dict(self._place.variables))
        return self._variables

    def set_variable(self, name: str, value: Any) -> None:
        """Set a variable for what comes after this node."""
        if not self._place.settable:
            raise NodeError(
                f"The variable {name!r} cannot be set for one record of a stream.",
                code="node.failed",
                hint="Set it from a single value, or inside a loop.",
                params={"variable": name},
            )
        self._place.set[name] = value

    def set_variables(self) -> dict[str, Any]:
        """The variables that it set."""
        return self._place.set

    @property
    def nodes(self) -> Mapping[str, Any]:
        """Outputs of nodes before this one, by node."""
        if self._nodes is None:
            earlier = self._place.earlier
            self._nodes = MappingProxyType(dict(earlier()) if earlier is not None else {})
        return self._nodes

    @property
    def index(self) -> int | None:
        """The number of the iteration it is part of."""
        return self._place.index

    @property
    def signal(self) -> Signal | None:
        """What woke a node that waited."""
        return self._place.signal

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """Why the run failed."""
        return self._place.failure

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the run was started with, or the called flow was called with."""
        given = self._place.inputs
        return self._scope.inputs if given is None else MappingProxyType(dict(given))

    @property
    def event(self) -> Mapping[str, Any] | Skip | None:
        """The event this node gives; `SKIP` when another trigger started the run."""
        trigger = self._scope.trigger
        if trigger is None:
            return None
        if trigger.get("node") is None:
            event: Mapping[str, Any] | None = (trigger.get("recent") or {}).get(self.node_id)
            return event
        return trigger if trigger["node"] == self.node_id else SKIP

    @property
    def http(self) -> Any:
        """A client for HTTP requests that keeps to the addresses a flow may use."""
        return self._scope.http

    def progress(self, done: float, total: float | None = None) -> None:
        """Say how far the node is."""
        self._progress(self.node_id, done, total)

    def cancelled(self) -> bool:
        """Whether what this node does is being stopped."""
        return (self._place.cancel or self._scope.cancel).is_set()

    def now(self) -> datetime:
        """The time, with its zone."""
        return datetime.now(UTC)


class Logger:
    """Writes lines of one node into the log of the run."""

    __slots__ = ("_log", "_node")

    def __init__(self, log: Log, node: str) -> None:
        self._log = log
        self._node = node

    def info(self, message: str, /, *args: Any) -> None:
        """Something worth knowing."""
        self._log(self._node, "info", written(message, args))

    def warning(self, message: str, /, *args: Any) -> None:
        """Something that may be wrong."""
        self._log(self._node, "warning", written(message, args))

    def error(self, message: str, /, *args: Any) -> None:
        """Something that is wrong."""
        self._log(self._node, "error", written(message, args))


def written(message: object, args: Iterable[Any]) -> str:
    """A line as it is kept: filled in, and not too long."""
    text = str(message)
    values = tuple(args)
    if values:
        try:
            text = text % values
        except (TypeError, ValueError):
            text = f"{text} {' '.join(map(str, values))}"
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 1]}…"
