"""`read`: the flow that a document means, and what had to be hidden for it.

Concurrent edits can leave anything in a document: an edge to a node that somebody deleted, two
edges in one port, a circle. Reading is pure, total and deterministic, and the same here and in
the browser (`web/src/flow/read.ts`); `tests/vectors/document` holds both to it. Nothing here
changes the document: a repair would race with undo.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.flow.model import Edge, Flow, FlowInput, Node, Note
from weft_server.rooms import fields
from weft_server.rooms.circles import closing_edges
from weft_server.rooms.fields import BAD, is_id

UNTITLED: Final = "Untitled"

Multiple = AbstractSet[tuple[str, str]]
"""Input ports that take many edges, as node type and port name."""


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """What of a document could not be shown as it is."""

    code: str
    node: str | None = None
    edge: str | None = None
    path: str | None = None

    def as_dict(self) -> dict[str, str]:
        """The parts that say something."""
        parts = {"code": self.code, "node": self.node, "edge": self.edge, "path": self.path}
        return {name: value for name, value in parts.items() if value is not None}


def read(
    document: Mapping[str, Any], *, multiple: Multiple = frozenset()
) -> tuple[Flow, list[DocumentProblem]]:
    """Read the plain JSON of a whole document."""
    problems: list[DocumentProblem] = []
    meta = _read_meta(_map(document.get("meta")), problems)
    nodes = _read_nodes(_map(document.get("nodes")), problems)
    _drop_lost_parents(nodes, problems)
    edges = _read_edges(_map(document.get("edges")), nodes, multiple, problems)
    notes = _read_notes(_map(document.get("notes")), problems)
    outputs = [node for node in meta.pop("outputs", ()) if node in nodes]
    flow = Flow(
        **meta,
        nodes={id_: Node(**node) for id_, node in nodes.items()},
        edges=tuple(edges),
        outputs=tuple(outputs),
        notes={id_: Note(**note) for id_, note in notes.items()},
    )
    return flow, problems


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _keys(values: Mapping[Any, Any]) -> list[str]:
    return sorted(key for key in values if isinstance(key, str))


Field = tuple[str, Callable[[Any], Any]]


def _read_fields(
    raw: Mapping[str, Any], known: Iterable[Field], report: Callable[[str], None]
) -> dict[str, Any]:
    """The fields that have a good value; those that have a bad one are reported."""
    found = {}
    for name, parse in known:
        given = raw.get(name)
        if fields.is_null(given):
            continue
        value = parse(given)
        if value is BAD:
            report(name)
        else:
            found[name] = value
    return found


_META: Final[tuple[Field, ...]] = (
    ("name", fields.name),
    ("description", fields.prose),
    ("mode", fields.mode),
    ("env", fields.environment),
    ("parallelism", fields.integer(1, 1024)),
    ("restart", fields.retry),
    ("checkpoint", fields.checkpoint),
)


def _read_meta(raw: Mapping[str, Any], problems: list[DocumentProblem]) -> dict[str, Any]:
    def report(path: str) -> None:
        problems.append(DocumentProblem("document.bad_value", path=f"meta.{path}"))

    meta = _read_fields(raw, _META, report)
    meta.setdefault("name", UNTITLED)
    meta["inputs"] = _read_inputs(_entries(raw, "inputs", report), report)
    variables = _entries(raw, "variables", report)
    meta["variables"] = _read_values(variables, "variables", is_id, report)
    meta["outputs"] = [key for key in _keys(_entries(raw, "outputs", report)) if is_id(key)]
    return meta


def _entries(raw: Mapping[str, Any], name: str, report: Callable[[str], None]) -> Mapping[str, Any]:
    given = raw.get(name)
    if not fields.is_null(given) and not isinstance(given, Mapping):
        report(name)
    return _map(given)


def _read_values(
    raw: Mapping[str, Any],
    prefix: str,
    is_key: Callable[[str], bool],
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Plain values by key."""
    found = {}
    for key in _keys(raw):
        value = fields.value(raw[key]) if is_key(key) else BAD
        if value is BAD:
            report(f"{prefix}.{key}")
        else:
            found[key] = value
    return found


_INPUT: Final[tuple[Field, ...]] = (
    ("type", fields.text(200, shortest=1)),
    ("default", fields.value),
    ("description", fields.prose),
)


def _read_inputs(raw: Mapping[str, Any], report: Callable[[str], None]) -> dict[str, FlowInput]:
    found = {}
    for key in _keys(raw):
        if not is_id(key) or not isinstance(raw[key], Mapping):
            report(f"inputs.{key}")
            continue

        def inside(path: str, key: str = key) -> None:
            report(f"inputs.{key}.{path}")

        found[key] = FlowInput(**_read_fields(raw[key], _INPUT, inside))
    return found


_NODE: Final[tuple[Field, ...]] = (
    ("name", fields.line),
    ("parent", fields.any_text),
    ("disabled", fields.boolean),
    ("notes", fields.prose),
    ("retry", fields.retry),
    ("timeout_s", fields.number(0, 604_800, above=True)),
    ("on_error", fields.on_error),
    ("queue_capacity", fields.integer(1, 1_000_000)),
    ("priority", fields.integer(-100, 100)),
    ("resources", fields.resources),
    ("pinned", fields.value),
    ("version", fields.integer(1, 2**53 - 1)),
    ("position", fields.position),
    ("size", fields.size),
)


