"""Choosing and computing, row by row: filter, map, limit, unpack."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName, value
from weft_engine.library.environment import environment
from weft_engine.library.unpacking import at_path, records_of
from weft_engine.nodes.expression_facts import columns_read, fails_alike
from weft_engine.nodes.expression_runtime import check_weight
from weft_engine.nodes.expressions import Expression, compile_expression
from weft_engine.nodes.node_type import ALWAYS, NodeContext, NodeInfo, NodeType, SettingGroup, Zh
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Json, Row

T = TypeVar("T")


class Filter(NodeType):
    """Keep the records for which a condition is true.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"amount": 20}, {"amount": 250}])
    >>> env.run(Filter(where="item.amount > 100").build(rows))
    [{'amount': 250}]
    """

    type: Literal["data.filter"] = "data.filter"
    where: Expression = Field(title="Condition")
    """What must hold, such as item.amount > 100 and item.region == "North"."""

    info = NodeInfo(
        category="process",
        icon="filter",
        title="Filter",
        output="rows",
        subtitle="where {where}",
        ports={"rows": "The records; the output has those that pass."},
        aliases_en=("where", "keep", "remove", "select rows", "condition", "query", "drop"),
        aliases_zh=("过滤", "条件", "保留", "剔除", "查询"),
        zh=Zh(
            title="筛选",
            summary="保留满足条件的记录。",
            subtitle="条件 {where}",
            settings={
                "where": (
                    "条件",
                    '要满足的条件，例如 item.amount > 100 and item.region == "北区"。',
                )
            },
            ports={"rows": ("数据行", "记录；输出的是满足条件的那些。")},
        ),
    )

    def build(self, rows: DataStream[T], ctx: NodeContext | None = None) -> DataStream[T]:
        """Add the filter to the stream."""
        return rows.filter(self._keeps(ctx), name="filter")

    def row_work(self) -> RowWork:
        """It reads what its condition reads."""
        return RowWork(
            "filter",
            reads=columns_read(self.where),
            condition=self.where,
            keeps=self._keeps,
            alike=True,
        )

    def _keeps(self, ctx: NodeContext | None) -> Callable[[Any], Any]:
        env = environment(ctx)
        where = compile_expression(self.where).bound(env)
        return lambda item: where(item, env)


class Column(SettingGroup):
    """A new column."""

    name: str = Field(min_length=1, max_length=200)
    """What the column is called."""
    expression: Expression
    """What computes it."""


class Map(NodeType):
    """Compute columns from each record.

    Every expression sees the record as it came in. New columns stand behind those that are kept;
    one with the name of an existing column replaces it in its place.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"price": 20, "count": 3}])
    >>> total = Column(name="total", expression="item.price * item.count")
    >>> env.run(Map(fields=[total]).build(rows))
    [{'price': 20, 'count': 3, 'total': 60}]
    """

    type: Literal["data.map"] = "data.map"
    fields: tuple[Column, ...] = Field(min_length=1, max_length=200, title="New columns")
    """The new columns, in order: a name and the expression that computes it."""
    keep: bool = Field(True, title="Keep other columns")
    """Whether to keep the other columns of the row."""

    info = NodeInfo(
        category="process",
        icon="math-function",
        title="Map",
        output="rows",
        subtitle="{fields}",
        ports={"rows": "The records; the output has rows with the computed columns."},
        aliases_en=("set", "compute", "calculate", "formula", "transform", "add column", "derive"),
        aliases_zh=("计算", "公式", "转换", "新增列", "设置字段"),
        single_when=ALWAYS,
        zh=Zh(
            title="计算列",
            summary="用表达式为每条记录计算新的列。",
            subtitle="{fields}",
            settings={
                "fields": ("新列", "按顺序排列的新列：列名，以及计算它的表达式。"),
                "fields.name": ("列名", "新列叫什么。"),
                "fields.expression": ("表达式", "用来计算这一列。"),
                "keep": ("保留其他列", "是否保留原有的其他列。"),
            },
            ports={"rows": ("数据行", "记录；输出的是带有计算结果的行。")},
        ),
    )

    def build(self, rows: DataStream[Any], ctx: NodeContext | None = None) -> DataStream[Row]:
        """Add the computation to the stream."""
        env = environment(ctx)
        compiled = [
            (column.name, compile_expression(column.expression).bound(env))
            for column in self.fields
        ]

        def compute(item: Any) -> Row:
            row: Row = dict(item) if self.keep and isinstance(item, Mapping) else {}
            nested = 0
            for name, expression in compiled:
                row[name] = found = expression(item, env)
                nested += found.__class__ is dict or found.__class__ is list
            return check_weight(row) if nested > 1 else row

        return rows.map(compute, name="map")

    def row_work(self) -> RowWork:
        """It reads what its expressions read, and makes its columns."""
        texts = [column.expression for column in self.fields]
        read = [columns_read(text) for text in texts]
        return RowWork(
            "each",
            reads=None if None in read else frozenset().union(*(each or () for each in read)),
            makes=frozenset(column.name for column in self.fields),
            passes=None if self.keep else frozenset(),
            fails_alike=fails_alike(texts),
            alike=fails_alike(texts),
        )


class Limit(NodeType):
    """Keep the first records, and stop reading what nobody else needs.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> env.run(Limit(count=2, skip=1).build(env.from_collection(["a", "b", "c", "d"])))
    ['b', 'c']
    """

    type: Literal["data.limit"] = "data.limit"
    count: int = Field(100, ge=0, le=1_000_000_000)
    """How many records to keep."""
    skip: int = Field(0, ge=0, le=1_000_000_000)
    """How many records to pass over first."""

    info = NodeInfo(
        category="process",
        icon="list-numbers",
        title="Limit",
        output="rows",
        subtitle="first {count}",
        ports={"rows": "The records; the output has the first of them."},
        aliases_en=("head", "top", "first", "take", "sample", "skip", "offset"),
        aliases_zh=("前几条", "截取", "限制条数", "取样", "跳过"),
        zh=Zh(
            title="取前几条",
            summary="只保留前面的记录，并停止读取不再需要的部分。",
            subtitle="前 {count} 条",
            settings={
                "count": ("条数", "保留多少条记录。"),
                "skip": ("跳过", "先跳过多少条记录。"),
            },
            ports={"rows": ("数据行", "记录；输出的是最前面的那些。")},
        ),
    )

    def build(self, rows: DataStream[T]) -> DataStream[T]:
        """Add the limit to the stream."""
        skip = self.skip
        first = rows.limit(skip + self.count, name="limit")
        return first.operate(lambda: _Skip[T](skip), name="skip") if skip else first

    def row_work(self) -> RowWork:
        """It looks at no column."""
        return RowWork("limit", alike=True)


class _Skip(Generic[T]):
    """Passes over the first records."""

    def __init__(self, count: int) -> None:
        self._left = count

    def open(self) -> None:
        return

    def process(self, record: T) -> Iterable[T]:
        if self._left:
            self._left -= 1
            return ()
        return (record,)

    def finish(self) -> Iterable[T]:
        return ()

    def close(self) -> None:
        return


class Unpack(NodeType):
    """Take the records out of a nested list, such as the items of an answer from a service.

    >>> answer = {"page": 1, "data": {"items": [{"id": 7}, {"id": 8}]}}
    >>> list(Unpack(path="data.items", keep=["page"]).process(answer))
    [{'page': 1, 'id': 7}, {'page': 1, 'id': 8}]
    """

    type: Literal["data.unpack"] = "data.unpack"
    path: str = Field("", max_length=500)
    """Where the list is in the record, such as body.items; the record itself when empty."""
    keep: list[ColumnName] = Field([], max_length=500, title="Keep columns")
    """Columns of the outer record to repeat in each row."""

    info = NodeInfo(
        category="process",
        icon="brackets",
        title="Unpack",
        output="rows",
        subtitle="{path}",
        ports={"item": "The record that holds the list.", "rows": "The items of the list."},
        aliases_en=("explode", "flatten", "items", "list", "array", "nested", "unnest"),
        aliases_zh=("展开", "拆开", "列表", "数组", "嵌套"),
        widgets={"keep": "columns"},
        zh=Zh(
            title="展开列表",
            summary="取出嵌套列表中的记录，例如接口返回的各个条目。",
            subtitle="{path}",
            settings={
                "path": ("位置", "列表在记录中的位置，例如 body.items；留空表示记录本身。"),
                "keep": ("保留的列", "外层记录中要在每一行重复的列。"),
            },
            ports={"item": ("记录", "含有列表的记录。"), "rows": ("数据行", "列表中的各个条目。")},
        ),
    )

    def process(self, item: Json) -> Iterator[Row]:
        """Yield the items of the list."""
        outer = {name: value(item, name) for name in self.keep}
        for row in records_of(at_path(item, self.path)):
            yield outer | row
