"""What a patch does, in words."""

from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, JsonValue

from weft_engine.flow.model import Flow
from weft_engine.flow.ops import Op, Patch, path_text

_LONGEST: Final = 60


class Change(BaseModel):
    """One thing that a patch does: in English, and in parts to say it in another language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    text: str
    params: dict[str, JsonValue] = {}
    node: str | None = None


_SENTENCES: Final = {
    "add_node": "Add {name} ({type})",
    "remove_node": "Remove {name}",
    "replace_node": "Turn {name} into {type}",
    "set_setting": "Set {path} of {name} to {value}",
    "unset_setting": "Reset {path} of {name}",
    "set_field": "Set {field} of {name} to {value}",
    "clear_field": "Clear {field} of {name}",
    "rename_node": "Rename {id} to {value}",
    "disable_node": "Disable {name}",
    "enable_node": "Enable {name}",
    "move_node": "Move {name}",
    "move_nodes": "Move {count} nodes",
    "add_edge": "Connect {source}.{source_port} to {target}.{target_port}",
    "remove_edge": "Disconnect {source}.{source_port} from {target}.{target_port}",
    "set_flow": "Set {field} of the flow to {value}",
    "clear_flow": "Clear {field} of the flow",
    "add_note": "Add a note",
    "set_note": "Change a note",
    "remove_note": "Remove a note",
}


def summarise(patch: Patch, flow: Flow | None = None) -> list[str]:
    """What a patch does, in English sentences; with the flow it names nodes as people do."""
    return [change.text for change in describe(patch, flow)]


def describe(patch: Patch, flow: Flow | None = None) -> list[Change]:
    """What a patch does, as data; moves of several nodes are one change."""
    names = _Names(patch, flow)
    moved = [op for op in patch.ops if op.op == "move_node"]
    changes = [_change(op, names) for op in patch.ops if op.op != "move_node" or len(moved) == 1]
    if len(moved) > 1:
        changes.append(_say("move_nodes", None, count=len({op.node for op in moved})))
    return changes


class _Names:
    """What to call the nodes of a patch."""

    def __init__(self, patch: Patch, flow: Flow | None) -> None:
        nodes = dict(flow.nodes) if flow else {}
        nodes.update({op.id: op.node for op in patch.ops if op.op == "add_node"})
        self._names = {key: node.name for key, node in nodes.items()}

    def __call__(self, node: str) -> str:
        name = self._names.get(node)
        return f"“{name}”" if name else node


def _change(op: Op, names: _Names) -> Change:
    values: dict[str, Any] = op.model_dump(mode="json", exclude={"node", "note", "expect"})
    code = values.pop("op")
    node = getattr(op, "id", None) if code.endswith("_node") and code != "move_node" else None
    if node is None and isinstance(held := getattr(op, "node", None), str):
        node = held
    say = _SPECIAL.get(code, _plain)
    return say(code, op, node, values, names)


def _plain(code: str, op: Any, node: str | None, values: dict[str, Any], names: _Names) -> Change:
    params: dict[str, Any] = {key: _short(value) for key, value in values.items()}
    if node is not None:
        params.update(id=node, name=names(node))
    if code == "add_node":
        params["type"] = op.node.type
    return _say(code, node, **params)


_Say = Callable[[str, Any, str | None, dict[str, Any], _Names], Change]


def _setting(code: str, op: Any, node: str | None, values: dict[str, Any], names: _Names) -> Change:
    return _plain(code, op, node, {**values, "path": path_text(op.path)}, names)


def _field(code: str, op: Any, node: str | None, values: dict[str, Any], names: _Names) -> Change:
    if op.field == "name" and op.value:
        code = "rename_node"
    elif op.field == "disabled":
        code = "disable_node" if op.value else "enable_node"
    elif op.value is None:
        code = "clear_field"
    return _plain(code, op, node, values, names)


def _flow_field(
    code: str, op: Any, node: str | None, values: dict[str, Any], names: _Names
) -> Change:
    return _plain("clear_flow" if op.value is None else code, op, node, values, names)


def _edge(code: str, op: Any, node: str | None, values: dict[str, Any], names: _Names) -> Change:
    ends = {"source": names(op.source), "target": names(op.target)}
    return _plain(code, op, node, {**values, **ends}, names)


_SPECIAL: Final[dict[str, _Say]] = {
    "set_setting": _setting,
    "unset_setting": _setting,
    "set_field": _field,
    "set_flow": _flow_field,
    "add_edge": _edge,
    "remove_edge": _edge,
}


def _say(code: str, node: str | None, **params: Any) -> Change:
    return Change(
        code=f"change.{code}", text=_SENTENCES[code].format_map(params), params=params, node=node
    )


def _short(value: Any) -> JsonValue:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float | None):
        return value
    text = value if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
