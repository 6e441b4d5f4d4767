"""Joining two streams of rows by a key."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.errors import NodeError
from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName, as_row, group_key, kind_of, value
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import Expression, compile_expression
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row

KeyOf = Callable[[Any], Any]


class Join(NodeType):
    """Join the rows of two tables that have the same key.

    Name the columns both sides share, or give an expression for each side. A row with several
    partners comes once for each. A null key has no partner. Where both sides have another column of
    the same name, the one from the right gets the suffix. Results follow the order of the left;
    right rows without a partner come last. The right side is held in memory, so the smaller table
    belongs there.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> orders = env.from_collection([{"id": 1, "who": "A"}, {"id": 2, "who": "X"}])
    >>> people = env.from_collection([{"who": "A", "name": "Ada"}])
    >>> env.run(Join(on=["who"], how="left").build(orders, people))
    [{'id': 1, 'who': 'A', 'name': 'Ada'}, {'id': 2, 'who': 'X', 'name': None}]
    """

    type: Literal["data.join"] = "data.join"
    on: list[ColumnName] = Field([], max_length=500, title="Common columns")
    """The columns that both sides have and that must be equal."""
    left_on: Expression | None = Field(None, title="Left key")
    """Instead: the key of a left row, such as item.customer or lower(item.email)."""
    right_on: Expression | None = Field(None, title="Right key")
    """Instead: the key of a right row, such as item.id."""
    how: Literal["inner", "left", "right", "outer"] = Field("inner", title="Kind of join")
    """Which rows stay without a partner: none, those of the left, of the right, or of both."""
    columns: list[ColumnName] = Field([], max_length=500, title="Right columns")
    """The columns to take from the right; all when empty."""
    suffix: str = Field("_right", min_length=1, max_length=40, title="Suffix")
    """What is put behind the name of a right column that the left has too."""

    info = NodeInfo(
        category="process",
        icon="arrows-join-2",
        title="Join",
        output="rows",
        subtitle="{how} on {on}",
        ports={
            "left": "The rows whose order counts.",
            "right": "The rows to look up; the smaller table.",
            "rows": "The joined rows.",
        },
        aliases_en=("merge tables", "lookup", "vlookup", "match", "combine", "enrich", "link"),
        aliases_zh=("连接", "关联", "合并表", "查找", "匹配", "联表"),
        needs_end=True,
        widgets={
            "on": "columns",
            "columns": "columns",
            "left_on": "expression",
            "right_on": "expression",
        },
        zh=Zh(
            title="连接两表",
            summary="把两个表中键相同的行连接起来。",
            subtitle="{how}：{on}",
            settings={
                "on": ("共同的列", "两边都有、值必须相等的列。"),
                "left_on": (
                    "左键",
                    "也可以改用表达式：左边行的键，例如 item.customer 或 lower(item.email)。",
                ),
                "right_on": ("右键", "也可以改用表达式：右边行的键，例如 item.id。"),
                "how": ("方式", "没有匹配的行保留哪些：都不留、留左边、留右边，或两边都留。"),
                "columns": ("取右边的列", "从右边取哪些列；留空表示全部。"),
                "suffix": ("重名后缀", "右边的列与左边重名时加在列名后面。"),
            },
            ports={
                "left": ("左", "以它的顺序为准的行。"),
                "right": ("右", "被查找的行，宜放较小的表。"),
                "rows": ("数据行", "连接后的行。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        sides = (self.left_on is not None) + (self.right_on is not None)
        if self.on and sides:
            raise PydanticCustomError(
                "join_two_ways", "give either common columns or the two keys, not both"
            )
        if not self.on and sides < 2:
            raise PydanticCustomError(
                "join_no_key", "name the common columns, or give a key for both sides"
            )
        return self

    def build(
        self, left: DataStream[Row], right: DataStream[Row], ctx: NodeContext | None = None
    ) -> DataStream[Row]:
        """Add the join to the two streams."""
        left_key, right_key = self._keys(ctx)
        matcher = _Matcher(self, left_key, right_key)
        return left.join(
            right, matcher.left_key, matcher.right_key, matcher.combine, how=self.how, name="join"
        )

    def _keys(self, ctx: NodeContext | None) -> tuple[KeyOf, KeyOf]:
        if self.left_on is None or self.right_on is None:

            def columns(item: Any) -> Any:
                return [value(item, name) for name in self.on]

            return columns, columns
        env = environment(ctx)
        left, right = compile_expression(self.left_on), compile_expression(self.right_on)
        return (lambda item: left(item, env)), (lambda item: right(item, env))


class _Matcher:
    """Makes keys and joined rows, and remembers what the other side looks like."""

    def __init__(self, node: Join, left_key: KeyOf, right_key: KeyOf) -> None:
        self._node = node
        self._left_of = left_key
        self._right_of = right_key
        self._same = set(node.on)
        self._left_columns: dict[str, None] = {}
        self._right_columns: dict[str, None] = dict.fromkeys(node.columns)
        self._right_kinds: set[tuple[str, ...]] = set()

    def left_key(self, item: Any) -> Any:
        key = _parts(self._left_of(item))
        self._left_columns.update(dict.fromkeys(as_row(item)))
        if key is None:
            return None
        kinds = _kinds(key)
        if self._right_kinds and kinds not in self._right_kinds:
            self._refuse(kinds)
        return group_key(key)

    def right_key(self, item: Any) -> Any:
        key = _parts(self._right_of(item))
        if not self._node.columns:
            self._right_columns.update(dict.fromkeys(as_row(item)))
        if key is None:
            return None
        self._right_kinds.add(_kinds(key))
        return group_key(key)

    def combine(self, left: Any, right: Any) -> Row:
        row: Row = dict(left) if left is not None else dict.fromkeys(self._left_columns)
        taken = row.keys() if left is not None else self._left_columns.keys()
        added: Row = {}
        for column in self._right_columns:
            if column not in self._same:
                name = column + self._node.suffix if column in taken else column
                added[name] = None if right is None else self._value(right, column)
        if left is None:
            added.update({column: value(right, column) for column in self._node.on})
        return row | added

    def _value(self, right: Mapping[str, Any], column: str) -> Any:
        return value(right, column) if self._node.columns else right.get(column)

    def _refuse(self, kinds: tuple[str, ...]) -> None:
        other = ", ".join(min(self._right_kinds))
        raise NodeError(
            f"The keys cannot match: the left is {', '.join(kinds)}, the right is {other}.",
            code="data.bad_key",
            hint="Make both alike, e.g. read both files with types set to text, "
            "or use text(item.id) as the key.",
            params={"left": list(kinds), "right": list(min(self._right_kinds))},
        )


def _parts(key: Any) -> list[Any] | None:
    """Return the parts of a key; nothing if one of them is null."""
    parts = key if isinstance(key, list) else [key]
    return None if any(part is None for part in parts) else parts


def _kinds(key: list[Any]) -> tuple[str, ...]:
    return tuple(kind_of(part) for part in key)
