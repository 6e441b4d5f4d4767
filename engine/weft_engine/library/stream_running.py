"""Results that move on with every row: state by key."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from weft_engine.kernel.functions import FunctionContext, ProcessFunction
from weft_engine.kernel.stream import DataStream
from weft_engine.library.columns import ColumnName, group_key, value
from weft_engine.library.data_group import Aggregate
from weft_engine.library.stream_groups import Group, Groups
from weft_engine.library.stream_time import Length, length_ms
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row


class Running(NodeType):
    """Keep results for each group and give them anew with every row.

    What is kept is part of the checkpoints of a live stream. With `forget`, a group that has had no
    row for so long begins anew.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"user": "ann"}, {"user": "bob"}, {"user": "ann"}])
    >>> env.run(Running(by=["user"]).build(rows))
    [{'user': 'ann', 'count': 1}, {'user': 'bob', 'count': 1}, {'user': 'ann', 'count': 2}]
    """

    type: Literal["stream.running"] = "stream.running"
    by: list[ColumnName] = Field([], max_length=500, title="Group by")
    """The columns whose values make the groups; all rows are one group when empty."""
    aggregates: list[Aggregate] = Field(
        [Aggregate(op="count")], min_length=1, max_length=50, title="Results"
    )
    """What to work out for each group."""
    forget: Length = Field("", title="Forget after")
    """After how long without a row a group begins anew, such as 1d; never when empty."""

    info = NodeInfo(
        category="process",
        icon="trending-up",
        title="Running results",
        output="rows",
        subtitle="by {by}",
        ports={"rows": "The rows; the output has the results of its group after each of them."},
        aliases_en=("running total", "cumulative", "counter", "state", "latest", "so far"),
        aliases_zh=("累计", "累加", "计数", "状态", "最新", "滚动"),
        widgets={"by": "columns"},
        zh=Zh(
            title="累计结果",
            summary="为每组保留结果，每来一行就给出更新后的结果。",
            subtitle="按 {by}",
            settings={
                "by": ("分组列", "值相同的行归为一组；留空则所有行为一组。"),
                "aggregates": ("汇总", "对每组计算什么。"),
                "aggregates.op": ("方法", "怎样汇总；count 数行数，其他方法略过空值。"),
                "aggregates.field": ("列", "汇总哪一列的值；数行数时不需要。"),
                "aggregates.as": ("结果列名", "结果放在哪一列；留空则由列名和方法组成。"),
                "forget": ("遗忘时间", "一组多久没有数据后重新开始，例如 1d；留空则从不。"),
            },
            ports={"rows": ("数据行", "各行数据；输出每行之后该组的结果。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the results to the stream."""
        groups = Groups(tuple(self.by), tuple(self.aggregates))
        if not rows.graph.live:
            return rows.operate(lambda: _Whole(self, groups), name="running")
        ttl_s = length_ms(self.forget) / 1000 if self.forget else None
        return rows.key_by(self.key).process(_Keyed(groups, ttl_s), name="running")

    def key(self, row: Any) -> Any:
        """The group of a row."""
        return group_key([value(row, name) for name in self.by])


class _Keyed(ProcessFunction[Any, Row]):
    """One group is the state of one key."""

    def __init__(self, groups: Groups, ttl_s: float | None) -> None:
        self._groups = groups
        self._ttl_s = ttl_s

    def open(self, context: FunctionContext) -> None:
        self._group = context.state.value("group", ttl_s=self._ttl_s)

    def process(self, value: Any, context: FunctionContext) -> list[Row]:
        group = self._group.value() or self._groups.create()
        group = self._groups.add(group, value)
        self._group.update(group)
        return [self._groups.result(group)]


class _Whole:
    """All groups at once, of a stream that ends."""

    def __init__(self, node: Running, groups: Groups) -> None:
        self._node = node
        self._groups = groups
        self._known: dict[Any, Group] = {}

    def open(self) -> None:
        """Nothing is to be prepared."""

    def process(self, item: Any) -> Iterator[Row]:
        key = self._node.key(item)
        group = self._known.get(key) or self._groups.create()
        self._known[key] = self._groups.add(group, item)
        yield self._groups.result(group)

    def finish(self) -> Iterator[Row]:
        return iter(())

    def close(self) -> None:
        self._known.clear()
