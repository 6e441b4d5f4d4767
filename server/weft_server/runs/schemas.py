"""What the REST API of runs takes and answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

RunState = Literal["ready", "running", "paused", "completed", "failed", "cancelled"]
NodeState = Literal[
    "idle", "queued", "running", "completed", "failed", "skipped", "cancelled", "paused"
]
Side = Literal["output", "input"]
Environment = Literal["local", "processes", "ray"]


class StartRun(BaseModel):
    """How to run a flow."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    """Values of the flow's declared inputs."""
    from_node: str | None = None
    """Start here: nodes before it use the outputs of the last run."""
    to_node: str | None = None
    """Run only this node and what it needs."""
    env: Environment = "local"
    """Where the work is done."""


class RunPerson(BaseModel):
    """Who started a run."""

    id: str
    name: str


class NodeRunInfo(BaseModel):
    """What became of a node in a run."""

    state: NodeState
    attempts: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    count_in: int = 0
    count_out: dict[str, int] = Field(default_factory=dict)
    failure: dict[str, Any] | None = None


class RunInfo(BaseModel):
    """A run as it is now."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    number: int
    flow_id: str
    workspace_id: str
    state: RunState
    env: str
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    """What it was started with; empty in lists."""
    from_node: str | None = None
    to_node: str | None = None
    started_by: RunPerson | None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    failure: dict[str, Any] | None = None
    last_seq: int = 0
    """Number of the newest event; `?after=` of the run's stream resumes behind it."""
    nodes: dict[str, NodeRunInfo] = Field(default_factory=dict)
    """By node id; empty in lists."""


class RunPage(BaseModel):
    """Runs, newest first."""

    items: list[RunInfo]
    next_cursor: str | None


class RunEventPage(BaseModel):
    """Events of a run, oldest first."""

    items: list[dict[str, Any]]
    next_after: int | None


class LogLine(BaseModel):
    """One line a node wrote."""

    at: datetime
    level: str
    message: str


class PortPage(BaseModel):
    """What went through a port, one page of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    kind: Literal["records", "value"]
    count: int
    """How many records went through; more than were kept when `truncated`."""
    records: list[Any] | None = None
    value: Any = None
    offset: int = 0
    truncated: bool = False
    missing: bool = False
    """What was kept is no longer there."""
    source: str | None = None
    """For an input: the node and port it came from."""


class NodeRunData(BaseModel):
    """A node of a run with its inputs and outputs."""

    state: NodeState
    attempts: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    failure: dict[str, Any] | None = None
    logs: list[LogLine] = Field(default_factory=list)
    outputs: dict[str, PortPage] = Field(default_factory=dict)
    inputs: dict[str, PortPage] = Field(default_factory=dict)