def _read_nodes(
    raw: Mapping[str, Any], problems: list[DocumentProblem]
) -> dict[str, dict[str, Any]]:
    nodes = {}
    for id_ in _keys(raw):
        given = raw[id_]
        type_ = fields.type_name(given.get("type")) if isinstance(given, Mapping) else BAD
        if type_ is BAD or not is_id(id_):
            problems.append(DocumentProblem("document.malformed_node", node=id_))
            continue

        def report(path: str, id_: str = id_) -> None:
            problems.append(DocumentProblem("document.bad_value", node=id_, path=path))

        node = {"type": type_, **_read_fields(given, _NODE, report)}
        node["settings"] = _read_settings(given, report)
        nodes[id_] = node
    return nodes


def _read_settings(raw: Mapping[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
    """The settings; one that several people can type in at once stands among the texts."""
    settings = _read_values(
        _entries(raw, "settings", report), "settings", fields.is_setting, report
    )
    texts = _entries(raw, "texts", report)
    for key in _keys(texts):
        text = fields.any_text(texts[key]) if fields.is_setting(key) else BAD
        if text is BAD:
            report(f"texts.{key}")
        else:
            settings[key] = text
    return settings


def _drop_lost_parents(nodes: dict[str, dict[str, Any]], problems: list[DocumentProblem]) -> None:
    """Take a node out of a parent that is missing, or that lies inside the node itself."""
    for id_ in sorted(nodes):
        parent = nodes[id_].get("parent")
        if parent is None or (parent in nodes and not _contains_itself(nodes, id_)):
            continue
        del nodes[id_]["parent"]
        problems.append(DocumentProblem("document.orphan_parent", node=id_))


def _contains_itself(nodes: Mapping[str, Mapping[str, Any]], id_: str) -> bool:
    return _lies_in(nodes, id_, id_)


def _lies_in(nodes: Mapping[str, Mapping[str, Any]], id_: str, around: str) -> bool:
    """Whether a node lies in another, at once or through others."""
    seen: set[str] = set()
    at: str | None = nodes[id_].get("parent")
    while at is not None and at in nodes and at not in seen:
        if at == around:
            return True
        seen.add(at)
        at = nodes[at].get("parent")
    return False


def read_edge(raw: Any) -> Edge | None:
    """The edge that an entry of the document describes, if it describes one."""
    if not isinstance(raw, Mapping):
        return None
    ends: dict[str, Any] = {name: raw.get(name) for name in Edge.model_fields}
    if not all(isinstance(end, str) and is_id(end) for end in ends.values()):
        return None
    return Edge.model_construct(**ends)


def _read_edges(
    raw: Mapping[str, Any],
    nodes: Mapping[str, Mapping[str, Any]],
    multiple: Multiple,
    problems: list[DocumentProblem],
) -> list[Edge]:
    """The edges that a flow can have: both ends there, ports filled once, no circle.

    A port of a container may face inwards as well as outwards: it can be filled from both sides.
    Edges between a node and what lies in it are part of no circle.
    """
    kept: dict[str, tuple[str, Edge]] = {}
    taken: set[_Filled] = set()
    for key in _keys(raw):
        edge = read_edge(raw[key])
        code = _fault(edge, nodes, multiple, taken, kept)
        if code is not None or edge is None:
            problems.append(DocumentProblem(f"document.{code}", edge=key))
            continue
        taken.add(_filled(edge, nodes))
        kept[edge.id] = (key, edge)
    beside = [
        edge
        for _, edge in kept.values()
        if not _lies_in(nodes, edge.source, edge.target)
        and not _lies_in(nodes, edge.target, edge.source)
    ]
    closing = [kept.pop(edge.id)[0] for edge in closing_edges(beside)]
    problems.extend(DocumentProblem("document.cycle", edge=key) for key in closing)
    return [edge for _, edge in kept.values()]


_Filled = tuple[str, str, bool]
"""An input port: the node, the port, and whether it is filled from inside."""


def _filled(edge: Edge, nodes: Mapping[str, Mapping[str, Any]]) -> _Filled:
    return edge.target, edge.target_port, _lies_in(nodes, edge.source, edge.target)


def _fault(
    edge: Edge | None,
    nodes: Mapping[str, Mapping[str, Any]],
    multiple: Multiple,
    taken: AbstractSet[_Filled],
    kept: Mapping[str, Any],
) -> str | None:
    """Why an edge cannot be shown beside those that come before it."""
    if edge is None:
        return "malformed_edge"
    if edge.id in kept:
        return "duplicate_edge"
    if edge.source not in nodes or edge.target not in nodes:
        return "dangling_edge"
    port = (nodes[edge.target]["type"], edge.target_port)
    if port not in multiple and _filled(edge, nodes) in taken:
        return "port_taken"
    return None


_NOTE: Final[tuple[Field, ...]] = (
    ("text", fields.prose),
    ("position", fields.position),
    ("size", fields.size),
    ("color", fields.text(40)),
)


def _read_notes(
    raw: Mapping[str, Any], problems: list[DocumentProblem]
) -> dict[str, dict[str, Any]]:
    notes = {}
    for id_ in _keys(raw):
        faults: list[str] = []
        given = raw[id_]
        note = _read_fields(_map(given), _NOTE, faults.append)
        if not is_id(id_) or not {"text", "position"} <= note.keys():
            problems.append(DocumentProblem("document.malformed_note", path=f"notes.{id_}"))
            continue
        notes[id_] = note
        problems.extend(
            DocumentProblem("document.bad_value", path=f"notes.{id_}.{fault}") for fault in faults
        )
    return notes
