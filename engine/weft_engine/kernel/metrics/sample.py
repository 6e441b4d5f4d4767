"""Counters as they were at one moment: plain data that crosses processes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OperatorSample:
    """One operator in one subtask; all numbers count from the start of the attempt."""

    uid: str
    records_in: int = 0
    records_out: int = 0
    batches: int = 0
    busy_ns: int = 0
    """Time of its own, where it is known: inside a fused loop it is taken from samples."""
    errors: int = 0
    retries: int = 0
    late: int = 0
    dropped: int = 0
    state_entries: int = 0
    state_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SubtaskSample:
    """One subtask; all numbers count from the start of the attempt."""

    stage: int
    subtask: int
    attempt: int
    time_ms: int
    """When it was taken, in milliseconds since 1970."""
    busy_ns: int = 0
    blocked_in_ns: int = 0
    """How long it waited for something to come."""
    blocked_out_ns: int = 0
    """How long it waited for room behind it: backpressure."""
    watermark: int | None = None
    queue_records: int = 0
    queue_bytes: int = 0
    began_ms: int = 0
    """When counting began, by the same clock as `time_ms`."""
    host: str = ""
    """The machine it runs on."""
    pid: int = 0
    """The process it runs in."""
    memory_bytes: int = 0
    """What that process has in use."""
    batch_ns: tuple[int, ...] = ()
    """Histogram of what batches took: entry n counts those under 2**n nanoseconds."""
    operators: tuple[OperatorSample, ...] = ()
