"""Brings a document from one reading to another, touching only the keys that differ."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from pycrdt import Doc, Map, Text
from pydantic import BaseModel

from weft_engine.flow.model import Edge, Flow, Node, Note
from weft_engine.flow.values import same
from weft_server.rooms.reading import read_edge
from weft_server.rooms.schema import Schema

_ABSENT: Final = object()
_META: Final = ("name", "description", "mode", "env", "parallelism", "restart", "checkpoint")
_NODE: Final = tuple(name for name in Node.model_fields if name != "settings")


class Writer:
    """Changes a document inside a transaction of the caller.

    `document` is the plain JSON of the document before the change. It may hold more than the flow
    shows, such as an edge to a deleted node; what the change removes or makes anew takes such
    leftovers with it.
    """

    def __init__(self, doc: Doc[Map[Any]], document: Mapping[str, Any], schema: Schema) -> None:
        self._meta, self._nodes = doc["meta"], doc["nodes"]
        self._edges, self._notes = doc["edges"], doc["notes"]
        self._schema = schema
        self._known = {key: read_edge(raw) for key, raw in document.get("edges", {}).items()}

    def change(self, before: Flow, after: Flow) -> None:
        """Make the document read as `after`, given that it reads as `before`."""
        self._change_meta(before, after)
        self._change_nodes(before.nodes, after.nodes)
        self._change_edges(before.edges, after.edges)
        self._change_notes(before.notes, after.notes)

    def _change_meta(self, before: Flow, after: Flow) -> None:
        meta = self._meta
        for name in _META:
            _change_key(meta, name, getattr(before, name), getattr(after, name))
        _change_entries(meta, "inputs", before.inputs, after.inputs)
        _change_entries(meta, "variables", before.variables, after.variables)
        outputs = [dict.fromkeys(flow.outputs, True) for flow in (before, after)]
        _change_entries(meta, "outputs", *outputs)

    def _change_nodes(self, before: Mapping[str, Node], after: Mapping[str, Node]) -> None:
        self._drop_edges_at(before.keys() ^ after.keys())
        for id_ in sorted(before.keys() - after.keys()):
            _drop(self._nodes, id_)
        for id_, node in sorted(after.items()):
            if id_ not in before:
                self._nodes[id_] = Map({"type": node.type, "settings": Map(), "texts": Map()})
                self._change_node(id_, Node(type=node.type), node)
            elif before[id_] is not node:
                self._change_node(id_, before[id_], node)

    def _change_node(self, id_: str, before: Node, after: Node) -> None:
        node = _container(self._nodes, id_)
        for name in _NODE:
            default = Node.model_fields[name].default
            _change_key(node, name, getattr(before, name), getattr(after, name), default)
        for key in sorted(before.settings.keys() | after.settings.keys()):
            old, new = before.settings.get(key, _ABSENT), after.settings.get(key, _ABSENT)
            if not _is_same(old, new):
                self._set_setting(node, after.type, key, new)

    def _set_setting(self, node: Map[Any], node_type: str, key: str, value: Any) -> None:
        settings, texts = _container(node, "settings"), _container(node, "texts")
        if isinstance(value, str) and (key in texts or self._schema.is_long_text(node_type, key)):
            set_text(texts, key, value)
            _drop(settings, key)
            return
        _drop(texts, key)
        _set(settings, key, value)

    def _change_edges(self, before: Iterable[Edge], after: Iterable[Edge]) -> None:
        old, new = {edge.id: edge for edge in before}, {edge.id: edge for edge in after}
        gone = old.keys() - new.keys()
        self._drop_edges(key for key, edge in self._known.items() if edge and edge.id in gone)
        for id_ in sorted(new.keys() - old.keys()):
            if self._known.get(id_) != new[id_]:
                self._edges[id_] = Map(new[id_].model_dump())

    def _drop_edges_at(self, nodes: Collection[str]) -> None:
        """Drop the edges of nodes that go; and those left over from nodes that come anew."""
        self._drop_edges(
            key
            for key, edge in self._known.items()
            if edge and (edge.source in nodes or edge.target in nodes)
        )

    def _drop_edges(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            _drop(self._edges, key)
            del self._known[key]

    def _change_notes(self, before: Mapping[str, Note], after: Mapping[str, Note]) -> None:
        for id_ in sorted(before.keys() - after.keys()):
            _drop(self._notes, id_)
        for id_, note in sorted(after.items()):
            old = before.get(id_)
            if old is None:
                self._notes[id_] = Map({"text": Text("")})
            entry = _container(self._notes, id_)
            if old is None or old.text != note.text:
                set_text(entry, "text", note.text)
            for name in ("position", "size", "color"):
                _change_key(entry, name, getattr(old, name, None), getattr(note, name))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _is_same(old: Any, new: Any) -> bool:
    return old is new or (old is not _ABSENT and new is not _ABSENT and same(old, new))


def _set(target: Map[Any], key: str, value: Any) -> None:
    if value is _ABSENT:
        _drop(target, key)
    else:
        target[key] = value


def _drop(target: Map[Any], key: str) -> None:
    if key in target:
        del target[key]


def _change_key(target: Map[Any], key: str, old: Any, new: Any, default: Any = None) -> None:
    """Set a key, or drop it where the default says the same."""
    if not same(_plain(old), _plain(new)):
        _set(target, key, _ABSENT if new == default else _plain(new))


def _change_entries(
    target: Map[Any], name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> None:
    for key in sorted(old.keys() | new.keys()):
        was, is_now = _plain(old.get(key, _ABSENT)), _plain(new.get(key, _ABSENT))
        if not _is_same(was, is_now):
            _set(_container(target, name), key, is_now)


def _container(target: Map[Any], key: str) -> Map[Any]:
    """The nested map of that name; Weft makes it at birth, other clients may not have done so."""
    found = target.get(key)
    if not isinstance(found, Map):
        target[key] = found = Map(found if isinstance(found, dict) else {})
    return found


def set_text(target: Map[Any], key: str, value: str) -> None:
    """Bring a shared text to a new value by its difference, so that others' cursors stay."""
    text = target.get(key)
    if not isinstance(text, Text):
        target[key] = Text(value)
        return
    old = str(text)
    shortest = min(len(old), len(value))
    start = 0
    while start < shortest and old[start] == value[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == value[-1 - end]:
        end += 1
    # pycrdt counts in bytes.
    at, removed = _size(old[:start]), _size(old[start : len(old) - end])
    added = value[start : len(value) - end]
    if removed:
        del text[at : at + removed]
    if added:
        text.insert(at, added)


def _size(text: str) -> int:
    return len(text.encode())
