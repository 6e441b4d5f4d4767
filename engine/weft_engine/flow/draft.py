"""A flow while a patch is applied to it: every operation, each with its exact inverse."""

from bisect import insort
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, JsonValue, ValidationError

from weft_engine.flow.model import Edge, Flow, Node, Note
from weft_engine.flow.ops import (
    AddEdge,
    AddNode,
    AddNote,
    MoveNode,
    Op,
    RemoveEdge,
    RemoveNode,
    RemoveNote,
    ReplaceNode,
    SetField,
    SetFlow,
    SetNote,
    SetSetting,
    UnsetSetting,
    add_edge,
    path_text,
    remove_edge,
)
from weft_engine.flow.paths import BadPathError, get, set_at, unset_at
from weft_engine.flow.values import same
from weft_engine.flow.wording import sentence

M = TypeVar("M", bound=BaseModel)


class Refused(Exception):  # noqa: N818 - it is a reason, and becomes data
    """An operation does not apply."""

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.code = f"patch.{code}"
        self.message = message
        self.params = params


def _key(edge: Edge) -> str:
    return edge.id


class Draft:
    """A flow that is being changed."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._nodes = dict(flow.nodes)
        self._edges = list(flow.edges)
        self._notes = dict(flow.notes)
        self._fields: dict[str, Any] = {}

    def flow(self) -> Flow:
        """The flow as it is now."""
        return self._flow.model_copy(
            update={
                **self._fields,
                "nodes": self._nodes,
                "edges": tuple(self._edges),
                "notes": self._notes,
            }
        )

    def apply(self, op: Op) -> list[Op]:
        """Apply one operation and answer with its inverse; Refused when it does not apply."""
        handler = getattr(self, f"_{op.op}")
        return cast("list[Op]", handler(op))

    def _node(self, node: str) -> Node:
        found = self._nodes.get(node)
        if found is None:
            raise Refused("unknown_node", f"there is no node {node!r}", node=node)
        return found

    def _expect(self, op: Op, found: JsonValue, what: str) -> None:
        if not op.expects():
            return
        expected = cast("Any", op).expect
        wanted = expected.model_dump(mode="json") if isinstance(expected, BaseModel) else expected
        if not same(wanted, found):
            raise Refused("conflict", f"{what} is not what the patch expects", what=what)

    def _add_node(self, op: AddNode) -> list[Op]:
        if op.id in self._nodes:
            raise Refused("node_exists", f"there is a node {op.id!r} already", node=op.id)
        dangling = self._touching(op.id)
        self._nodes[op.id] = op.node
        return [RemoveNode(id=op.id), *(add_edge(edge, restore=True) for edge in dangling)]

    def _remove_node(self, op: RemoveNode) -> list[Op]:
        node = self._node(op.id)
        self._expect(op, node.model_dump(mode="json"), f"node {op.id!r}")
        edges = self._touching(op.id)
        self._edges = [edge for edge in self._edges if op.id not in (edge.source, edge.target)]
        del self._nodes[op.id]
        return [AddNode(id=op.id, node=node), *(add_edge(edge, restore=True) for edge in edges)]

    def _touching(self, node: str) -> list[Edge]:
        return [edge for edge in self._edges if node in (edge.source, edge.target)]

    def _replace_node(self, op: ReplaceNode) -> list[Op]:
        node = self._node(op.id)
        self._expect(op, node.type, f"the type of node {op.id!r}")
        before = self._touching(op.id)
        self._nodes[op.id] = _updated(
            node, type=op.type, settings=op.settings, version=None, pinned=None
        )
        after = [moved for edge in before if (moved := _moved(edge, op)) is not None]
        inverse: list[Op] = [ReplaceNode(id=op.id, type=node.type, settings=node.settings)]
        if node.version is not None:
            inverse.append(SetField(node=op.id, field="version", value=node.version))
        if node.pinned is not None:
            inverse.append(SetField(node=op.id, field="pinned", value=node.pinned))
        if sorted(before, key=_key) == sorted(after, key=_key):
            return inverse
        self._edges = sorted(
            [edge for edge in self._edges if op.id not in (edge.source, edge.target)] + after,
            key=_key,
        )
        taken = [remove_edge(edge) for edge in after]
        return [*taken, *inverse, *(add_edge(edge, restore=True) for edge in before)]

    def _set_setting(self, op: SetSetting) -> list[Op]:
        node = self._node(op.node)
        return self._settings(op, node, lambda held: set_at(held, op.path, op.value))

    def _unset_setting(self, op: UnsetSetting) -> list[Op]:
        node = self._node(op.node)
        if get(node.settings, op.path) is None:
            raise Refused(
                "missing_setting",
                f"node {op.node!r} has no setting {path_text(op.path)}",
                node=op.node,
            )
        return self._settings(op, node, lambda held: unset_at(held, op.path))

    def _settings(self, op: SetSetting | UnsetSetting, node: Node, change: Any) -> list[Op]:
        what = f"{path_text(op.path)} of node {op.node!r}"
        found = get(node.settings, op.path)
        self._expect(op, found[0] if found else None, what)
        try:
            settings, back = change(node.settings)
        except BadPathError as error:
            raise Refused("bad_path", f"{what}: {error}", node=op.node) from None
        self._nodes[op.node] = _updated(node, settings=settings)
        path, was = back
        if was is None:
            return [UnsetSetting(node=op.node, path=path)]
        return [SetSetting(node=op.node, path=path, value=was[0])]

    def _set_field(self, op: SetField) -> list[Op]:
        node = self._node(op.node)
        found = node.model_dump(mode="json")[op.field]
        self._expect(op, found, f"{op.field} of node {op.node!r}")
        self._nodes[op.node] = _updated(node, **{op.field: _or_default(Node, op.field, op.value)})
        return [SetField(node=op.node, field=op.field, value=found)]

    def _move_node(self, op: MoveNode) -> list[Op]:
        node = self._node(op.node)
        place = node.position
        self._expect(op, place.model_dump(mode="json") if place else None, f"place of {op.node!r}")
        self._nodes[op.node] = node.model_copy(update={"position": op.position})
        return [MoveNode(node=op.node, position=node.position)]

    def _add_edge(self, op: AddEdge) -> list[Op]:
        edge = op.edge
        if not op.restore:
            self._node(op.source)
            self._node(op.target)
            if edge in self._edges:
                raise Refused("edge_exists", f"the edge {edge.id} is there already", edge=edge.id)
        insort(self._edges, edge, key=_key)
        return [remove_edge(edge)]

    def _remove_edge(self, op: RemoveEdge) -> list[Op]:
        edge = op.edge
        if edge not in self._edges:
            raise Refused("unknown_edge", f"there is no edge {edge.id}", edge=edge.id)
        self._edges.remove(edge)
        return [add_edge(edge, restore=True)]

    def _set_flow(self, op: SetFlow) -> list[Op]:
        flow = self._flow.model_copy(update=self._fields)
        found = flow.model_dump(mode="json", include={str(op.field)})[op.field]
        self._expect(op, found, f"{op.field} of the flow")
        changed = _updated(flow, **{op.field: _or_default(Flow, op.field, op.value)})
        self._fields[op.field] = getattr(changed, op.field)
        return [SetFlow(field=op.field, value=found)]

    def _note(self, note: str) -> Note:
        found = self._notes.get(note)
        if found is None:
            raise Refused("unknown_note", f"there is no note {note!r}", note=note)
        return found

    def _add_note(self, op: AddNote) -> list[Op]:
        if op.id in self._notes:
            raise Refused("note_exists", f"there is a note {op.id!r} already", note=op.id)
        self._notes[op.id] = op.note
        return [RemoveNote(id=op.id)]

    def _set_note(self, op: SetNote) -> list[Op]:
        note = self._note(op.id)
        self._expect(op, note.model_dump(mode="json"), f"note {op.id!r}")
        self._notes[op.id] = op.note
        return [SetNote(id=op.id, note=note)]

    def _remove_note(self, op: RemoveNote) -> list[Op]:
        note = self._note(op.id)
        self._expect(op, note.model_dump(mode="json"), f"note {op.id!r}")
        del self._notes[op.id]
        return [AddNote(id=op.id, note=note)]


def _moved(edge: Edge, op: ReplaceNode) -> Edge | None:
    """The edge at the new ports, or None when it is dropped."""
    source_port: str | None = edge.source_port
    target_port: str | None = edge.target_port
    if edge.source == op.id:
        source_port = op.ports.outputs.get(edge.source_port, edge.source_port)
    if edge.target == op.id:
        target_port = op.ports.inputs.get(edge.target_port, edge.target_port)
    if source_port is None or target_port is None:
        return None
    return edge.model_copy(update={"source_port": source_port, "target_port": target_port})


def _or_default(model: type[BaseModel], field: str, value: JsonValue) -> Any:
    """Null stands for the default."""
    info = model.model_fields[field]
    if value is None and not info.is_required():
        return info.get_default(call_default_factory=True)
    return value


def _updated(model: M, **changes: Any) -> M:
    """The model with some fields changed, those validated; Refused when they are not valid."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    try:
        return type(model).model_validate({**values, **changes})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = path_text([step for step in detail["loc"] if step != "[key]"])
        message = f"{place} {sentence(detail)}"
        raise Refused("bad_value", message, path=list(map(str, detail["loc"]))) from None


def touches(op: Op) -> Sequence[str]:
    """The nodes an operation is about."""
    if isinstance(op, AddNode | RemoveNode | ReplaceNode):
        return (op.id,)
    if isinstance(op, SetSetting | UnsetSetting | SetField | MoveNode):
        return (op.node,)
    if isinstance(op, AddEdge | RemoveEdge):
        return (op.source, op.target)
    return ()
