"""What nodes are given of the run they work in."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.nodes.context import Files
from weft_engine.nodes.region import Signal
from weft_engine.nodes.types import SKIP, Skip

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
    _http: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.inputs = MappingProxyType(dict(self.inputs))
        self.variables = MappingProxyType(dict(self.variables))

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


class Context:
    """The run, as one node sees it."""

    __slots__ = ("_scope", "logger", "node_id")

    def __init__(self, scope: RunScope, node_id: str) -> None:
        self._scope = scope
        self.node_id = node_id
        self.logger = Logger(scope.log, node_id)

    @property
    def run_id(self) -> str:
        """The run."""
        return self._scope.run_id

    @property
    def files(self) -> Files:
        """The files the flow may use."""
        return self._scope.files

    @property
    def variables(self) -> Mapping[str, Any]:
        """The flow's variables."""
        return self._scope.variables

    def set_variable(self, name: str, value: Any) -> None:
        """Set a variable for what comes after this node."""
        raise NodeError(f"The variable {name!r} cannot be set here.", code="node.failed")

    @property
    def nodes(self) -> Mapping[str, Any]:
        """Outputs of nodes before this one, by node."""
        return {}

    @property
    def index(self) -> int | None:
        """The number of the iteration it is part of."""
        return None

    @property
    def signal(self) -> Signal | None:
        """What woke a node that waited."""
        return None

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """Why the run failed."""
        return None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the run was started with."""
        return self._scope.inputs

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
        self._scope.progress(self.node_id, done, total)

    def cancelled(self) -> bool:
        """Whether the run is being stopped."""
        return self._scope.cancel.is_set()

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
