"""What the counters of all subtasks say of a job: per operator, per stage, and in all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OperatorMetrics:
    """One operator, all its subtasks together; counts are those of the attempt."""

    uid: str
    name: str
    kind: str
    stage: int
    records_in: int = 0
    records_out: int = 0
    records_in_per_s: float = 0.0
    """Over the last interval."""
    records_out_per_s: float = 0.0
    batches: int = 0
    busy_s: float = 0.0
    """Time of its own, all subtasks together."""
    busy: float = 0.0
    """Which share of the last interval its subtasks spent in it: 1 when all did nothing else."""
    errors: int = 0
    retries: int = 0
    late: int = 0
    dropped: int = 0
    state_entries: int = 0
    state_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """One stage: what shares a thread also shares waiting. Ratios are of the last interval."""

    id: int
    name: str
    parallelism: int
    operators: tuple[str, ...]
    """Their uids."""
    reported: int = 0
    """How many subtasks have reported yet."""
    busy: float = 0.0
    busy_s: float = 0.0
    """How long its subtasks have worked since the attempt began, all together."""
    blocked_in: float = 0.0
    """Which share of the time it waited for input."""
    blocked_out: float = 0.0
    """Which share of the time it waited for room behind it: backpressure."""
    queue_records: int = 0
    queue_bytes: int = 0
    watermark: int | None = None
    """The least of its subtasks'; None without event time, and at the end."""
    watermark_lag_ms: int | None = None
    """How far that is behind the clock."""
    batch_p50_ms: float | None = None
    """How long a batch takes; since the attempt began."""
    batch_p95_ms: float | None = None
    batch_p99_ms: float | None = None
    batch_ns: tuple[int, ...] = ()
    """The histogram these come from: entry n counts batches under 2**n nanoseconds."""


@dataclass(frozen=True, slots=True)
class CheckpointMetrics:
    """The checkpoints of a job."""

    completed: int = 0
    failed: int = 0
    last_id: int | None = None
    last_duration_s: float | None = None
    last_pause_ms: float | None = None
    """The longest time that one subtask stood still for it."""
    last_bytes: int | None = None
    max_duration_s: float | None = None
    max_pause_ms: float | None = None


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """How a job does."""

    job: str
    id: str
    state: str
    attempt: int
    restarts: int
    time_ms: int
    """When the newest of its numbers was read."""
    uptime_s: float
    """How long the attempt has been at work, by its own clock."""
    records_in: int
    """What sources have emitted."""
    records_in_per_s: float
    memory_bytes: int
    """Of all processes that its subtasks are in."""
    operators: tuple[OperatorMetrics, ...] = ()
    stages: tuple[StageMetrics, ...] = ()
    checkpoints: CheckpointMetrics = field(default_factory=CheckpointMetrics)
    upstream: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """By stage, the stages it reads from."""

    def operator(self, uid: str) -> OperatorMetrics:
        """An operator by its uid, or by its name.

        Raises:
            KeyError: when there is none.
        """
        for found in self.operators:
            if uid in (found.uid, found.name):
                return found
        raise KeyError(uid)

    def stage_of(self, operator: OperatorMetrics) -> StageMetrics:
        """The stage that an operator is in."""
        return next(stage for stage in self.stages if stage.id == operator.stage)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data that JSON knows."""
        plain = asdict(self)
        plain["operators"] = list(plain["operators"])
        plain["stages"] = [
            {**stage, "operators": list(stage["operators"]), "batch_ns": list(stage["batch_ns"])}
            for stage in plain["stages"]
        ]
        plain["upstream"] = {str(stage): list(of) for stage, of in self.upstream.items()}
        return plain
