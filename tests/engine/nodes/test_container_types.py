"""Containers, nodes that park and ports that a setting names: what is read off their classes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import pytest

from tests.engine.compiler.sample_nodes import info
from weft_engine.flow.model import Node
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.dynamic_ports import PortsFrom, names
from weft_engine.nodes.node_type import NodeContext, NodeType, SettingGroup
from weft_engine.nodes.port_type import NUMBER, PortType, list_of
from weft_engine.nodes.region import Drive, InnerPort, Inside, Region, Wake
from weft_engine.nodes.spec import NodeSpec
from weft_engine.nodes.types import Row, Text

T = TypeVar("T")
VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ports_from.json").read_text("utf-8"))

EACH = Inside(
    outputs=(InnerPort("item", PortType("T")), InnerPort("index", NUMBER)),
    inputs=(InnerPort("result", PortType("R"), "What it gives", required=True),),
)


class Ends(NamedTuple):
    results: list[Any]
    errors: list[Row]


class Each(NodeType):
    """Once for each."""

    info = info("Each", "control", inside=EACH)
    type: Literal["test.each"] = "test.each"

    def region(self, items: DataStream[T], note: Text | None = None) -> Ends: ...

    def drive(self, region: Region) -> Drive:
        yield
        return {}


class Switch(NodeType):
    """One of many ways."""

    class Case(SettingGroup):
        name: str
        when: str = "true"

    info = info(
        "Switch",
        "control",
        ports_from=PortsFrom("cases", "name", PortType("T"), also=("otherwise",)),
    )
    type: Literal["test.switch"] = "test.switch"
    cases: tuple[Case, ...] = ()

    def process(self, item: T) -> dict[str, T]:
        return {"otherwise": item}


class Pause(NodeType):
    """Wait."""

    info = info("Pause", "control", parks=True)
    type: Literal["test.pause"] = "test.pause"

    def park(self, item: T, ctx: NodeContext) -> Wake | None:
        return Wake("timer", due=1.0)

    def process(self, item: T, ctx: NodeContext) -> T:
        return item


def test_the_ports_of_a_container() -> None:
    spec = NodeSpec.of(Each)

    assert spec.works == "container"
    assert [(port.name, str(port.type), port.required) for port in spec.inputs] == [
        ("items", "Stream[T]", True),
        ("note", "Text", False),
    ]
    assert [(port.name, str(port.type)) for port in spec.outputs] == [
        ("results", "list[Any]"),
        ("errors", "Table"),
    ]
    assert spec.traits.region == "run"


def test_the_inside_as_json() -> None:
    told = NodeSpec.of(Each).model_dump(mode="json")["inside"]

    assert [(port["name"], port["type"], port["section"]) for port in told["outputs"]] == [
        ("item", "T", "body"),
        ("index", "Number", "body"),
    ]
    assert told["inputs"] == [
        {"name": "result", "type": "R", "required": True, "multiple": False, "section": "body",
         "description": "What it gives", "default": None, "schema": {}}
    ]  # fmt: skip


def test_others_have_no_inside() -> None:
    told = NodeSpec.of(Pause).model_dump(mode="json")

    assert (told["inside"], told["ports_from"]) == (None, None)


def test_what_parks() -> None:
    traits = NodeSpec.of(Pause).traits

    assert traits.parks
    assert traits.region == "run"


def test_the_ports_of_one_switch() -> None:
    catalogue = Catalogue([Switch])
    node = Node(type="test.switch", settings={"cases": [{"name": "low"}, {"name": "high"}]})

    spec, work = catalogue.spec_of(node), catalogue.work_of(node)

    assert spec is not None
    assert [(port.name, str(port.type)) for port in spec.outputs] == [
        ("low", "T"),
        ("high", "T"),
        ("otherwise", "T"),
    ]
    assert [port.name for port in work.outputs] == ["low", "high", "otherwise"]
    assert work.by_name
    assert catalogue.spec("test.switch").outputs == ()  # type: ignore[union-attr]
    assert [port.name for port in catalogue.work_of(Node(type="test.switch")).outputs] == [
        "otherwise"
    ]


def test_an_unknown_type_has_no_ports() -> None:
    assert Catalogue([Switch]).spec_of(Node(type="no.such")) is None


def test_ports_from_as_json() -> None:
    assert NodeSpec.of(Switch).model_dump(mode="json")["ports_from"] == {
        "setting": "cases", "key": "name", "type": "T", "description": "", "also": ["otherwise"],
    }  # fmt: skip


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_ports_that_settings_name(case: dict[str, Any]) -> None:
    source = dict(case["source"])
    also = tuple(source.pop("also", ()))
    found = names(PortsFrom(**source, also=also), case["settings"], case.get("default"))

    assert list(found) == case["ports"]


def make(more: dict[str, Any], **body: Any) -> type[NodeType]:
    annotations = {"type": Literal["test.made"]}
    given = {"info": info("Made", **more), "type": "test.made", "__annotations__": annotations}
    return type("Made", (NodeType,), {"__module__": __name__, **given, **body})


def process(self: Any, row: Row) -> Row:
    return row


def records(self: Any, row: Row) -> Iterator[Row]:
    yield row


def region(self: Any, row: Row) -> Row: ...


def drive(self: Any, region: Region) -> Drive:
    yield
    return {}


TWICE = Inside(inputs=(InnerPort("x", NUMBER), InnerPort("x", NUMBER)))
STREAM = Inside(outputs=(InnerPort("x", PortType("Stream", list_of(NUMBER))),))


@pytest.mark.parametrize(
    ("more", "body", "says"),
    [
        ({}, {"region": region, "drive": drive}, "`region` and `info.inside`"),
        ({"inside": EACH}, {"process": process}, "`region` and `info.inside`"),
        ({"inside": EACH}, {"region": region}, "needs `drive`"),
        ({"inside": EACH}, {"region": region, "process": process}, "either `process` or `build`"),
        ({"inside": TWICE}, {"region": region, "drive": drive}, "the same name"),
        ({"inside": STREAM}, {"region": region, "drive": drive}, "carry values"),
        ({"parks": True}, {"process": process}, "has `park`"),
        ({"parks": True}, {"process": records, "park": process}, "gives values"),
        ({}, {"process": process, "park": process}, "has `park`"),
        ({"inside": EACH, "parks": True}, {"region": region, "drive": drive}, "only `process`"),
        ({"ports_from": PortsFrom("x")}, {"process": process}, "no setting 'x'"),
    ],
)
def test_what_such_a_class_must_say(more: dict[str, Any], body: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        NodeSpec.of(make(more, **body))
