"""Small node types for tests of the check and the wiring."""

from collections.abc import Iterator
from typing import Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.expressions import Expression
from weft_engine.nodes.node_type import Category, NodeInfo, NodeType, SettingGroup, Skip, Zh
from weft_engine.nodes.types import Chunk, Document, Row, Table, Text

T = TypeVar("T")


def info(title: str, category: Category = "process", **more: object) -> NodeInfo:
    zh = Zh(title="节点", summary="用于测试的节点。")
    return NodeInfo(category=category, icon="box", title=title, zh=zh, **more)  # type: ignore[arg-type]


class ReadRows(NodeType):
    """Read rows."""

    info = info("Read rows", "source", output="rows")
    type: Literal["test.rows"] = "test.rows"
    path: str = Field("a.csv", min_length=1)
    """The file."""
    size: int = Field(10, gt=0, le=100)
    """How many at once."""
    kind: Literal["csv", "json"] = "csv"
    """How it is written."""

    def process(self) -> Iterator[Row]:
        yield {}


class ReadDocuments(NodeType):
    """Read documents."""

    info = info("Read documents", "source", output="documents")
    type: Literal["test.documents"] = "test.documents"

    def process(self) -> Iterator[Document]:
        yield {"text": ""}


class Question(NodeType):
    """One question."""

    info = info("Question", "source", output="text")
    type: Literal["test.question"] = "test.question"

    def process(self) -> Text:
        return ""


class Endless(NodeType):
    """Rows without end."""

    info = info("Endless", "source", output="rows", unbounded=True)
    type: Literal["test.endless"] = "test.endless"

    def process(self) -> Iterator[Row]:
        yield {}


class Filter(NodeType):
    """Keep some."""

    info = info("Filter", output="rows")
    type: Literal["test.filter"] = "test.filter"
    where: Expression = "true"
    """Which."""

    def build(self, rows: DataStream[T]) -> DataStream[T]:
        return rows


class Sort(NodeType):
    """Put in order."""

    class By(SettingGroup):
        field: str
        descending: bool = False

    info = info("Sort", output="rows", needs_end=True)
    type: Literal["test.sort"] = "test.sort"
    by: tuple[By, ...] = ()
    """By what."""

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        return rows


class Label(NodeType):
    """A text for a row."""

    info = info("Label", output="text")
    type: Literal["test.label"] = "test.label"

    def process(self, row: Row) -> Text:
        return ""


class Split(NodeType):
    """Chunks of a text."""

    info = info("Split", output="chunks")
    type: Literal["test.split"] = "test.split"

    def process(self, text: Text) -> Iterator[Chunk]:
        yield {"text": text}


class Retrieve(NodeType):
    """Documents for a question."""

    info = info("Retrieve", output="documents")
    type: Literal["test.retrieve"] = "test.retrieve"

    def process(self, question: Text) -> list[Document]:
        return []


class Answer(NodeType):
    """An answer from documents."""

    info = info("Answer", "ai", output="text")
    type: Literal["test.answer"] = "test.answer"

    def process(
        self, question: Text, documents: list[Document], context: Text | None = None
    ) -> Text:
        return ""


class Pair(NodeType):
    """Two texts in one."""

    info = info("Pair", output="text")
    type: Literal["test.pair"] = "test.pair"

    def process(self, a: Text, b: Text) -> Text:
        return a + b


class Branches(NamedTuple, Generic[T]):
    true: T | Skip
    false: T | Skip


class If(NodeType):
    """One way or the other."""

    info = info("If", "control")
    type: Literal["test.if"] = "test.if"

    def process(self, item: T) -> Branches[T]:
        return Branches(item, item)


class Merge(NodeType):
    """Several ways into one."""

    info = info("Merge", "control", multiple=("inputs",))
    type: Literal["test.merge"] = "test.merge"

    def process(self, inputs: list[T]) -> T:
        return inputs[0]


class Count(NodeType):
    """How many rows."""

    info = info("Count", output="text")
    type: Literal["test.count"] = "test.count"

    def process(self, rows: Table) -> Text:
        return str(len(rows))


class Show(NodeType):
    """Show rows."""

    info = info("Show", "output")
    type: Literal["test.show"] = "test.show"

    def build(self, rows: DataStream[Row]) -> None: ...


class Ask(NodeType):
    """An input of the flow."""

    info = info("Ask", "source", output="text", widgets={"name": "input"})
    type: Literal["test.ask"] = "test.ask"
    name: str
    """The input."""

    def process(self) -> Text:
        return ""


TYPES = (
    ReadRows, ReadDocuments, Question, Endless, Filter, Sort, Label, Split, Retrieve, Answer, Pair,
    If, Merge, Count, Show, Ask,
)  # fmt: skip
CATALOGUE = Catalogue(TYPES)
