"""What every backend tells and raises."""

from dataclasses import dataclass
from typing import Any

from weft_engine.errors import NodeError, WeftError, said
from weft_engine.kernel.graph import Vertex


@dataclass(slots=True)
class Counters:
    """What went through one operator."""

    records_in: int = 0
    records_out: int = 0
    batches: int = 0
    busy_ns: int = 0


class Observer:
    """Hears what happens while a plan runs; every method is called from the backend's thread."""

    def started(self, vertex: Vertex) -> None:
        """An operator got to work."""

    def ended(self, vertex: Vertex, counters: Counters, *, absent: bool) -> None:
        """An operator is done, or (`absent`) does not take part."""

    def failed(
        self, vertex: Vertex, exc: Exception, record: Any, attempt: int, again_in: float | None
    ) -> None:
        """Something failed without ending the job.

        It is tried again in some seconds, or its policy says to live with it. Called from any
        thread.
        """

    def tick(self) -> None:
        """Called often, between batches."""


class OperatorError(NodeError):
    """An operator failed, and with it the job."""

    def __init__(self, vertex: Vertex, cause: BaseException, record: Any, attempt: int) -> None:
        known = cause if isinstance(cause, WeftError) else None
        text = known.message if known else f"{type(cause).__qualname__}: {said(cause)}"
        super().__init__(
            f"The operator {vertex.name!r} failed: {text}",
            code=known.code if known else "node.crashed",
            hint=known.hint if known else "",
            params=known.params if known else None,
        )
        self.vertex = vertex
        self.cause = cause
        self.record = record
        self.attempt = attempt


class JobCancelledError(Exception):
    """The job was cancelled; everything it had open is closed."""
