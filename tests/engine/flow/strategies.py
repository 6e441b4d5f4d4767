"""Flows and patches for property tests, broken ones included."""

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
    Position,
    Retry,
    Size,
)
from weft_engine.flow.patch import (
    AddEdge,
    AddNode,
    AddNote,
    MoveNode,
    Op,
    Patch,
    PortMap,
    RemoveEdge,
    RemoveNode,
    RemoveNote,
    ReplaceNode,
    SetField,
    SetFlow,
    SetNote,
    SetSetting,
    UnsetSetting,
)

IDS = st.sampled_from(["a", "b", "c", "d", "read", "_x-1"])
PORTS = st.sampled_from(["in", "out", "rows", "error"])
TYPES = st.sampled_from(["data.filter", "text.split", "x"])
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["on", "yes", "null", "~", "1e3", "0o17", "12:30", "2024-01-01", ".nan", "<<", "a: b", "# x",
     "line\nline", " lead\nx", "trail \nx", "\n", "\t", "x\r\ny", "|", "- a", "*a", "&a", "!t", "@",
     "\x85", "\u2028x", "{{ item.x }}", "'", '"', "日本 语", "🦉", "0x1F", "1_000", "=", "\ufeff"]
)  # fmt: skip
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["path", "where", "fields", "on", "by", "a b", "金额", "null"])
SETTINGS = st.dictionaries(KEYS, VALUES, max_size=4)
POSITIONS = st.builds(Position, x=st.floats(-1e6, 1e6), y=st.integers(-1000, 1000).map(float))
RETRIES = st.builds(Retry, max_attempts=st.integers(1, 9), delay_s=st.floats(0, 60))
RESOURCES = st.builds(NodeResources, cpu=st.floats(0.1, 9), gpu=st.floats(0, 1))
NAMES = st.none() | st.text(min_size=1, max_size=9)
ON_ERROR = st.sampled_from(["fail", "skip", "continue", "route"])


def nodes(types: st.SearchStrategy[str] = TYPES) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        type=types,
        name=NAMES,
        settings=SETTINGS,
        position=st.none() | POSITIONS,
        parent=st.none() | IDS,
        disabled=st.booleans(),
        notes=st.none() | TEXTS,
        retry=st.none() | RETRIES,
        timeout_s=st.none() | st.floats(0.1, 1000),
        on_error=ON_ERROR,
        queue_capacity=st.none() | st.integers(1, 100),
        priority=st.none() | st.integers(-5, 5),
        resources=st.none() | RESOURCES,
        pinned=st.none() | st.dictionaries(PORTS, VALUES, max_size=2),
        version=st.none() | st.integers(1, 9),
    )


def edges(ports: st.SearchStrategy[str] = PORTS) -> st.SearchStrategy[Edge]:
    return st.builds(Edge, source=IDS, source_port=ports, target=IDS, target_port=ports)


NOTES = st.builds(
    Note,
    text=TEXTS,
    position=POSITIONS,
    size=st.none() | st.builds(Size, width=st.floats(1, 500), height=st.floats(1, 500)),
    color=st.none() | st.just("amber"),
)
INPUTS = st.dictionaries(
    IDS, st.builds(FlowInput, type=st.just("Text"), default=VALUES, description=NAMES), max_size=2
)


def flows(
    types: st.SearchStrategy[str] = TYPES, ports: st.SearchStrategy[str] = PORTS
) -> st.SearchStrategy[Flow]:
    """Any flow: edges may dangle, stand twice and run in circles."""
    return st.builds(
        Flow,
        name=st.text(min_size=1, max_size=12),
        description=st.none() | TEXTS,
        mode=st.sampled_from(["batch", "streaming", "event"]),
        inputs=INPUTS,
        variables=st.dictionaries(IDS, VALUES, max_size=2),
        nodes=st.dictionaries(IDS, nodes(types), max_size=5),
        edges=st.lists(edges(ports), max_size=6),
        outputs=st.lists(IDS, max_size=2),
        notes=st.dictionaries(IDS, NOTES, max_size=2),
        env=st.sampled_from([None, "local", "processes"]),
        parallelism=st.none() | st.integers(1, 8),
        restart=st.none() | RETRIES,
        checkpoint=st.none() | st.builds(Checkpoint, interval_s=st.floats(1, 60)),
    )


STEPS = KEYS | st.sampled_from(["0", "1", "x"]) | st.integers(0, 3)
PATHS = st.lists(STEPS, min_size=1, max_size=3).map(tuple)
MAYBE = st.dictionaries(st.just("expect"), VALUES, max_size=1)
FIELD_VALUES = st.one_of(
    st.tuples(st.sampled_from(["name", "notes"]), st.none() | st.text(max_size=9)),
    st.tuples(st.just("disabled"), st.none() | st.booleans()),
    st.tuples(st.just("on_error"), st.none() | ON_ERROR | st.just("never")),
    st.tuples(st.just("retry"), st.none() | st.just({"max_attempts": 2})),
    st.tuples(st.sampled_from(["timeout_s", "priority", "version"]), st.none() | st.integers(1, 5)),
    st.tuples(st.just("pinned"), VALUES),
    st.tuples(st.just("parent"), st.none() | IDS),
)
FLOW_VALUES = st.one_of(
    st.tuples(st.just("name"), st.none() | st.text(max_size=9)),
    st.tuples(st.just("mode"), st.none() | st.sampled_from(["batch", "event", "never"])),
    st.tuples(st.just("outputs"), st.none() | st.lists(IDS, max_size=3)),
    st.tuples(st.just("variables"), st.none() | st.dictionaries(IDS, VALUES, max_size=2)),
    st.tuples(st.just("inputs"), st.none() | st.just({"q": {"type": "Text", "default": 1}})),
    st.tuples(st.sampled_from(["env", "parallelism", "restart", "checkpoint"]), st.none()),
)
PORT_MAPS = st.builds(
    PortMap,
    inputs=st.dictionaries(PORTS, st.none() | PORTS, max_size=2),
    outputs=st.dictionaries(PORTS, st.none() | PORTS, max_size=2),
)
ENDS = st.fixed_dictionaries(
    {"source": IDS, "source_port": PORTS, "target": IDS, "target_port": PORTS}
)

OPS: st.SearchStrategy[Op] = st.one_of(
    st.builds(AddNode, id=IDS, node=nodes()),
    st.builds(RemoveNode, id=IDS),
    st.builds(ReplaceNode, id=IDS, type=st.just("new.type"), settings=SETTINGS, ports=PORT_MAPS),
    st.builds(
        lambda extra, **given: SetSetting(**given, **extra),
        MAYBE, node=IDS, path=PATHS, value=VALUES,
    ),
    st.builds(UnsetSetting, node=IDS, path=PATHS),
    st.builds(
        lambda extra, node, pair: SetField(node=node, field=pair[0], value=pair[1], **extra),
        MAYBE, IDS, FIELD_VALUES,
    ),
    st.builds(MoveNode, node=IDS, position=st.none() | POSITIONS),
    st.builds(lambda ends, restore: AddEdge(**ends, restore=restore), ENDS, st.booleans()),
    st.builds(lambda ends: RemoveEdge(**ends), ENDS),
    st.builds(lambda pair: SetFlow(field=pair[0], value=pair[1]), FLOW_VALUES),
    st.builds(AddNote, id=IDS, note=NOTES),
    st.builds(SetNote, id=IDS, note=NOTES),
    st.builds(RemoveNote, id=IDS),
)  # fmt: skip
PATCHES = st.builds(lambda ops: Patch(ops=tuple(ops)), st.lists(OPS, max_size=8))
