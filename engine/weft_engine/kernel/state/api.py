"""Keyed state as operators see it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from weft_engine.kernel.checkpoint.api import CheckpointStorage, Part


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One named state of an operator."""

    name: str
    kind: Literal["value", "list", "map", "reducing"] = "value"
    ttl_ms: int | None = None
    """How long an entry lives after it was last written, in processing time."""
    namespaced: bool = False
    """Whether keys of the table are tuples whose first item is the record's key."""


class Table(Protocol):
    """The values of one state by key, for operators that work on whole batches."""

    def begin(self, keys: Iterable[Any]) -> dict[Any, Any]:
        """A dict with the values of these keys (of those that have one).

        It may be read and written directly until `done`; a key taken out of it is deleted. It may
        hold other keys too.
        """
        ...

    def done(self, keys: Iterable[Any]) -> None:
        """These keys may have changed since `begin`."""

    def get(self, key: Any, default: Any = None) -> Any:
        """One value. What is changed inside it must be `put` again."""

    def put(self, key: Any, value: Any) -> None:
        """Set one value."""

    def delete(self, key: Any) -> None:
        """Take one value out, if it is there."""

    def items(self) -> Iterator[tuple[Any, Any]]:
        """All entries, in no order; the table must not change meanwhile."""
        ...


class Timers(Protocol):
    """Calls to come, by key; kept with the state. A timer that is set twice fires once."""

    def set_event(self, key: Any, time: int, tag: Any = None) -> None:
        """Fire when the watermark reaches the time."""

    def set_processing(self, key: Any, time: int, tag: Any = None) -> None:
        """Fire when the clock reaches the time."""

    def delete_event(self, key: Any, time: int, tag: Any = None) -> None:
        """Do not fire."""

    def delete_processing(self, key: Any, time: int, tag: Any = None) -> None:
        """Do not fire."""

    def pop_event(self, time: int) -> Iterator[tuple[int, Any, Any]]:
        """Take out what is due, in order of time: time, key, tag; also those set meanwhile."""
        ...

    def pop_processing(self, time: int) -> Iterator[tuple[int, Any, Any]]:
        """Take out what is due, in order of time: time, key, tag."""
        ...

    def next_processing(self) -> int | None:
        """When the first of the processing timers is due."""
        ...


class KeyedSnapshot(Protocol):
    """Keyed state as it was at a barrier."""

    def write(self, storage: CheckpointStorage, prefix: str) -> tuple[Part, ...]:
        """Write it; called in another thread while the stream goes on.

        Returns:
            A full part and the changes since, oldest first; parts of earlier checkpoints are
            named again instead of written again.
        """
        ...


class KeyedStore(Protocol):
    """The keyed state of one operator in one subtask. Made by `state.make_store`."""

    key_groups: range
    """The groups that belong to this subtask."""

    def table(self, spec: StateSpec) -> Table:
        """The state of that name; always the same one."""
        ...

    def timers(self) -> Timers:
        """The timers of the operator."""
        ...

    def restore(self, storage: CheckpointStorage, parts: Sequence[tuple[Part, ...]]) -> None:
        """Take over what belongs to its key groups from the parts of a checkpoint."""

    def snapshot(self, checkpoint: int, *, full: bool) -> KeyedSnapshot:
        """Freeze what is there; takes little time however much there is. `full` for savepoints."""
        ...

    def size(self) -> tuple[int, int]:
        """How many entries there are, and about how many bytes they take."""
        ...

    def close(self) -> None:
        """Let go of files."""


Clock = Callable[[], int]
"""Processing time, in milliseconds since 1970."""
