"""What the nodes of a live run are given of it, in whatever process they work."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft_engine.nodes.types import Skip
from weft_engine.runs.context import Context, Place, RunScope
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.streaming.saying import say


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A live run as plain data."""

    run_id: str
    root_id: str
    """The first of the runs that took over from one another: what keys of effects are made of."""
    files_root: str
    confined: bool
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    nodes: Mapping[str, Any] = field(default_factory=dict)
    """Single values that nodes before the stream gave."""


_scopes: dict[str, RunScope] = {}
_lock = threading.Lock()


def scope_of(facts: RunFacts) -> RunScope:
    """The run in this process; made when it is first asked for."""
    with _lock:
        found = _scopes.get(facts.run_id)
        if found is None:
            found = _scopes[facts.run_id] = RunScope(
                run_id=facts.root_id,
                files=LocalFiles(Path(facts.files_root), confined=facts.confined),
                cancel=threading.Event(),
                log=_Log(facts.run_id),
                progress=_no_progress,
                inputs=facts.inputs,
                variables=facts.variables,
                allow_hosts=facts.allow_hosts,
            )
        return found


def forget_scope(run_id: str) -> None:
    """The run has ended in this process: nodes that look are told, connections are closed."""
    with _lock:
        found = _scopes.pop(run_id, None)
    if found is not None:
        found.cancel.set()
        found.close()


class LiveNodeContext(Context):
    """A `NodeContext` that travels to workers."""

    __slots__ = ("_event", "_facts")

    def __init__(
        self, facts: RunFacts, node: str, identity: str = "", event: Any = None, attempt: int = 1
    ) -> None:
        place = Place(
            node,
            scope=f"#{identity}" if identity else "",
            attempt=attempt,
            earlier=lambda: facts.nodes,
        )
        super().__init__(scope_of(facts), node, place)
        self._facts = facts
        self._event = event

    def __reduce__(self) -> Any:
        return LiveNodeContext, (self._facts, self.node_id)

    @property
    def run_id(self) -> str:
        """The run."""
        return self._facts.run_id

    @property
    def event(self) -> Mapping[str, Any] | Skip | None:
        """The event at hand."""
        found: Mapping[str, Any] | None = self._event
        return found

    def at(self, identity: str, event: Any, attempt: int) -> "LiveNodeContext":
        """The same for one record."""
        return LiveNodeContext(self._facts, self.node_id, identity, event, attempt)


class _Log:
    """Brings lines of the log to the run."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __call__(self, node: str, level: str, message: str) -> None:
        say(self._run_id, {"kind": "log", "node": node, "level": level, "message": message})


def _no_progress(node: str, done: float, total: float | None) -> None:
    """A stream has no end to be near to."""
