"""How a job is to be run, as plain values."""

from dataclasses import dataclass
from typing import Literal

RestartKind = Literal["none", "fixed", "exponential", "failure_rate"]


@dataclass(frozen=True, slots=True)
class Restart:
    """When a failed job is started again from its last checkpoint."""

    kind: RestartKind = "none"
    attempts: int = 10
    """How often in all (fixed), or before it gives up (exponential; counted anew after a quiet
    time of twice the longest delay), or within the interval (failure rate)."""
    delay_s: float = 1.0
    max_delay_s: float = 60.0
    backoff: float = 2.0
    jitter: float = 0.1
    interval_s: float = 60.0
    """For the failure rate: over which time failures are counted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a program or the command line can set for a job."""

    parallelism: int = 1
    batch_size: int = 1024
    linger_ms: float = 0.0
    """`buffer.timeout`: how long a sender may hold records back to make batches fuller."""
    object_reuse: bool = True
    """Whether records pass between operators of a subtask as they are; copied when False."""
    queue_records: int = 8192
    """How many records a channel holds before its sender waits."""
    queue_bytes: int = 16 * 2**20
    """About how many bytes a channel holds before its sender waits."""
    key_groups: int = 128
    chaining: bool = True
    checkpoint_interval_s: float | None = None
    checkpoint_min_pause_s: float = 0.0
    checkpoint_timeout_s: float = 600.0
    checkpoint_tolerable_failures: int = 0
    checkpoint_dir: str | None = None
    checkpoint_keep: int = 3
    checkpoint_mode: Literal["exactly_once", "at_least_once"] = "exactly_once"
    incremental: bool = True
    full_every: int = 10
    """After how many incremental snapshots a full one is written."""
    state_backend: Literal["heap", "disk"] = "heap"
    state_dir: str | None = None
    """Where the disk backend keeps its files; a temporary folder when None."""
    restart: Restart = Restart()
    workers: int | None = None
    """How many processes or actors; as many as the highest parallelism when None."""
    tracing: bool = False
    """Whether batches are traced."""
    trace_every: int = 256
    """Which batches: each of that many."""
    profiling: bool = False
    """Whether generated loops measure every batch, however much longer they take for that."""
    metrics_interval_s: float = 1.0
    metrics_port: int | None = None
    """Where the coordinator answers Prometheus, on this machine only; 0 for any free port."""
    otel_endpoint: str | None = None
    """The OpenTelemetry collector that metrics and spans are sent to."""
    status_dir: str | None = None
    """The folder in which jobs say how they do, for `weft monitor`."""
    log_level: str = "INFO"
    seed: int | None = None
    """The order in which the inline backend lets subtasks take turns."""
