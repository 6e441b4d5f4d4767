"""What the REST API says of runs that live."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class CheckpointInfo(_Answer):
    """A checkpoint that was completed."""

    id: int
    at: datetime
    kind: str
    """checkpoint, or savepoint."""
    bytes: int
    """Of all parts that it names, also of those that earlier checkpoints have written."""
    duration_ms: float
    pause_ms: float | None = None
    """The longest time that a part of the stream stood still for it."""


class CheckpointFailure(_Answer):
    """A checkpoint that could not be made."""

    at: datetime
    code: str
    message: str


class RestartInfo(_Answer):
    """The stream failed and began again at its last checkpoint."""

    at: datetime
    attempt: int
    """The number of the attempt that then began; the first is 1."""
    delay_s: float
    failure: dict[str, Any] | None = None


class RunCheckpoints(_Answer):
    """Checkpoints of a live run, with what went wrong; of each the newest 50, newest first."""

    items: list[CheckpointInfo]
    failures: list[CheckpointFailure]
    restarts: list[RestartInfo]


class LiveNodeInfo(_Answer):
    """A node of a live run as it is now."""

    in_per_s: float = 0
    """Records."""
    out_per_s: float = 0
    count_in: int = 0
    count_out: dict[str, int] = Field(default_factory=dict)
    busy: float | None = None
    """Which share of the time it worked; 1 for all of it."""
    blocked: float | None = None
    """Which share of the time it waited for what is behind it."""
    queued: int | None = None
    """How many records wait in front of it."""
    watermark: datetime | None = None
    """How far the time of its records has come."""
    lag_ms: int | None = None
    """How far that is behind the clock."""
    failed: int = 0
    """Records that failed and were lived with."""


class LiveInfo(_Answer):
    """A live run as it is now."""

    nodes: dict[str, LiveNodeInfo]
    """Empty where the run is not at work, or another server runs it."""
