"""What the REST API of runs takes and answers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.engine.debugging_points import require_readable
from weft_server.runs.again_schemas import AgainPlan, FlowChoice

RunState = Literal["ready", "running", "paused", "completed", "failed", "cancelled"]
NodeState = Literal[
    "idle", "queued", "running", "completed", "failed", "skipped", "cancelled", "paused"
]
Side = Literal["output", "input"]
Environment = Literal["local", "processes", "ray"]


FailurePolicy = Literal["fail_fast", "continue_independent", "best_effort"]
StepKind = Literal["over", "into", "out"]
TriggerFilter = Annotated[str, Field(max_length=200)]

_PATH = Field(min_length=1, max_length=200)
_AT = Field(min_length=1, max_length=700)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class BreakpointInfo(_Body):
    """Where a run is to stop."""

    node: str = _PATH
    """The node's path: `fetch`, `loop/fetch`."""
    when: Literal["before", "after"] = "before"
    condition: str | None = Field(None, max_length=10_000)
    """An expression; it stops where this holds."""
    hits: int = Field(1, ge=1, le=1_000_000_000)
    """Stop from this time on that the condition holds."""
    once: bool = False
    """Stop once only."""
    sample: int | None = Field(None, ge=1, le=1_000_000_000)
    """Of a running stream: do not stop, show every so many-th record."""
    enabled: bool = True


Breakpoints = Annotated[list[BreakpointInfo], Field(max_length=200)]
Values = dict[str, dict[str, JsonValue]]


async def read_breakpoints(asked: Sequence[BreakpointInfo]) -> list[Breakpoint]:
    """Breakpoints as the engine takes them.

    Raises:
        FlowError: `run.bad_breakpoint`: a condition means nothing.
    """
    points = [msgspec.convert(one.model_dump(), Breakpoint) for one in asked]
    if any(point.condition for point in points):
        # Compiling long conditions takes a while, and nobody else is to wait for it.
        await asyncio.to_thread(require_readable, points)
    return points


class StartRun(_Body):
    """How to run a flow."""

    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    """Values of the flow's declared inputs."""
    from_node: str | None = None
    """Start here: nodes before it use the outputs of the last run."""
    to_node: str | None = None
    """Run only this node and what it needs."""
    env: Environment | None = None
    """Where the work is done; where the flow says, or in the engine's own process, when null."""
    breakpoints: Breakpoints = Field(default_factory=list)
    """Where to stop."""
    only_changed: bool = False
    """Use earlier outputs of nodes that have not changed since."""
    pins: Values = Field(default_factory=dict, max_length=1_000)
    """Outputs to use instead of running nodes: node → port → value; for this run only."""
    priority: int = Field(0, ge=-100, le=100)
    """Of waiting runs of one workspace, those with more go first."""
    failure_policy: FailurePolicy = "fail_fast"
    """What a failure does to the rest of the run."""
    parallelism: int | None = Field(None, ge=1, le=1024)
    """How much may happen at once within the run."""
    max_seconds: float | None = Field(None, gt=0, le=86_400 * 365)
    """How long the run may take in all."""
    allow_dropped_state: bool = False
    """Of a flow in streaming mode that takes the place of its live run: whether state of nodes that
    it no longer has may be let go of."""


class StepRun(_Body):
    """How to go on from a breakpoint."""

    kind: StepKind = "over"
    at: str | None = Field(None, min_length=1, max_length=700)
    """`node@scope` of a stopped activation; the first that stopped when empty."""


class SetBreakpoints(_Body):
    """All breakpoints of a run; they take the place of earlier ones."""

    breakpoints: Breakpoints


class EditValue(_Body):
    """Another value in the place of what a stopped activation holds."""

    at: str = _AT
    """`node@scope` of the stopped activation."""
    port: str = Field(min_length=1, max_length=200)
    value: JsonValue


class SendSignal(_Body):
    """A signal for a run that waits for it."""

    id: str | None = Field(None, min_length=1, max_length=100)
    """The same signal sent twice counts once; made up when empty."""
    name: str = Field(min_length=1, max_length=200)
    payload: JsonValue = None
    """Of an approval: `{approved: bool, comment: str}`."""


