"""What moves between subtasks: lists of records, and typed events between the lists."""

from dataclasses import dataclass
from typing import Any, Final, Literal

MIN_TIME: Final = -(2**63)
MAX_TIME: Final = 2**63 - 1
"""The bounds of event time, in milliseconds since 1970."""


@dataclass(slots=True)
class Batch:
    """Some records, in parallel lists. Whoever is given one may keep it, but not change it."""

    values: list[Any]
    times: list[int] | None = None
    """The event time of every record in milliseconds since 1970, where the stream has times."""
    keys: list[Any] | None = None
    """The key of every record, behind a `key_by`."""

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Watermark:
    """No record with a time at or before this one comes any more (but late ones)."""

    time: int


@dataclass(frozen=True, slots=True)
class Idle:
    """The channel has nothing to say about time until its next batch or watermark."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """Everything before it belongs to the checkpoint, nothing behind it does."""

    checkpoint: int
    kind: Literal["checkpoint", "savepoint"] = "checkpoint"


@dataclass(frozen=True, slots=True)
class End:
    """The channel has ended."""


@dataclass(frozen=True, slots=True)
class Unkeyed:
    """Records that have no key because its function failed on them: the data of those failures.

    Sent to the operator behind `key_by`, whose error policy lives with failures.
    """

    failures: list[Any]
    times: list[int] | None = None


Event = Batch | Watermark | Idle | Barrier | End | Unkeyed
