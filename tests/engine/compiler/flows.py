"""Small node types and a way to run flows of them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.flow.model import Flow
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import SKIP, NodeContext, NodeInfo, NodeType, Skip, Zh
from weft_engine.nodes.types import Any as AnyValue
from weft_engine.nodes.types import Json, Number, Row, Text
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunResult
from weft_engine.runs.runner import run_flow

T = TypeVar("T")


def info(**more: Any) -> NodeInfo:
    return NodeInfo(
        category="process", icon="box", title="Test", zh=Zh(title="测试", summary="测试。"), **more
    )


class Seen:
    """What test nodes noted, by the name in their settings."""

    def __init__(self) -> None:
        self.calls: dict[str, list[Any]] = {}
        self.lock = threading.Lock()

    def note(self, name: str, what: Any) -> int:
        with self.lock:
            found = self.calls.setdefault(name, [])
            found.append(what)
            return len(found)


seen = Seen()


class Value(NodeType):
    """One value."""

    type: Literal["t.value"] = "t.value"
    value: Any = "v"
    info = info()

    def process(self) -> AnyValue:
        return self.value


class Texts(NodeType):
    """A stream of texts."""

    type: Literal["t.texts"] = "t.texts"
    texts: list[str] = Field(["a", "b", "c"])
    fail_after: int | None = None
    info = info()

    def process(self) -> Iterator[Text]:
        for index, text in enumerate(self.texts):
            if index == self.fail_after:
                raise OSError(5, "torn")
            yield text


class Word(NodeType):
    """One text."""

    type: Literal["t.word"] = "t.word"
    text: str = "w"
    info = info()

    def process(self) -> Text:
        return self.text


class Listed(NodeType):
    """A list of texts, at once."""

    type: Literal["t.list"] = "t.list"
    texts: list[str] = Field(["x", "y"])
    info = info()

    def process(self) -> list[Text]:
        return self.texts


class Upper(NodeType):
    """Text to text."""

    type: Literal["t.upper"] = "t.upper"
    note: str = ""
    info = info()

    def process(self, text: Text) -> Text:
        seen.note(self.note, text)
        return text.upper()


class Pair(NodeType):
    """Two texts to one; the second may be missing."""

    type: Literal["t.pair"] = "t.pair"
    info = info()

    def process(self, a: Text, b: Text | None = None) -> Text:
        return f"{a}+{b}"


class Both(NodeType):
    """Two texts to one; both are needed."""

    type: Literal["t.both"] = "t.both"
    info = info()

    def process(self, a: Text, b: Text) -> Text:
        return f"{a}&{b}"


class Find(NodeType):
    """A text to a list of texts."""

    type: Literal["t.find"] = "t.find"
    info = info()

    def process(self, text: Text) -> list[Text]:
        return [f"{text}1", f"{text}2"]


class Rerank(NodeType):
    """A list to a list."""

    type: Literal["t.rerank"] = "t.rerank"
    info = info()

    def process(self, found: list[Text]) -> list[Text]:
        return list(reversed(found))


class Answer(NodeType):
    """A question and texts to one text."""

    type: Literal["t.answer"] = "t.answer"
    info = info()

    def process(self, question: Text, found: list[Text]) -> Text:
        return f"{question}:{','.join(found)}"


class Cut(NodeType):
    """A text to its characters."""

    type: Literal["t.cut"] = "t.cut"
    info = info()

    def process(self, text: Text) -> Iterator[Text]:
        yield from text


class Ways(NamedTuple):
    """Two ways."""

    yes: Text | Skip
    no: Text | Skip


class Decide(NodeType):
    """A text goes one way or the other."""

    type: Literal["t.if"] = "t.if"
    when: str = "b"
    info = info()

    def process(self, text: Text) -> Ways:
        return Ways(text, SKIP) if text == self.when else Ways(SKIP, text)


class Mixed(NamedTuple):
    """A value and a stream."""

    length: Number
    parts: Iterator[Text]


class Measure(NodeType):
    """A text to its length and its characters."""

    type: Literal["t.measure"] = "t.measure"
    info = info()

    def process(self, text: Text) -> Mixed:
        return Mixed(len(text), iter(text))


class First(NodeType):
    """The first of several ways that was taken."""

    type: Literal["t.first"] = "t.first"
    info = info(multiple=("ways",))

    def process(self, ways: list[Text]) -> Text:
        return ways[0]


class All(NodeType):
    """All ways that were taken."""

    type: Literal["t.all"] = "t.all"
    info = info(multiple=("ways",))

    def process(self, ways: list[Text]) -> Text:
        return "|".join(ways)


class Append(NodeType):
    """Streams one after the other."""

    type: Literal["t.append"] = "t.append"
    info = info(multiple=("inputs",))

    def build(self, inputs: list[DataStream[T]]) -> DataStream[T]:
        first, *others = inputs
        return first.concat(*others)


class Count(NodeType):
    """How many records there are."""

    type: Literal["t.count"] = "t.count"
    info = info()

    def build(self, rows: DataStream[AnyValue]) -> DataStream[Number]:
        return rows.fold(int, lambda n, _: n + 1)


class Keep(NodeType):
    """The records that are not the one left out."""

    type: Literal["t.keep"] = "t.keep"
    out: str = "b"
    info = info()

    def build(
        self, rows: DataStream[T], others: DataStream[AnyValue] | None = None
    ) -> DataStream[T]:
        kept = rows.filter(lambda row: row != self.out)
        return kept if others is None else kept.concat(others)


class Check(NodeType):
    """Fails on one text."""

    type: Literal["t.check"] = "t.check"
    bad: str = "b"
    info = info()

    def process(self, text: Text) -> Text:
        if text == self.bad:
            raise ValueError(f"{text} is bad")
        return text


class CheckEach(NodeType):
    """Fails on one text, inside its operators."""

    type: Literal["t.check_each"] = "t.check_each"
    bad: str = "b"
    info = info()

    def build(self, rows: DataStream[Text]) -> DataStream[Text]:
        def look(text: str) -> str:
            if text == self.bad:
                raise ValueError(f"{text} is bad")
            return text

        return rows.map(look)


class CutBad(NodeType):
    """A text to its characters; breaks at one of them."""

    type: Literal["t.cut_bad"] = "t.cut_bad"
    bad: str = "!"
    info = info()

    def process(self, text: Text) -> Iterator[Text]:
        for letter in text:
            if letter == self.bad:
                raise ValueError(f"{letter} is bad")
            yield letter


class Flaky(NodeType):
    """Fails so many times before it works."""

    type: Literal["t.flaky"] = "t.flaky"
    name: str
    failures: int = 2
    info = info()

    def process(self, text: Text) -> Text:
        if seen.note(f"{self.name}:{text}", "call") <= self.failures:
            raise OSError(11, "busy")
        return text


class Slow(NodeType):
    """Waits until told, or for ever."""

    type: Literal["t.slow"] = "t.slow"
    info = info()

    def process(self, text: Text, ctx: NodeContext) -> Text:
        while not ctx.cancelled():
            released.wait(0.005)
        return text


released = threading.Event()


class Wait(NodeType):
    """Text to text, asynchronously."""

    type: Literal["t.wait"] = "t.wait"
    bad: str = ""
    info = info()

    async def process(self, text: Text) -> Text:
        for _ in range(ord(text[0]) % 5):
            await asyncio.sleep(0)
        if text == self.bad:
            raise ValueError(f"{text} is bad")
        return f"{text}~"


class WaitPair(NodeType):
    """Two texts to one, asynchronously; the second may be missing."""

    type: Literal["t.wait_pair"] = "t.wait_pair"
    info = info()

    async def process(self, a: Text, b: Text | None = None) -> Text:
        await asyncio.sleep(0)
        return f"{a}+{b}"


class WillNotOpen(NodeType):
    """Cannot be opened."""

    type: Literal["t.will_not_open"] = "t.will_not_open"
    info = info()

    def open(self, ctx: NodeContext) -> None:
        raise OSError(13, "locked")

    def process(self) -> Text:
        return "never"


class Stream(NodeType):
    """A text to its characters, asynchronously."""

    type: Literal["t.stream"] = "t.stream"
    info = info()

    async def process(self, text: Text) -> AsyncIterator[Text]:
        for letter in text:
            await asyncio.sleep(0)
            yield letter


class Ends(NodeType):
    """Takes a text, gives nothing."""

    type: Literal["t.ends"] = "t.ends"
    note: str = "ends"
    info = info(effects=True)

    def process(self, text: Text) -> None:
        seen.note(self.note, text)


class Life(NodeType):
    """Notes when it is opened and closed."""

    type: Literal["t.life"] = "t.life"
    note: str = "life"
    info = info()

    def open(self, ctx: NodeContext) -> None:
        seen.note(self.note, f"open {ctx.node_id}")

    def close(self) -> None:
        seen.note(self.note, "close")

    def process(self, text: Text, ctx: NodeContext) -> Text:
        seen.note(self.note, text)
        ctx.logger.info("saw %s", text)
        return text


class Breaks(NodeType):
    """Cannot be set up."""

    type: Literal["t.breaks"] = "t.breaks"
    info = info()

    def build(self, rows: DataStream[T]) -> DataStream[T]:
        raise ValueError("cannot be built")


class Errors(NodeType):
    """What a failure was about."""

    type: Literal["t.errors"] = "t.errors"
    info = info()

    def process(self, failure: Row) -> Json:
        return {"item": failure["item"], "message": failure["message"]}


CATALOGUE = Catalogue(
    [value for value in list(globals().values()) if isinstance(value, type)
     and issubclass(value, NodeType) and value is not NodeType]
)  # fmt: skip
assert not CATALOGUE.problems, CATALOGUE.problems


@dataclass
class Ran:
    """A run and what was heard of it."""

    result: RunResult
    events: list[RunEvent] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str(self.result.state)

    def states(self) -> dict[str, str]:
        return {name: str(node.state) for name, node in self.result.nodes.items()}

    def types(self, node: str | None = None) -> list[str]:
        return [event.type for event in self.events if node is None or event.node == node]

    def of(self, kind: str, node: str | None = None) -> list[RunEvent]:
        return [e for e in self.events if e.type == kind and (node is None or e.node == node)]


def flow_of(nodes: dict[str, Any], edges: list[str], **more: Any) -> Flow:
    """`{"a": "t.texts"}` or `{"a": ("t.texts", {settings}, {fields})}`; `"a.out>b.text"`."""
    plain: dict[str, Any] = {}
    for name, node in nodes.items():
        kind, settings, fields = (node, {}, {}) if isinstance(node, str) else (*node, {}, {})[:3]
        plain[name] = {"type": kind, "settings": settings, **fields}
    ends = [[end.split(".") for end in edge.split(">")] for edge in edges]
    return Flow.model_validate(
        {
            "name": "Test",
            "nodes": plain,
            "edges": [
                {"source": a, "source_port": b, "target": c, "target_port": d}
                for (a, b), (c, d) in ends
            ],
            **more,
        }
    )


def run(
    flow: Flow,
    folder: Path,
    *,
    catalogue: Catalogue = CATALOGUE,
    heard: Callable[[RunEvent], None] | None = None,
    **more: Any,
) -> Ran:
    """Run a flow here."""
    events: list[RunEvent] = []

    def hear(event: RunEvent) -> None:
        events.append(event)
        if heard is not None:
            heard(event)

    result = run_flow(
        flow,
        catalogue,
        run_id="run_test",
        files=LocalFiles(folder, confined=True),
        emit=hear,
        store=OutputStore(folder),
        **more,
    )
    return Ran(result, events)


def given(ran: Ran, node: str, port: str = "out") -> Any:
    """What a port gave: a list for a stream, else the value; None when it was not taken."""
    kept = ran.result.outputs.get(node, {}).get(port)
    if kept is None:
        return None
    return kept["value"] if kept["kind"] == "value" else kept["records"]
