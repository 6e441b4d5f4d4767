"""Flows and patches for property tests."""

from typing import Any

from hypothesis import strategies as st

from weft_engine.flow.model import (
    Checkpoint,
    Edge,
    Flow,
    FlowInput,
    Node,
    NodeResources,
    Note,
    Retry,
)
from weft_engine.flow.patch import Patch
from weft_server.rooms.schema import Schema

SCHEMA = Schema(
    multiple=frozenset({("control.merge", "inputs")}),
    long_texts={"text.template": frozenset({"template", "code"})},
)
TYPES = ("data.filter", "control.merge", "text.template")
IDS = ("a", "b", "c", "d", "e_1", "F")
KEYS = ("template", "code", "where", "list", "deep", "ключ")

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["Dear {{ item.name }}", "Dear {{ item.née }} 😀", "😀😀", "😁😀", "é", "e\u0301"]
)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
settings_maps = st.dictionaries(st.sampled_from(KEYS), values | texts, max_size=4)
# JSON has one zero.
coordinates = st.floats(-1e6, 1e6).map(lambda number: number + 0.0) | st.integers(-500, 500)
sizes = st.fixed_dictionaries({"width": st.integers(1, 900), "height": st.integers(1, 900)})
positions = st.fixed_dictionaries({"x": coordinates, "y": coordinates})
retries = st.builds(
    Retry, max_attempts=st.integers(1, 100), delay_s=st.floats(0, 60), backoff=st.just(2)
)
resources = st.builds(
    NodeResources,
    cpu=st.floats(0.25, 8),
    gpu=st.sampled_from([0, 0.5]),
    memory_mb=st.none() | st.just(64),
)
nodes = st.builds(
    Node,
    type=st.sampled_from(TYPES),
    name=st.none() | texts,
    settings=settings_maps,
    position=st.none() | positions,
    size=st.none() | sizes,
    disabled=st.booleans(),
    notes=st.none() | texts,
    retry=st.none() | retries,
    timeout_s=st.none() | st.floats(0.5, 100),
    on_error=st.sampled_from(["fail", "skip", "continue", "route"]),
    queue_capacity=st.none() | st.integers(1, 1000),
    priority=st.none() | st.integers(-100, 100),
    resources=st.none() | resources,
    pinned=st.none() | st.dictionaries(st.sampled_from(["rows"]), values, max_size=1),
    version=st.none() | st.integers(1, 5),
)
notes = st.builds(
    Note,
    text=texts,
    position=positions,
    size=st.none() | st.fixed_dictionaries({"width": st.floats(1, 500), "height": st.just(20)}),
    color=st.none() | st.sampled_from(["yellow", "blue"]),
)
inputs = st.builds(
    FlowInput,
    type=st.sampled_from(["Text", "Number"]),
    default=values,
    description=st.none() | texts,
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """A flow without anything that reading would hide."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=5))
    made = {id_: draw(nodes) for id_ in ids}
    for place, id_ in enumerate(ids[1:], start=1):
        if draw(st.integers(0, 4)) == 0:
            parent = draw(st.sampled_from(ids[:place]))
            made[id_] = made[id_].model_copy(update={"parent": parent})
    return Flow(
        name=draw(texts.filter(bool)),
        description=draw(st.none() | texts),
        mode=draw(st.sampled_from(["batch", "streaming", "event"])),
        nodes=made,
        edges=tuple(draw(wires(ids, made))),
        outputs=tuple(sorted(draw(st.sets(st.sampled_from(ids), max_size=2)) if ids else ())),
        inputs=draw(st.dictionaries(st.sampled_from(["path", "limit"]), inputs, max_size=2)),
        variables=draw(st.dictionaries(st.sampled_from(["rate", "x"]), values, max_size=2)),
        notes=draw(st.dictionaries(st.sampled_from(["n1", "n2"]), notes, max_size=2)),
        env=draw(st.sampled_from([None, "local", "ray"])),
        parallelism=draw(st.none() | st.integers(1, 8)),
        restart=draw(st.none() | retries),
        checkpoint=draw(st.none() | st.builds(Checkpoint, keep=st.integers(1, 9))),
    )


@st.composite
def wires(draw: st.DrawFn, ids: list[str], made: dict[str, Node]) -> list[Edge]:
    edges: dict[str, Edge] = {}
    taken: set[tuple[str, str]] = set()
    if len(ids) < 2:
        return []
    for _ in range(draw(st.integers(0, 5))):
        low, high = sorted(draw(st.sets(st.integers(0, len(ids) - 1), min_size=2, max_size=2)))
        port = draw(st.sampled_from(["rows", "inputs"]))
        edge = Edge(source=ids[low], source_port="out", target=ids[high], target_port=port)
        multiple = (made[edge.target].type, port) in SCHEMA.multiple
        if multiple or (edge.target, port) not in taken:
            edges[edge.id] = edge
            taken.add((edge.target, port))
    return list(edges.values())


def _field(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), value)


ids = st.sampled_from(IDS)
keys = st.sampled_from(KEYS)
paths = st.lists(keys | st.integers(0, 2) | st.text("ab", max_size=2), max_size=2)
node_fields = st.one_of(
    _field("name", st.none() | texts),
    _field("disabled", st.booleans()),
    _field("notes", st.none() | texts),
    _field("retry", st.none() | st.just({"max_attempts": 9})),
    _field("timeout_s", st.none() | st.floats(0.5, 9)),
    _field("on_error", st.sampled_from(["fail", "route"])),
    _field("queue_capacity", st.none() | st.integers(1, 9)),
    _field("priority", st.none() | st.integers(-9, 9)),
    _field("resources", st.none() | st.just({"cpu": 2, "gpu": 0.5, "memory_mb": 64})),
    _field("size", st.none() | sizes),
    _field("pinned", values),
    _field("parent", st.none() | ids),
)
flow_fields = st.one_of(
    _field("name", texts.filter(bool)),
    _field("description", st.none() | texts),
    _field("mode", st.sampled_from(["batch", "event"])),
    _field("outputs", st.lists(ids, max_size=2)),
    _field("variables", st.dictionaries(st.sampled_from(["rate", "y"]), values, max_size=2)),
    _field("inputs", st.dictionaries(st.just("path"), st.just({"type": "Json"}), max_size=1)),
    _field("env", st.sampled_from([None, "processes"])),
    _field("parallelism", st.none() | st.integers(1, 9)),
    _field("restart", st.none() | st.just({"delay_s": 2})),
)
ends = st.fixed_dictionaries(
    {
        "source": ids,
        "source_port": st.just("out"),
        "target": ids,
        "target_port": st.sampled_from(["rows", "inputs"]),
    }
)
ops = st.one_of(
    st.builds(lambda id_, node: {"op": "add_node", "id": id_, "node": node}, ids, nodes),
    st.builds(lambda id_: {"op": "remove_node", "id": id_}, ids),
    st.builds(
        lambda id_, type_, given: {
            "op": "replace_node",
            "id": id_,
            "type": type_,
            "settings": given,
        },
        ids,
        st.sampled_from(TYPES),
        settings_maps,
    ),
    st.builds(
        lambda id_, key, path, value: {
            "op": "set_setting",
            "node": id_,
            "path": [key, *path],
            "value": value,
        },
        ids,
        keys,
        paths,
        values,
    ),
    st.builds(
        lambda id_, key, path: {"op": "unset_setting", "node": id_, "path": [key, *path]},
        ids,
        keys,
        paths,
    ),
    st.builds(
        lambda id_, field: {"op": "set_field", "node": id_, "field": field[0], "value": field[1]},
        ids,
        node_fields,
    ),
    st.builds(lambda id_, at: {"op": "move_node", "node": id_, "position": at}, ids, positions),
    st.builds(lambda edge: {"op": "add_edge", **edge}, ends),
    st.builds(lambda edge: {"op": "remove_edge", **edge}, ends),
    st.builds(lambda field: {"op": "set_flow", "field": field[0], "value": field[1]}, flow_fields),
    st.builds(
        lambda id_, note: {"op": "add_note", "id": id_, "note": note},
        st.sampled_from(["n1", "n2"]),
        notes,
    ),
    st.builds(
        lambda id_, note: {"op": "set_note", "id": id_, "note": note},
        st.sampled_from(["n1", "n2"]),
        notes,
    ),
    st.builds(lambda id_: {"op": "remove_note", "id": id_}, st.sampled_from(["n1", "n2"])),
)
patches = st.lists(ops, max_size=8).map(lambda made: Patch.model_validate({"ops": made}))
