"""Grouping and sorting."""

from collections.abc import Callable
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.accumulators import ACCUMULATORS, Accumulator, Operation
from weft_engine.library.columns import ColumnName, Key, as_row, group_key, value
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh, humanise
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Row

T = TypeVar("T")

_PART = ConfigDict(
    frozen=True,
    extra="forbid",
    use_attribute_docstrings=True,
    validate_by_name=True,
    validate_by_alias=True,
    serialize_by_alias=True,
    field_title_generator=lambda name, _: humanise(name),
)


class Aggregate(BaseModel):
    """One result for each group."""

    model_config = _PART

    op: Operation = Field(title="Operation")
    """How to sum the values up; count counts rows, the others pass over null."""
    field: str = Field("", title="Column")
    """The column the values are in; not needed to count rows."""
    as_: str = Field("", alias="as", title="Result column")
    """The name of the result; made of column and operation when empty."""

    @model_validator(mode="after")
    def _has_column(self) -> Self:
        if not self.field and self.op != "count":
            raise PydanticCustomError("aggregate_no_column", "{op} needs a column", {"op": self.op})
        return self

    @property
    def name(self) -> str:
        """The column the result goes to."""
        return self.as_ or (f"{self.field}_{self.op}" if self.field else self.op)


class _Group:
    """What is kept of one group."""

    __slots__ = ("accumulators", "values")

    def __init__(self, accumulators: list[Accumulator]) -> None:
        self.values: list[Any] = []
        self.accumulators = accumulators


