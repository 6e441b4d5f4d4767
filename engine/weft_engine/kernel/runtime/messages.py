"""What subtasks report to the coordinator, and what they are started with."""

from dataclasses import dataclass, field
from typing import Any, Literal

from weft_engine.kernel.checkpoint.api import Part
from weft_engine.kernel.tracing import Span


@dataclass(frozen=True, slots=True)
class SubtaskId:
    """One subtask of one attempt."""

    stage: int
    index: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class SubtaskSnapshot:
    """What one subtask puts into a checkpoint."""

    pieces: dict[str, list[Any]] = field(default_factory=dict)
    """Own state by operator uid; picklable."""
    keyed: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    """Keyed state by operator uid: a full part and the changes since, oldest first."""
    committables: dict[str, Any] = field(default_factory=dict)
    """What sinks have prepared, by operator uid; picklable."""


@dataclass(frozen=True, slots=True)
class Restore:
    """What a subtask starts from."""

    checkpoint: int = 0
    pieces: dict[str, list[Any]] = field(default_factory=dict)
    """Own state by operator uid, already dealt to this subtask."""
    keyed: dict[str, tuple[tuple[Part, ...], ...]] = field(default_factory=dict)
    """By operator uid: the parts of every subtask of the checkpoint whose groups may be its."""
    peers: dict[str, list[Any]] = field(default_factory=dict)
    """Of sources, by operator uid: the pieces of all subtasks, for each to know what others read.
    An operator that the checkpoint knows nothing of is not there: it begins anew."""
    alive: tuple[int, ...] = ()
    """Which subtasks of its stage have not ended; all of them where it is empty."""
    finished: bool = False
    """It had ended when the checkpoint was made. It opens no operator: it sends the last watermark
    and the end to all its outputs and reports `Finished` with an empty snapshot."""


@dataclass(frozen=True, slots=True)
class FailureReport:
    """Why a subtask failed, as plain data that crosses processes."""

    uid: str
    operator: str
    subtask: int
    type: str
    """Qualified name of the exception's class."""
    message: str
    code: str = "node.crashed"
    hint: str = ""
    sample: Any = None
    """The record it failed on, redacted."""
    traceback: str = ""
    owner: str = ""
    retryable: bool = True
    """Whether starting again from the last checkpoint may help."""
    pickled: bytes = b""
    """The exception itself where it can be pickled."""


@dataclass(frozen=True, slots=True)
class Running:
    """A subtask has opened its operators and goes to work."""

    subtask: SubtaskId


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A subtask's part of a checkpoint is durable.

    Acknowledged, Declined and Finished of one subtask are reported in the order in which it
    prepared: what belongs to an earlier checkpoint before what belongs to a later one.
    """

    subtask: SubtaskId
    checkpoint: int
    snapshot: SubtaskSnapshot
    pause_ns: int = 0
    """How long the stream stood still for it."""


@dataclass(frozen=True, slots=True)
class Declined:
    """A subtask could not take part in a checkpoint; the job goes on."""

    subtask: SubtaskId
    checkpoint: int
    reason: str
    fatal: bool = False
    """The checkpoint has failed, which only so many may (see `Settings`); not merely put off."""
    code: str = "checkpoint.failed"
    """The code of the error, `checkpoint.storage_full` above all."""
    committables: dict[str, Any] = field(default_factory=dict)
    """What sinks had prepared nevertheless; made visible with the next checkpoint."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A subtask has ended; its last state belongs to every later checkpoint."""

    subtask: SubtaskId
    snapshot: SubtaskSnapshot


@dataclass(frozen=True, slots=True)
class Failed:
    """A subtask has failed, and with it the attempt."""

    subtask: SubtaskId
    report: FailureReport
    error: BaseException | None = None
    """The exception itself, where it was raised in this process."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is gone."""

    worker: str
    reason: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """Counters of subtasks, as they are now."""

    samples: tuple[Any, ...]
    """`metrics.SubtaskSample`s."""
    spans: tuple[Span, ...] = ()
    """Of batches that were traced since the last time."""


Report = Running | Acknowledged | Declined | Finished | Failed | Lost | Measured
CommandKind = Literal["checkpoint", "committed", "pause", "resume", "cancel"]