class SignalTaken(BaseModel):
    """What became of a signal."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    accepted: bool
    """False when a signal of this id was sent before."""


class ForkRun(_Body):
    """Begin a run with what another did before a node."""

    from_node: str = _PATH
    """This node and what follows it run again."""
    overrides: Values = Field(default_factory=dict, max_length=1_000)
    """Values in the place of what arrives at input ports: node → port → value."""
    breakpoints: Breakpoints = Field(default_factory=list)
    flow: FlowChoice = "as_it_was"
    """Of the flow as it is now, what has changed since the run does not count as done, either."""


class RetryRun(_Body):
    """Try a run again that failed or was cancelled."""

    flow: FlowChoice = "as_it_was"
    """The flow of that run, or as it is now: then what has changed since runs again, too."""


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
    done: float | None = None
    """Of a container, or a node that says so: how far it is, of `total`."""
    total: float | None = None
    failed: float | None = None
    reason: str | None = None
    """Of one that was skipped: why, such as `not_taken`."""


class StopInfo(BaseModel):
    """An activation that stands at a breakpoint."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    at: str
    """`node@scope`; names it in steps and edits."""
    node: str
    scope: str = ""
    when: Literal["before", "after"]
    reason: str
    hit: int = 0
    edited: list[str] = Field(default_factory=list)
    """Ports whose value somebody replaced."""
    ports: list[str] = Field(default_factory=list)
    """Ports whose values may be looked at, and replaced."""


class WaitInfo(BaseModel):
    """What a run waits for."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    node: str
    scope: str = ""
    kind: Literal["timer", "signal", "approval"]
    due: datetime | None = None
    signal: str | None = None
    message: str = ""
    data: Any = None


class RunTrigger(BaseModel):
    """The event that started a run."""

    node: str
    event_id: str | None = None
    at: str | None = None


class RunParent(BaseModel):
    """The call that began a run."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    run: str
    """The run that called it."""
    node: str
    """The path of the node that calls: `call`, `loop/call`."""
    scope: str = ""
    """In which of its activations: `loop:3`."""


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
    mode: str = "batch"
    priority: int = 0
    trigger: RunTrigger | None = None
    forked_from: str | None = None
    """The run whose beginning this one shares."""
    taking_over: AgainPlan | None = None
    """What it takes over of that run; only in the answer to a fork or another attempt."""
    parent: RunParent | None = None
    """Of a run that another one called: that call. Its number counts the runs that this called."""
    children: int = 0
    """How many runs it called."""
    pause_reason: str | None = None
    """Why a paused run stands still: asked, breakpoint, step or waiting."""
    stopped: list[StopInfo] = Field(default_factory=list)
    waits: list[WaitInfo] = Field(default_factory=list)
    breakpoints: list[BreakpointInfo] = Field(default_factory=list)
    """Empty in lists."""
    nodes: dict[str, NodeRunInfo] = Field(default_factory=dict)
    """By node id; empty in lists."""


class RunPage(BaseModel):
    """Runs, newest first."""

    items: list[RunInfo]
    next_cursor: str | None


class OutputInfo(BaseModel):
    """What a port gave, without the data."""

    type: str | None = None
    count: int | None = None


class ActivationInfo(BaseModel):
    """What became of a node in one scope of a run."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    node: str
    """The node's path: `fetch`, `loop/fetch`."""
    scope: str
    """`loop:3`; empty outside loops."""
    state: NodeState
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: float | None
    inputs: dict[str, Any] = Field(default_factory=dict)
    """Port → `{source, source_port}` of what came in there."""
    outputs: dict[str, OutputInfo] = Field(default_factory=dict)
    """Read the data with `GET /runs/{id}/nodes/{node}?scope=`."""
    failure: dict[str, Any] | None = None
    worker: str | None = None
    edited: dict[str, list[str]] = Field(default_factory=dict)
    """Ports whose values somebody replaced in the debugger: `before` it started, `after` it
    ended."""


class ActivationPage(BaseModel):
    """Activations of a run in the order in which they began."""

    items: list[ActivationInfo]
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
    scope: str = ""
    """Of which activation the data is."""
    logs: list[LogLine] = Field(default_factory=list)
    outputs: dict[str, PortPage] = Field(default_factory=dict)
    inputs: dict[str, PortPage] = Field(default_factory=dict)
