"""The operations of a patch, as data."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from weft_engine.flow.model import Edge, Node, Note, Position, TypeName
from weft_engine.flow.values import Id, Line, Value

NODE_FIELDS: Final = (
    "name", "disabled", "notes", "retry", "timeout_s", "on_error", "queue_capacity", "priority",
    "resources", "pinned", "version", "parent", "size",
)  # fmt: skip
FLOW_FIELDS: Final = (
    "name", "description", "mode", "inputs", "outputs", "variables", "env", "parallelism",
    "restart", "checkpoint",
)  # fmt: skip
_LONGEST_PATH: Final = 32


def _steps(path: Any) -> Any:
    """`by.0.field` → `("by", "0", "field")`."""
    return tuple(path.split(".")) if isinstance(path, str) else path


SettingPath = Annotated[
    tuple[Annotated[str, Field(max_length=200)] | Annotated[int, Field(ge=0)], ...],
    BeforeValidator(_steps, json_schema_input_type=tuple[str | int, ...] | str),
    Field(min_length=1, max_length=_LONGEST_PATH),
]
"""Keys and indexes that lead to a setting, or these with dots between them."""


class _Op(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def expects(self) -> bool:
        """Whether the operation says what it believes to be there."""
        return "expect" in self.model_fields_set

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `expect` when nothing is expected: null would expect that nothing is there."""
        data: dict[str, Any] = handler(self)
        if not self.expects():
            data.pop("expect", None)
        return data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        plain = {key: value for key, value in schema.items() if key != "serialization"}
        return handler(cast("CoreSchema", plain))


class AddNode(_Op):
    """Adds a node."""

    op: Literal["add_node"] = "add_node"
    id: Id
    node: Node


class RemoveNode(_Op):
    """Removes a node with its edges."""

    op: Literal["remove_node"] = "remove_node"
    id: Id
    expect: Node | None = None


class PortMap(BaseModel):
    """What becomes of the edges of a node whose type changes: a new port, or null for none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[Id, Id | None] = {}
    outputs: dict[Id, Id | None] = {}


class ReplaceNode(_Op):
    """Changes the type of a node; it keeps its id, its place and, by `ports`, its edges."""

    op: Literal["replace_node"] = "replace_node"
    id: Id
    type: TypeName
    settings: dict[str, Value] = {}
    ports: PortMap = PortMap()
    """Ports that are not named keep their edges."""
    expect: TypeName | None = None
    """The type it is believed to have."""


class SetSetting(_Op):
    """Sets a setting, or a value inside one."""

    op: Literal["set_setting"] = "set_setting"
    node: Id
    path: SettingPath
    value: Value
    expect: Value = None
    """The value believed to be there; null also stands for none."""


class UnsetSetting(_Op):
    """Removes a setting, so that its default holds, or a value inside one."""

    op: Literal["unset_setting"] = "unset_setting"
    node: Id
    path: SettingPath
    expect: Value = None


class SetField(_Op):
    """Sets a field of a node that is not a setting; null brings back the default."""

    op: Literal["set_field"] = "set_field"
    node: Id
    field: Literal[
        "name", "disabled", "notes", "retry", "timeout_s", "on_error", "queue_capacity", "priority",
        "resources", "pinned", "version", "parent", "size",
    ]  # fmt: skip
    value: Value
    expect: Value = None


class MoveNode(_Op):
    """Moves a node on the canvas."""

    op: Literal["move_node"] = "move_node"
    node: Id
    position: Position | None
    expect: Position | None = None


class _EdgeOp(_Op):
    source: Id
    source_port: Id
    target: Id
    target_port: Id

    @property
    def edge(self) -> Edge:
        """The edge it is about."""
        return Edge(
            source=self.source,
            source_port=self.source_port,
            target=self.target,
            target_port=self.target_port,
        )


class AddEdge(_EdgeOp):
    """Adds an edge."""

    op: Literal["add_edge"] = "add_edge"
    restore: bool = False
    """Put it there even when it is drawn already or a node is missing: what broken flows need to
    come back as they were."""


class RemoveEdge(_EdgeOp):
    """Removes an edge; of one that is drawn twice, one."""

    op: Literal["remove_edge"] = "remove_edge"


class SetFlow(_Op):
    """Sets a field of the flow; null brings back the default."""

    op: Literal["set_flow"] = "set_flow"
    field: Literal[
        "name", "description", "mode", "inputs", "outputs", "variables", "env", "parallelism",
        "restart", "checkpoint",
    ]  # fmt: skip
    value: Value
    expect: Value = None


class AddNote(_Op):
    """Adds a sticky note or a frame."""

    op: Literal["add_note"] = "add_note"
    id: Id
    note: Note


class SetNote(_Op):
    """Replaces a sticky note or a frame."""

    op: Literal["set_note"] = "set_note"
    id: Id
    note: Note
    expect: Note | None = None


class RemoveNote(_Op):
    """Removes a sticky note or a frame."""

    op: Literal["remove_note"] = "remove_note"
    id: Id
    expect: Note | None = None


Op = Annotated[
    AddNode
    | RemoveNode
    | ReplaceNode
    | SetSetting
    | UnsetSetting
    | SetField
    | MoveNode
    | AddEdge
    | RemoveEdge
    | SetFlow
    | AddNote
    | SetNote
    | RemoveNote,
    Field(discriminator="op"),
]


class Patch(BaseModel):
    """A change of a flow: operations that apply together."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ops: tuple[Op, ...] = Field((), max_length=20_000)
    message: Line | None = None
    """What it does, for people."""
    origin: Line | None = None
    """Where it comes from: a person, the assistant, a rollback."""

    def __bool__(self) -> bool:
        return bool(self.ops)


def add_edge(edge: Edge, *, restore: bool = False) -> AddEdge:
    """The operation that adds an edge."""
    return AddEdge(**edge.model_dump(), restore=restore)


def remove_edge(edge: Edge) -> RemoveEdge:
    """The operation that removes an edge."""
    return RemoveEdge(**edge.model_dump())


def path_text(path: Sequence[str | int]) -> str:
    """`("by", 0, "field")` → `by.0.field`."""
    return ".".join(map(str, path))
