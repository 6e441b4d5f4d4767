"""Where checkpoints are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes in the store; never changed once written."""

    name: str
    """Relative to the store's root."""
    size: int
    digest: str
    """blake2b, 16 bytes, hexadecimal."""


@dataclass(frozen=True, slots=True)
class OperatorState:
    """What a checkpoint holds of one operator."""

    parallelism: int
    pieces: tuple[tuple[Any, ...], ...] = ()
    """Own state, by subtask."""
    keyed: tuple[tuple[Part, ...], ...] = ()
    """Keyed state, by subtask: a full part and the changes since."""
    committables: tuple[Any, ...] = ()
    """What sinks have prepared and is to be made visible."""
    finished: tuple[bool, ...] = ()
    """Which subtasks had ended."""
    kind: str = ""
    """The operator's kind."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One complete, committed checkpoint."""

    id: int
    kind: str
    """`checkpoint`, `savepoint`, or `final` when the job had ended."""
    job: str
    plan: str
    """The hash of the plan that wrote it."""
    key_groups: int
    operators: Mapping[str, OperatorState]
    time_ms: int = 0


class CheckpointStorage(Protocol):
    """A place for checkpoints; picklable, so that workers can open it anew."""

    def write(self, name: str, data: bytes | memoryview) -> Part:
        """Write a part durably.

        Raises:
            ResourceError: `checkpoint.storage_full` or `checkpoint.storage_failed`.
        """
        ...

    def read(self, part: Part) -> bytes:
        """Read a part.

        Raises:
            ResourceError: `checkpoint.corrupt` when it is missing, cut off or changed.
        """
        ...

    def commit(self, checkpoint: Checkpoint) -> int:
        """Make a checkpoint exist, all at once: this is the commit point.

        Returns:
            How many bytes it has: its manifest and all parts that names, each counted once.
        """
        ...

    def checkpoints(self) -> Sequence[int]:
        """The ids of the committed checkpoints, newest first."""
        ...

    def load(self, id_: int) -> Checkpoint:
        """One checkpoint, with every part it names verified.

        Raises:
            ResourceError: `checkpoint.corrupt`.
        """
        ...

    def retain(self, count: int) -> None:
        """Remove all but the newest checkpoints, and the parts that only those removed have named.

        Parts that no checkpoint has named yet stay: they may belong to the next.
        """

    def acquire(self, owner: str) -> None:
        """Be the only job that uses it, until `release` or the death of this process.

        Raises:
            ResourceError: `checkpoint.in_use`.
        """

    def release(self) -> None:
        """Let other jobs use it. Does nothing when it is not held."""

    def sweep(self) -> int:
        """Remove parts that no checkpoint names; only while nobody writes.

        Returns:
            How many there were; 0 also when a checkpoint cannot be read: it may name any of them.
        """
        ...
