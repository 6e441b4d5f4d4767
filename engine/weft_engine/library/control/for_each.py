"""Going through a stream, one scope for each record."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.kernel.stream import DataStream
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
from weft_engine.library.control.inner import NUMBER, T_, U_
from weft_engine.nodes.node_type import SKIP, Inside, NodeInfo, NodeType, Zh
from weft_engine.nodes.region import Drive, InnerPort, Region, ScopeEnd, ScopeFailedError
from weft_engine.nodes.types import Row

T = TypeVar("T")
U = TypeVar("U")

AHEAD = 4
"""How far records may be ahead of the oldest that is under way, as a multiple of those."""

Policy = Literal["fail", "skip", "null", "collect"]


class Results(NamedTuple, Generic[U]):
    """What came out of the body, and what failed."""

    results: DataStream[U]
    errors: DataStream[Row]


class ForEach(NodeType):
    """Go through the records of a stream, each in a scope of its own.

    The nodes inside start afresh for every record; `item` is the record, `index` its number from 0.
    What they lead to `result` comes out as a stream, in the order of the records unless that is
    switched off; a record whose `result` is skipped gives nothing. Records are read as they are
    needed, and no more are under way than `concurrency` says. Variables that are set inside are
    gone with the scope: records know nothing of each other.

    >>> from weft_engine.nodes.region import ScopeEnd
    >>> ForEach(concurrency=2, on_item_error="skip").info.inside.inputs[0].name
    'result'
    """

    type: Literal["control.for_each"] = "control.for_each"
    concurrency: int = Field(1, ge=1, le=1000)
    """How many records are under way at a time."""
    on_item_error: Policy = Field("fail", title="When an item fails")
    """Stop: the run fails and the other records are stopped. Skip: the record gives nothing. Null:
    null takes its place. Collect: it gives nothing, and leaves by `errors` with its failure."""
    ordered: bool = Field(True, title="Keep the order")
    """Whether results come in the order of the records, or as soon as they are there."""

    info = NodeInfo(
        category="control",
        icon="repeat",
        title="For each",
        subtitle="{concurrency} at a time",
        ports={
            "items": "The records to go through.",
            "results": "What came out for each record.",
            "errors": "Records that failed: index, item, failure.",
        },
        aliases_en=("loop", "map", "iterate", "iteration", "batch", "split in batches", "foreach"),
        aliases_zh=("循环", "遍历", "迭代", "逐条", "批处理", "每个"),
        inside=Inside(
            repeats=True,
            outputs=(
                InnerPort("item", T_, "The record."),
                InnerPort("index", NUMBER, "Its number, from 0."),
            ),
            inputs=(InnerPort("result", U_, "What comes out for this record."),),
        ),
        zh=Zh(
            title="逐条循环",
            summary="逐条处理流中的记录，每条都在自己的作用域里。",
            subtitle="同时 {concurrency} 条",
            settings={
                "concurrency": ("并发数", "同时处理多少条记录。"),
                "on_item_error": (
                    "单条出错时",
                    "停止：运行失败，其余记录停止；跳过：这条没有结果；空值：用空值代替；"
                    "收集：这条没有结果，连同错误从“错误”端口输出。",
                ),
                "ordered": ("保持顺序", "结果按记录的顺序给出，还是做完就给出。"),
            },
            ports={
                "items": ("记录", "要遍历的记录。"),
                "results": ("结果", "每条记录得到的结果。"),
                "errors": ("错误", "出错的记录：序号、记录、错误。"),
                "item": ("当前", "当前的记录。"),
                "index": ("序号", "记录的序号，从 0 开始。"),
                "result": ("结果", "这条记录的结果。"),
            },
        ),
    )

    def region(self, items: DataStream[T]) -> Results[U]:
        """The outer ports."""
        raise NotImplementedError

    def drive(self, region: Region) -> Drive:
        """Go through the records."""
        if region.input("items") is SKIP:
            return {"results": SKIP, "errors": SKIP}
        going = _Going(region, region.records("items"), self)
        going.fill()
        while going.under_way:
            going.take((yield))
            going.fill()
        return {}


@dataclass(slots=True)
class _Going:
    """The way through the records."""

    region: Region
    records: Iterator[Any]
    node: ForEach
    under_way: dict[int, Any] = field(default_factory=dict)
    """Number → record."""
    waiting: dict[int, tuple[str, Any]] = field(default_factory=dict)
    """What is done while a record before is not: number → port and what leaves by it."""
    started: int = 0
    next: int = 0
    """The number of the record whose results are given next."""
    done: int = 0
    failed: int = 0
    total: int | None = None

    def fill(self) -> None:
        """Start as many records as may be under way."""
        most = self.node.concurrency
        while self.total is None and len(self.under_way) < most and self._near():
            try:
                item = next(self.records)
            except StopIteration:
                self.total = self.started
                self.region.progress(self.done, self.total, self.failed)
                return
            number, self.started = self.started, self.started + 1
            self.under_way[number] = item if self.node.on_item_error == "collect" else None
            self.region.start(str(number), item=item, index=number)

    def _near(self) -> bool:
        return not self.node.ordered or self.started - self.next < AHEAD * self.node.concurrency

    def take(self, end: ScopeEnd) -> None:
        """One record is done."""
        number = int(end.key)
        item = self.under_way.pop(number)
        if end.state == "cancelled":
            raise ScopeFailedError(end)
        self.done += 1
        self.failed += end.state == "failed"
        port, value = self._outcome(number, item, end)
        self.region.progress(self.done, self.total, self.failed)
        if not self.node.ordered:
            self._give(port, value)
            return
        self.waiting[number] = port, value
        while self.next in self.waiting:
            self._give(*self.waiting.pop(self.next))
            self.next += 1

    def _outcome(self, number: int, item: Any, end: ScopeEnd) -> tuple[str, Any]:
        if end.state != "failed":
            return "results", end.exits.get("result", SKIP)
        policy = self.node.on_item_error
        if policy == "fail":
            raise ScopeFailedError(end)
        if policy == "collect":
            return "errors", {"index": number, "item": item, "failure": dict(end.failure or {})}
        return "results", None if policy == "null" else SKIP

    def _give(self, port: str, value: Any) -> None:
        if value is not SKIP:
            self.region.emit(port, value)
