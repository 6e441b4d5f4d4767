"""What is read off the class of a node type."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, NamedTuple

import pytest
from pydantic import Field

from tests.engine.compiler.sample_nodes import CATALOGUE, If, Merge, ReadRows, Sort, info
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.node_type import NodeContext, NodeType, SettingGroup
from weft_engine.nodes.ports import work_of
from weft_engine.nodes.spec import NodeSpec
from weft_engine.nodes.types import (
    Chunk,
    Date,
    Document,
    Embedding,
    Html,
    Json,
    Number,
    Row,
    Table,
    Text,
    of,
)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, "Text"), (int, "Number"), (float, "Number"), (Number, "Number"), (bool, "Bool"),
        (Date, "Date"), (Json, "Json"), (Row, "Row"), (dict, "Row"), (Table, "Table"),
        (Document, "Document"), (Chunk, "Chunk"), (Html, "Html"), (Embedding, "Embedding"),
        (Any, "Any"),
        (list[Document], "list[Document]"), (list, "list[Any]"), (str | None, "Optional[Text]"),
        (str | int, "Json"), (Iterator[Row], "Stream[Row]"), (AsyncIterator[str], "Stream[Text]"),
        (DataStream[Row], "Stream[Row]"), (Literal["a", "b"], "Text"),
    ],
)  # fmt: skip
def test_types_of_annotations(annotation: Any, kind: str) -> None:
    assert str(of(annotation)) == kind


@pytest.mark.parametrize("annotation", [set, set[str], bytes, tuple[int, int], object(), complex])
def test_annotations_that_no_port_can_have(annotation: Any) -> None:
    with pytest.raises(TypeError, match="no type that a port can have"):
        of(annotation)


class Summary(NamedTuple):
    short: Text
    parts: Iterator[Chunk]


class Summarise(NodeType):
    """Summarise a document.

    It takes its time.

    >>> 1 + 1
    2
    """

    class Style(SettingGroup):
        tone: Literal["plain", "warm"] = "plain"
        """How it sounds."""

    info = info(
        "Summarise",
        "ai",
        ports={"document": "What to read"},
        effects=True,
        widgets={"prompt": "textarea"},
    )
    type: Literal["test.summarise"] = "test.summarise"
    prompt: str = "Short, please"
    """What to ask for."""
    max_words: int = Field(100, gt=0, title="Longest")
    """How long it may be."""
    style: Style = Style()

    async def process(
        self, document: Document, ctx: NodeContext, hint: Text | None = None
    ) -> Summary:
        return Summary("", iter(()))


def test_how_it_works() -> None:
    work = work_of(Summarise)

    assert (work.kind, work.asynchronous, work.takes_context, work.named, work.many) == (
        "process", True, True, True, False,
    )  # fmt: skip
    assert [(port.name, str(port.type), port.required) for port in work.inputs] == [
        ("document", "Document", True),
        ("hint", "Text", False),
    ]
    assert [(port.name, str(port.type)) for port in work.outputs] == [
        ("short", "Text"),
        ("parts", "Stream[Chunk]"),
    ]


def test_a_generator_gives_many() -> None:
    work = work_of(ReadRows)

    assert work.many
    assert not work.asynchronous
    assert str(work.outputs[0].type) == "Stream[Row]"


def test_fields_of_a_generic_tuple() -> None:
    assert [(port.name, str(port.type)) for port in work_of(If).outputs] == [
        ("true", "T"),
        ("false", "T"),
    ]


def test_a_port_of_many_edges_has_the_type_of_one() -> None:
    (port,) = work_of(Merge).inputs

    assert (str(port.type), port.multiple) == ("T", True)


def test_the_description() -> None:
    spec = NodeSpec.of(Summarise).model_dump(mode="json")

    assert spec["description"] == "Summarise a document.\n\nIt takes its time."
    assert spec["examples"] == [{"code": "1 + 1", "output": "2"}]
    assert spec["inputs"][0]["description"] == "What to read"
    assert spec["inputs"][1]["default"] is None
    assert spec["outputs"][1]["schema"]["properties"]["text"] == {"title": "Text", "type": "string"}
    assert spec["traits"] == {
        "pure": True, "deterministic": True, "effects": True, "async": True, "cost": "cheap",
        "region": "run", "unbounded": False, "needs_end": False, "parks": False,
        "batchable": False,
    }  # fmt: skip
    assert spec["executor"]["class"] == "Summarise"
    assert spec["i18n"]["zh"]["title"] == "节点"


def test_the_settings_schema() -> None:
    schema = NodeSpec.of(Summarise).settings

    assert set(schema["properties"]) == {"prompt", "max_words", "style"}
    assert schema["properties"]["prompt"] == {
        "default": "Short, please", "description": "What to ask for.", "title": "Prompt",
        "type": "string", "x-widget": "textarea",
    }  # fmt: skip
    assert schema["properties"]["max_words"]["title"] == "Longest"
    assert schema["properties"]["max_words"]["exclusiveMinimum"] == 0
    assert schema["$defs"]["Style"]["properties"]["tone"]["description"] == "How it sounds."
    assert schema["additionalProperties"] is False


def test_expressions_carry_their_widget() -> None:
    spec = CATALOGUE.spec("test.filter")

    assert spec is not None
    assert spec.settings["properties"]["where"]["x-widget"] == "expression"


def test_titles_are_in_sentence_case() -> None:
    class Titled(NodeType):
        info = info("Titled")
        type: Literal["test.titled"] = "test.titled"
        max_open_files: int = 1

        def process(self) -> Text:
            return ""

    assert NodeSpec.of(Titled).settings["properties"]["max_open_files"]["title"] == "Max open files"


def test_two_nodes_with_equal_settings_are_equal() -> None:
    assert Sort(by=(Sort.By(field="a"),)) == Sort.model_validate({"by": [{"field": "a"}]})


def make(**body: Any) -> type[NodeType]:
    annotations = {"type": Literal["test.made"]}
    given = {"info": info("Made"), "type": "test.made", "__annotations__": annotations, **body}
    return type("Made", (NodeType,), {"__module__": __name__, **given})


def no_annotation(self: Any, row) -> str:  # type: ignore[no-untyped-def]
    return ""


def stream_in_process(self: Any, rows: Iterator[Row]) -> str:
    return ""


def value_in_build(self: Any, row: Row) -> DataStream[Row]: ...


def stream_out_of_process(self: Any) -> DataStream[Row]: ...


def many(self: Any, *rows: Row) -> str:
    return ""


def set_port(self: Any, rows: set[str]) -> str:
    return ""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "either `process` or `build`"),
        ({"process": no_annotation, "build": no_annotation}, "either `process` or `build`"),
        ({"process": no_annotation}, "'row' needs an annotation"),
        ({"process": stream_in_process}, "whole streams are for `build`"),
        ({"build": value_in_build}, "is a DataStream"),
        ({"process": stream_out_of_process}, "DataStreams are for `build`"),
        ({"process": many}, "one by one"),
        ({"process": set_port}, "no type that a port can have"),
    ],
)
def test_what_a_class_must_say(body: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        NodeSpec.of(make(**body))
