"""Operators and sinks of one's own that run on one subtask, and words the old ones share."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)
U_co = TypeVar("U_co", covariant=True)

JoinKind = Literal["inner", "left", "right", "outer"]
SortKey = tuple[Callable[[Any], Any], bool]
"""What to sort by, and whether descending."""


class Process(Protocol[T_contra, U_co]):
    """An operator with a life of its own: made anew for every run."""

    def open(self) -> None:
        """Prepare; called once, before the first record."""

    def process(self, record: T_contra, /) -> Iterable[U_co]:
        """What one record becomes."""
        ...

    def finish(self) -> Iterable[U_co]:
        """What is left to say once the stream has ended."""
        ...

    def close(self) -> None:
        """Let go of everything; always called, also after a failure or a cancellation."""


class Sink(Protocol[T_contra, U_co]):
    """Where a stream ends: made anew for every run."""

    def open(self) -> None:
        """Prepare; called once, before the first batch."""

    def write(self, batch: Sequence[T_contra], /) -> None:
        """Take some records, in order."""

    def finish(self) -> U_co:
        """Make everything written final, and say what came of it; not called when a run fails."""
        ...

    def close(self) -> None:
        """Let go of everything; always called. What was not finished must not remain."""
