"""Bringing several ways together."""

from typing import Literal, Self, TypeVar

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.kernel.operators.base import Operator
from weft_engine.kernel.stream import DataStream
from weft_engine.library.columns import ColumnName
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
from weft_engine.library.control.merging import ByKey, SideBySide
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh

T = TypeVar("T")


def _when(*modes: str) -> dict[str, JsonValue]:
    return {"x-visible-if": {"mode": list(modes)}}


class Merge(NodeType):
    """Bring several ways together into one stream.

    Ways that were not taken are left out; if none was taken, what follows is skipped too. Any of
    several single values, such as the two ways of an If, gives a single value. The ways
    stand in the order of the ids of the nodes they come from. Zip and by key join the fields of
    rows; where two rows have a field of the same name, the later way wins.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> ways = [env.from_collection([{"a": 1}, {"a": 2}]), env.from_collection([{"b": 3}])]
    >>> env.run(Merge(mode="zip", uneven="pad").build(ways))
    [{'a': 1, 'b': 3}, {'a': 2}]
    """

    type: Literal["control.merge"] = "control.merge"
    mode: Literal["append", "any", "all", "zip", "by_key"] = "append"
    """Append gives all of the first way, then all of the next; any gives the first way that has a
    record, and nothing of the others; all is like append, and gives nothing until every way has
    ended; zip joins the first rows of all ways, then the second and so on; by key joins the rows
    that have the same key."""
    uneven: Literal["fail", "pad", "cut"] = Field(
        "fail", title="Uneven lengths", json_schema_extra=_when("zip")
    )
    """Of zip, when one way has more rows than another: stop, go on with the rows there are, or end
    with the shortest way."""
    key: list[ColumnName] = Field(
        [], max_length=100, title="Key columns", json_schema_extra=_when("by_key")
    )
    """Of by key: the columns that every way has and that must be equal."""
    missing: Literal["keep", "drop", "fail"] = Field(
        "keep", title="Missing keys", json_schema_extra=_when("by_key")
    )
    """Of by key, when a way has no row of a key: keep what the other ways have, leave the key out,
    or stop."""
    several: Literal["each", "first", "last", "fail"] = Field(
        "each", title="Several of one key", json_schema_extra=_when("by_key")
    )
    """Of by key, when a way has several rows of one key: join each of them, take the first or the
    last, or stop."""

    info = NodeInfo(
        category="control",
        icon="arrows-join",
        title="Merge",
        subtitle="{mode}",
        ports={"inputs": "The ways to bring together.", "out": "Their records."},
        aliases_en=("union", "append", "concat", "combine", "join branches", "collect", "zip"),
        aliases_zh=("合并", "汇合", "追加", "并集", "拼接", "按键合并"),
        multiple=("inputs",),
        single_when=("mode", "any"),
        widgets={"key": "columns"},
        zh=Zh(
            title="合并",
            summary="把几条路的记录合并成一个流。",
            subtitle="{mode}",
            settings={
                "mode": (
                    "方式",
                    "追加：先给出第一条路的全部，再给下一条；任一：只取第一条有记录的路，其余不要；"
                    "全部：与追加相同，但各路都结束后才给出；对齐：把各路的第一行并成一行，再并"
                    "第二行，依此类推；按键：把键相同的行并成一行。",
                ),
                "uneven": (
                    "长度不一",
                    "对齐时有的路行数更多怎么办：报错停止、用已有的行继续，或到最短的路为止。",
                ),
                "key": ("键列", "按键合并时，各路都有、值必须相等的列。"),
                "missing": (
                    "缺少的键",
                    "按键合并时某条路没有这个键怎么办：保留其他路的、舍弃这个键，或报错停止。",
                ),
                "several": (
                    "同键多行",
                    "按键合并时某条路有多行同键怎么办：逐一合并、取第一行、取最后一行，或报错停止。",
                ),
            },
            ports={"inputs": ("输入", "要合并的各条路。"), "out": ("输出", "合并后的记录。")},
        ),
    )

    @model_validator(mode="after")
    def _with_a_key(self) -> Self:
        if self.mode == "by_key" and not self.key:
            raise PydanticCustomError(
                "key",
                "{message}",
                {
                    "message": "merging by key needs the key columns",
                    "hint": "Name the columns that every way has.",
                },
            )
        return self

    def build(self, inputs: list[DataStream[T]], ctx: NodeContext | None = None) -> DataStream[T]:
        """Combine the streams."""
        first, *others = inputs
        if self.mode == "any":

            def left_out(count: int) -> None:
                if ctx:
                    ctx.logger.warning("Left out %d records of the other ways.", count)

            return first.first_of(*others, left_out=left_out, name="merge")
        if self.mode in ("zip", "by_key"):
            params = {"factory": lambda: self._operator(len(inputs))}
            return first.then("operator", params, *others, name="merge", parallelism=1)
        joined = first.concat(*others, name="merge")
        return joined.process_all(lambda records: records) if self.mode == "all" else joined

    def _operator(self, count: int) -> Operator:
        if self.mode == "zip":
            return SideBySide(count, self.uneven)
        return ByKey(count, tuple(self.key), self.missing, self.several)
