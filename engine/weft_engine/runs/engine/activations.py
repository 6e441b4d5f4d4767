"""One activation under way: a node, or a stretch of nodes, at work in a scope."""

from collections.abc import Mapping
from typing import Any

from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.executors.base import Handle
from weft_engine.runs.planned import Planned
from weft_engine.runs.run import NodeResult


class Activation:
    """What the scheduler knows of something it has started."""

    __slots__ = (
        "announced",
        "arguments",
        "attempt",
        "began",
        "began_at",
        "earlier",
        "failure",
        "handle",
        "key",
        "owner",
        "placed",
        "quiet",
        "resting",
        "result",
        "scope",
        "signal",
        "stopped",
        "token",
        "unit",
    )

    def __init__(
        self,
        scope: ScopeRun,
        unit: Planned,
        arguments: dict[str, Any],
        *,
        key: str = "",
        owner: Any = None,
    ) -> None:
        self.scope = scope
        self.unit = unit
        self.arguments = arguments
        self.key = key
        """Of one call of a lifted node: the record's number."""
        self.owner = owner
        """Who is told its end, when it is one of many."""
        self.attempt = 1
        self.earlier = 0
        """How many of its attempts were made by the run that this one was forked from."""
        self.began = 0.0
        """By the monotonic clock."""
        self.began_at = 0.0
        """Seconds since the epoch."""
        self.handle: Handle | None = None
        self.resting = False
        """Nothing is under way for it: it waits for its next attempt, or for room."""
        self.placed = False
        """It takes one of the places that there are for what is under way."""
        self.announced = False
        """That it begins is on disk already."""
        self.stopped = False
        self.token = 0
        """Grows with every attempt, so that an answer that comes too late is known as such."""
        self.result: NodeResult | None = None
        self.quiet = False
        self.failure: Mapping[str, Any] | None = None
        """The first failure that it lived with."""
        self.signal: Any = None

    @property
    def place(self) -> str:
        """The scope's path, with the record's number."""
        return f"{self.scope.path}#{self.key}" if self.key else self.scope.path

    @property
    def given(self) -> Any:
        """What the node was given, for the description of a failure."""
        return next(iter(self.arguments.values())) if self.unit.simple else self.arguments

    def is_set(self) -> bool:
        """Whether it is to be stopped; what `ctx.cancelled()` asks."""
        return self.stopped or self.scope.cancelled

    def stop(self) -> None:
        """Let it be stopped soon."""
        self.stopped = True
        if self.handle is not None:
            self.handle.cancel()
