"""Choosing a way, and bringing ways together again."""

from functools import cached_property
from typing import Generic, Literal, NamedTuple, TypeVar

from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import CompiledExpression, Expression, compile_expression
from weft_engine.nodes.node_type import SKIP, NodeContext, NodeInfo, NodeType, Skip, Zh

T = TypeVar("T")


class Branches(NamedTuple, Generic[T]):
    """The two ways out of a decision; one of them is not taken."""

    true: T | Skip
    false: T | Skip


class If(NodeType):
    """Send each record one way or the other, depending on a condition.

    >>> If(condition="item.amount > 100").process({"amount": 250})
    Branches(true={'amount': 250}, false=SKIP)
    """

    type: Literal["control.if"] = "control.if"
    condition: Expression
    """What decides, such as item.amount > 100."""

    info = NodeInfo(
        category="control",
        icon="arrows-split-2",
        title="If / else",
        subtitle="if {condition}",
        ports={
            "item": "The record that is looked at.",
            "true": "Records for which the condition is true.",
            "false": "All other records.",
        },
        aliases_en=("branch", "condition", "switch", "decision", "route", "else"),
        aliases_zh=("如果", "条件", "分支", "判断", "否则", "路由"),
        zh=Zh(
            title="条件分支",
            summary="按条件把每条记录送往其中一条路。",
            subtitle="如果 {condition}",
            settings={"condition": ("条件", "用来判断的表达式，例如 item.amount > 100。")},
            ports={
                "item": ("记录", "要判断的记录。"),
                "true": ("是", "满足条件的记录。"),
                "false": ("否", "其余的记录。"),
            },
        ),
    )

    def process(self, item: T, ctx: NodeContext | None = None) -> Branches[T]:
        """Decide for one record."""
        if self._compiled(item, environment(ctx)):
            return Branches(item, SKIP)
        return Branches(SKIP, item)

    @cached_property
    def _compiled(self) -> CompiledExpression:
        return compile_expression(self.condition)


class Merge(NodeType):
    """Bring several ways together into one stream.

    Ways that were not taken are left out; if none was taken, what follows is skipped too. The ways
    stand in the order of the ids of the nodes they come from.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> ways = [env.from_collection([1, 2]), env.from_collection([3])]
    >>> env.run(Merge().build(ways))
    [1, 2, 3]
    """

    type: Literal["control.merge"] = "control.merge"
    mode: Literal["append", "any", "all"] = "append"
    """Append gives all of the first way, then all of the next; any gives the first way that has a
    record, and nothing of the others; all is like append, and gives nothing until every way has
    ended."""

    info = NodeInfo(
        category="control",
        icon="arrows-join",
        title="Merge",
        subtitle="{mode}",
        ports={"inputs": "The ways to bring together.", "out": "Their records."},
        aliases_en=("union", "append", "concat", "combine", "join branches", "collect"),
        aliases_zh=("合并", "汇合", "追加", "并集"),
        multiple=("inputs",),
        zh=Zh(
            title="合并",
            summary="把几条路的记录合并成一个流。",
            subtitle="{mode}",
            settings={
                "mode": (
                    "方式",
                    "追加：先给出第一条路的全部，再给下一条；任一：只取第一条有记录的路，其余不要；"
                    "全部：与追加相同，但各路都结束后才给出。",
                )
            },
            ports={"inputs": ("输入", "要合并的各条路。"), "out": ("输出", "合并后的记录。")},
        ),
    )

    def build(self, inputs: list[DataStream[T]], ctx: NodeContext | None = None) -> DataStream[T]:
        """Combine the streams."""
        first, *others = inputs
        if self.mode == "any":

            def left_out(count: int) -> None:
                if ctx:
                    ctx.logger.warning("Left out %d records of the other ways.", count)

            return first.first_of(*others, left_out=left_out, name="merge")
        joined = first.concat(*others, name="merge")
        return joined.process_all(lambda records: records) if self.mode == "all" else joined