class Group(NodeType):
    """Group rows by columns and sum each group up.

    Groups come in the order of their first row. Null is a group of its own. Sums are exact: they
    are rounded once, at the end, so the order of the rows does not matter. Without columns to group
    by, all rows are one group.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([
    ...     {"region": "North", "amount": 20}, {"region": "South", "amount": 7},
    ...     {"region": "North", "amount": 30},
    ... ])
    >>> total = {"op": "sum", "field": "amount", "as": "total"}
    >>> env.run(Group(by=["region"], aggregates=[total]).build(rows))
    [{'region': 'North', 'total': 50}, {'region': 'South', 'total': 7}]
    """

    type: Literal["data.group"] = "data.group"
    by: list[ColumnName] = Field([], max_length=500, title="Group by")
    """The columns whose values make the groups; all rows are one group when empty."""
    aggregates: list[Aggregate] = Field(
        [Aggregate(op="count")], min_length=1, max_length=50, title="Results"
    )
    """What to work out for each group."""
    decimals: int | None = Field(None, ge=0, le=12, title="Decimals")
    """Digits behind the decimal point to round sums and means to; not rounded when empty."""

    info = NodeInfo(
        category="process",
        icon="sum",
        title="Group",
        output="rows",
        subtitle="by {by}",
        ports={"rows": "The rows; the output has one row for each group."},
        aliases_en=("aggregate", "sum", "count", "average", "mean", "pivot", "group by", "total"),
        aliases_zh=("分组", "汇总", "求和", "计数", "平均", "聚合", "透视", "合计"),
        needs_end=True,
        widgets={"by": "columns"},
        zh=Zh(
            title="分组汇总",
            summary="按列分组，并对每组进行汇总。",
            subtitle="按 {by}",
            settings={
                "by": ("分组列", "值相同的行归为一组；留空则所有行为一组。"),
                "aggregates": ("汇总", "对每组计算什么。"),
                "aggregates.op": ("方法", "怎样汇总；count 数行数，其他方法略过空值。"),
                "aggregates.field": ("列", "汇总哪一列的值；数行数时不需要。"),
                "aggregates.as": ("结果列名", "结果放在哪一列；留空则由列名和方法组成。"),
                "decimals": ("小数位数", "总和与平均值保留几位小数；留空则不舍入。"),
            },
            ports={"rows": ("数据行", "各行数据；输出每组一行。")},
        ),
    )

    @model_validator(mode="after")
    def _different_names(self) -> Self:
        names = [*self.by, *(aggregate.name for aggregate in self.aggregates)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "same_name_twice",
                "two result columns are called '{name}'; give one another name",
                {"name": twice},
            )
        return self

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the grouping to the stream."""
        if not self.by:
            return rows.fold(self._create, self._add, self._result, name="group")
        keyed = rows.key_by(lambda item: group_key([value(item, name) for name in self.by]))
        return keyed.aggregate(self._create, self._add, self._keyed_result, name="group")

    def row_work(self) -> RowWork:
        """It lets through what it groups by; counting alone cannot fail."""
        fields = {each.field for each in self.aggregates if each.field}
        return RowWork(
            "group",
            reads=frozenset(self.by) | fields,
            makes=frozenset(each.name for each in self.aggregates),
            passes=frozenset(self.by),
            fails_alike=all(each.op == "count" for each in self.aggregates),
        )

    def _create(self) -> _Group:
        return _Group([ACCUMULATORS[each.op](each.field) for each in self.aggregates])

    def _add(self, group: _Group, item: Any) -> _Group:
        row = as_row(item)
        if not group.values:
            group.values = [row[name] for name in self.by]
        for accumulator in group.accumulators:
            column = accumulator.column
            accumulator.add(value(row, column) if column else None)
        return group

    def _keyed_result(self, key: Key, group: _Group) -> Row:
        del key
        return self._result(group)

    def _result(self, group: _Group) -> Row:
        row = dict(zip(self.by, group.values, strict=True))
        for aggregate, accumulator in zip(self.aggregates, group.accumulators, strict=True):
            found = accumulator.result()
            if self.decimals is not None and isinstance(found, float):
                found = round(found, self.decimals)
            row[aggregate.name] = found
        return row


class SortKey(BaseModel):
    """One column to sort by."""

    model_config = _PART

    field: str = Field(min_length=1, title="Column")
    """The column."""
    descending: bool = False
    """Largest first."""


class Sort(NodeType):
    """Sort rows by one or several columns.

    Rows that are equal keep their order. Null always comes last. Numbers come before texts.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"n": 2}, {"n": None}, {"n": 7}])
    >>> env.run(Sort(by=[{"field": "n", "descending": True}]).build(rows))
    [{'n': 7}, {'n': 2}, {'n': None}]
    """

    type: Literal["data.sort"] = "data.sort"
    by: list[SortKey] = Field(min_length=1, max_length=20, title="Sort by")
    """The columns to sort by; the first decides, the next when it is equal."""
    limit: int | None = Field(None, ge=1, title="Keep first")
    """How many rows to keep, such as the top ten; all when empty."""

    info = NodeInfo(
        category="process",
        icon="arrows-sort",
        title="Sort",
        output="rows",
        subtitle="by {by}",
        ports={"rows": "The rows; in the output they are in order."},
        aliases_en=("order", "order by", "rank", "top", "largest", "smallest", "arrange"),
        aliases_zh=("排序", "升序", "降序", "排名", "前几名"),
        needs_end=True,
        zh=Zh(
            title="排序",
            summary="按一列或多列排序。",
            subtitle="按 {by}",
            settings={
                "by": ("依据的列", "按哪些列排序；前面的优先，相同时再比后面的。"),
                "by.field": ("列", "依据哪一列。"),
                "by.descending": ("降序", "最大的排在前面。"),
                "limit": ("保留行数", "只保留前多少行，例如前十名；留空则全部保留。"),
            },
            ports={"rows": ("数据行", "各行数据；输出已排好序。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the sorting to the stream."""

        def by(column: str) -> Callable[[Any], Any]:
            return lambda item: value(item, column)

        ordered = rows.sort([(by(key.field), key.descending) for key in self.by], name="sort")
        return ordered.limit(self.limit, name="limit") if self.limit else ordered

    def row_work(self) -> RowWork | None:
        """It reads what it sorts by."""
        reads = frozenset(key.field for key in self.by)
        if self.limit:
            return RowWork("other", reads=reads, alike=True)
        return RowWork("sort", reads=reads, fails_alike=True, alike=True)
