"""A flow as a value: frozen, validated, and equal to another when it says the same."""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from weft_engine.flow.values import Id, Line, Prose, Value

FORMAT: Final = "weft/1"

Mode = Literal["batch", "streaming", "event"]
Environment = Literal["local", "processes", "ray"]
OnError = Literal["fail", "skip", "continue", "route"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
ENVIRONMENTS: Final[tuple[Environment, ...]] = get_args(Environment)

TypeName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Position(_Model):
    """Where something stands on the canvas."""

    x: float = Field(ge=-1e7, le=1e7)
    y: float = Field(ge=-1e7, le=1e7)


class Size(_Model):
    """How large something is on the canvas."""

    width: float = Field(gt=0, le=1e5)
    height: float = Field(gt=0, le=1e5)


class Retry(_Model):
    """How often and how patiently a failed node is tried again."""

    max_attempts: int = Field(3, ge=1, le=100)
    """Attempts in all, the first included."""
    delay_s: float = Field(1, ge=0, le=3600)
    """Seconds before the second attempt."""
    backoff: float = Field(2, ge=1, le=10)
    """By how much each wait is longer than the one before."""
    max_delay_s: float = Field(60, ge=0, le=86_400)
    """The longest wait."""


class NodeResources(_Model):
    """What a node takes of a machine while it works; counted where runs have workers."""

    cpu: float = Field(1, gt=0, le=1024)
    """Processors, or a part of one."""
    gpu: float = Field(0, ge=0, le=64)
    """Graphics processors, or a part of one."""
    memory_mb: int | None = Field(None, ge=1, le=16_777_216)
    """Megabytes of memory."""


class Checkpoint(_Model):
    """How often a run that never ends saves where it is."""

    interval_s: float = Field(10, gt=0, le=86_400)
    keep: int = Field(3, ge=1, le=100)


class Node(_Model):
    """A step of a flow."""

    type: TypeName
    """The node type, such as `data.filter`."""
    name: Line | None = None
    """What people call it; the title of its type when empty."""
    settings: dict[Annotated[str, StringConstraints(min_length=1, max_length=200)], Value] = {}
    position: Position | None = None
    """Where it stands: on the canvas, not within its parent. That of a container in which something
    lies follows from what lies in it."""
    size: Size | None = None
    """Of a container: the room it takes at least. Without it, what lies in it decides."""
    parent: Id | None = None
    """The container or frame it lies in."""
    disabled: bool = False
    """A disabled node does not run; what depends on it is skipped."""
    notes: Prose | None = None
    """What people should know about it."""
    retry: Retry | None = None
    timeout_s: float | None = Field(None, gt=0, le=86_400 * 7)
    on_error: OnError = "fail"
    """`route` gives the node an output port `error`."""
    queue_capacity: int | None = Field(None, ge=1, le=1_000_000)
    """How many records may wait in front of it."""
    priority: int | None = Field(None, ge=-100, le=100)
    resources: NodeResources | None = None
    """What it takes of a machine; one processor when nothing is said."""
    pinned: Value = None
    """Outputs to use instead of running it, by port."""
    version: int | None = Field(None, ge=1)
    """The version of its type that it was made with."""


class Edge(_Model):
    """A connection from an output port to an input port."""

    source: Id
    source_port: Id
    target: Id
    target_port: Id

    @property
    def id(self) -> str:
        """`source.port>target.port`, so that two people drawing the same edge make one."""
        return f"{self.source}.{self.source_port}>{self.target}.{self.target_port}"


class Note(_Model):
    """A sticky note or a frame on the canvas."""

    text: Prose = ""
    position: Position
    size: Size | None = None
    color: Annotated[str, StringConstraints(max_length=40)] | None = None


class FlowInput(_Model):
    """A value that is asked for when a run starts."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "Text"
    default: Value = None
    description: Prose | None = None


class Flow(_Model):
    """Nodes, the edges between them, and what holds for all of them."""

    format: Literal["weft/1"] = FORMAT
    name: Annotated[Line, StringConstraints(min_length=1)]
    description: Prose | None = None
    mode: Mode = "batch"
    inputs: dict[Id, FlowInput] = {}
    variables: dict[Id, Value] = {}
    nodes: dict[Id, Node] = {}
    edges: tuple[Edge, ...] = ()
    """Sorted by id. One that stands twice is kept, and reported by a check."""
    outputs: tuple[Id, ...] = ()
    """The nodes whose outputs are the flow's; its leaves when empty."""
    notes: dict[Id, Note] = {}
    env: Environment | None = None
    """Where its runs work when they are not told: in the engine's own process (`local`), in worker
    processes of its machine, or on Ray."""
    parallelism: int | None = Field(None, ge=1, le=1024)
    restart: Retry | None = None
    """How a run that never ends is started again after a failure."""
    checkpoint: Checkpoint | None = None

    @field_validator("edges")
    @classmethod
    def _sorted(cls, edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
        return tuple(sorted(edges, key=lambda edge: edge.id))

    @field_validator("outputs")
    @classmethod
    def _once(cls, outputs: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(outputs))

    def replace(self, **changes: object) -> Self:
        """A copy with some fields changed, validated."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**values, **changes})
