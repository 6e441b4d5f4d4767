"""What a job tells those who follow it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

log = logging.getLogger(__name__)

State = Literal[
    "created", "running", "restarting", "paused", "finishing", "finished", "failed", "cancelled"
]
EventKind = Literal[
    "state", "checkpoint", "checkpoint_failed", "checkpoint_damaged", "failure", "metrics"
]


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something happened to a job."""

    kind: EventKind
    job: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckpointStats:
    """One checkpoint that was completed."""

    id: int
    kind: str
    duration_s: float
    pause_ms: float
    """The longest time that one subtask stood still for it."""
    size: int
    """Of its manifest and all parts that names, in bytes; also of parts that earlier ones wrote.

    0 where nothing is stored.
    """


Listener = Callable[[JobEvent], None]


class Listeners:
    """Those who follow a job; what they raise is logged and harms nobody."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """Have it called for everything that happens from now on, in the job's thread."""
        self._listeners.append(listener)

    def tell(self, event: JobEvent) -> None:
        """Call all of them."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener of the job %s failed", event.job)
