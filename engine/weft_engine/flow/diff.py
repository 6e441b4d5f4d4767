"""The patch from one flow to another, and what a patch does in words."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from pydantic import JsonValue

from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.flow.ops import (
    FLOW_FIELDS,
    NODE_FIELDS,
    AddNode,
    AddNote,
    MoveNode,
    Op,
    Patch,
    RemoveNode,
    RemoveNote,
    ReplaceNode,
    SetField,
    SetFlow,
    SetNote,
    SetSetting,
    UnsetSetting,
    add_edge,
    remove_edge,
)
from weft_engine.flow.summary import Change, describe, summarise
from weft_engine.flow.values import same

__all__ = ["Change", "describe", "diff", "summarise"]


def diff(a: Flow, b: Flow) -> Patch:
    """The patch that makes the flow `a` into `b`; it expects the values of `a`."""
    ops = [*_flow_fields(a, b), *_notes(a, b), *_nodes(a, b), *_edges(a, b)]
    return Patch(ops=tuple(ops))


def _flow_fields(a: Flow, b: Flow) -> Iterator[Op]:
    before, after = (flow.model_dump(mode="json", include=set(FLOW_FIELDS)) for flow in (a, b))
    for field in FLOW_FIELDS:
        if not same(before[field], after[field]):
            yield SetFlow(field=cast("Any", field), value=after[field], expect=before[field])


def _notes(a: Flow, b: Flow) -> Iterator[Op]:
    for note in sorted(a.notes.keys() - b.notes.keys()):
        yield RemoveNote(id=note)
    for note in sorted(b.notes.keys() - a.notes.keys()):
        yield AddNote(id=note, note=b.notes[note])
    for note in sorted(a.notes.keys() & b.notes.keys()):
        if a.notes[note] != b.notes[note]:
            yield SetNote(id=note, note=b.notes[note], expect=a.notes[note])


def _nodes(a: Flow, b: Flow) -> Iterator[Op]:
    for node in sorted(a.nodes.keys() - b.nodes.keys()):
        yield RemoveNode(id=node)
    for node in sorted(b.nodes.keys() - a.nodes.keys()):
        yield AddNode(id=node, node=b.nodes[node])
    for node in sorted(a.nodes.keys() & b.nodes.keys()):
        yield from _node(node, a.nodes[node], b.nodes[node])


def _node(name: str, a: Node, b: Node) -> Iterator[Op]:
    if a.type != b.type:
        yield ReplaceNode(id=name, type=b.type, settings=b.settings, expect=a.type)
        a = a.model_copy(
            update={"type": b.type, "settings": b.settings, "version": None, "pinned": None}
        )
    yield from _settings(name, (), a.settings, b.settings)
    before, after = (node.model_dump(mode="json", include=set(NODE_FIELDS)) for node in (a, b))
    for field in NODE_FIELDS:
        if not same(before[field], after[field]):
            yield SetField(
                node=name, field=cast("Any", field), value=after[field], expect=before[field]
            )
    if a.position != b.position:
        yield MoveNode(node=name, position=b.position)


def _settings(
    node: str, path: tuple[str, ...], a: dict[str, JsonValue], b: dict[str, JsonValue]
) -> Iterator[Op]:
    for key in sorted(a.keys() - b.keys()):
        yield UnsetSetting(node=node, path=(*path, key), expect=a[key])
    for key in sorted(b.keys() - a.keys()):
        yield SetSetting(node=node, path=(*path, key), value=b[key], expect=None)
    for key in sorted(a.keys() & b.keys()):
        before, after = a[key], b[key]
        if isinstance(before, dict) and isinstance(after, dict) and len(path) < 8:
            yield from _settings(node, (*path, key), before, after)
        elif not same(before, after):
            yield SetSetting(node=node, path=(*path, key), value=after, expect=before)


def _edges(a: Flow, b: Flow) -> Iterator[Op]:
    gone = a.nodes.keys() - b.nodes.keys()
    left = Counter(edge for edge in a.edges if not {edge.source, edge.target} & gone)
    wanted = Counter(b.edges)
    for edge in sorted((left - wanted).elements(), key=lambda edge: edge.id):
        yield remove_edge(edge)
    drawn = set(left)
    for edge in sorted((wanted - left).elements(), key=lambda edge: edge.id):
        yield add_edge(edge, restore=edge in drawn or not _has_ends(b, edge))
        drawn.add(edge)


def _has_ends(flow: Flow, edge: Edge) -> bool:
    return edge.source in flow.nodes and edge.target in flow.nodes
