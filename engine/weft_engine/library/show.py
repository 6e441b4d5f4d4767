"""Ends of a flow that are for looking at: tables, charts, texts.

What they show is what they are given, or the chosen part of it; a run keeps it under the port
`view`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName, as_row, number, value
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Shown, Zh
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Row, Text


class Looked:
    """Takes rows and makes sure that they have what is to be shown."""

    def __init__(
        self, columns: Sequence[str], numbers: Sequence[str], limit: int, ctx: NodeContext | None
    ) -> None:
        self._columns = columns
        self._numbers = numbers
        self._limit = limit
        self._ctx = ctx
        self._count = 0

    def open(self) -> None:
        return

    def write(self, batch: Sequence[Any]) -> None:
        for item in batch:
            row = as_row(item)
            for column in self._columns:
                value(row, column)
            for column in self._numbers:
                number(value(row, column), column)
        self._count += len(batch)

    def finish(self) -> int:
        if self._ctx and self._count > self._limit:
            self._ctx.logger.warning("Shows %d of %d rows.", self._limit, self._count)
        return self._count

    def close(self) -> None:
        return


class ShowTable(NodeType):
    """Show rows as a table.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> ShowTable(columns=["city"]).build(env.from_collection([{"city": "Cork", "n": 1}]))
    >>> env.run()
    []
    """

    type: Literal["show.table"] = "show.table"
    columns: list[ColumnName] = Field([], max_length=500)
    """The columns to show, in order; all when empty."""
    limit: int = Field(1000, ge=1, le=10_000, title="Most rows")
    """How many rows to show."""

    info = NodeInfo(
        category="output",
        icon="table",
        title="Show table",
        subtitle="{columns}",
        ports={"rows": "The rows to show."},
        aliases_en=("view", "display", "grid", "print", "preview", "output", "result"),
        aliases_zh=("表格", "查看", "显示", "预览", "结果"),
        widgets={"columns": "columns"},
        zh=Zh(
            title="显示表格",
            summary="把各行数据显示成表格。",
            subtitle="{columns}",
            settings={
                "columns": ("列", "显示哪些列及其顺序；留空表示全部。"),
                "limit": ("最多行数", "最多显示多少行。"),
            },
            ports={"rows": ("数据行", "要显示的行。")},
        ),
    )

    def build(self, rows: DataStream[Row], ctx: NodeContext | None = None) -> None:
        """Take the rows in."""
        rows.into(partial(Looked, self.columns, (), self.limit, ctx), name="show")

    def shown(self) -> Shown:
        """The chosen columns of the first rows."""
        return Shown(tuple(dict.fromkeys(self.columns)), self.limit)

    def row_work(self) -> RowWork:
        """It reads the columns it shows."""
        return RowWork("sink", reads=frozenset(self.columns) or None)


class ShowChart(NodeType):
    """Show rows as a chart.

    Every value column is a line, or a row of bars; with a series column there is one for each of
    its values instead. Values must be numbers; null leaves a gap.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> months = env.from_collection([{"month": "2025-01", "revenue": 310.5}])
    >>> ShowChart(kind="line", x="month", y=["revenue"]).build(months)
    >>> env.run()
    []
    """

    type: Literal["show.chart"] = "show.chart"
    kind: Literal["bar", "line", "area", "scatter", "pie"] = Field("bar", title="Kind of chart")
    """Bars, lines, filled areas, points, or the slices of a pie."""
    x: str = Field(min_length=1, max_length=200, title="Across")
    """The column along the horizontal axis; for a pie, the names of the slices."""
    y: list[ColumnName] = Field(min_length=1, max_length=12, title="Values")
    """The columns with the values."""
    series: str = Field("", max_length=200, title="One series for each")
    """A column whose values make a line or colour each; none when empty."""
    stacked: bool = Field(
        False,
        title="Stacked",
        json_schema_extra={"x-visible-if": {"kind": ["bar", "area"]}},
    )
    """Whether to put the series on top of each other."""
    title: str = Field("", max_length=200, title="Title")
    """What stands above the chart."""
    limit: int = Field(2000, ge=1, le=10_000, title="Most rows")
    """How many rows to draw."""

    info = NodeInfo(
        category="output",
        icon="chart-bar",
        title="Show chart",
        subtitle="{y} by {x}",
        ports={"rows": "The rows to draw."},
        aliases_en=("graph", "plot", "bar", "line", "pie", "diagram", "visualise", "dashboard"),
        aliases_zh=("图表", "柱状图", "折线图", "饼图", "可视化", "绘图"),
        widgets={"x": "column", "y": "columns", "series": "column"},
        zh=Zh(
            title="显示图表",
            summary="把各行数据画成图表。",
            subtitle="{x} 与 {y}",
            settings={
                "kind": ("图表类型", "柱状、折线、面积、散点，或饼图。"),
                "x": ("横轴", "横轴上的列；饼图则是各块的名称。"),
                "y": ("数值", "含有数值的列。"),
                "series": ("系列", "按这一列的不同值分成多条线或多种颜色；留空则不分。"),
                "stacked": ("堆叠", "是否把各系列叠在一起。"),
                "title": ("标题", "图表上方的文字。"),
                "limit": ("最多行数", "最多画多少行。"),
            },
            ports={"rows": ("数据行", "要绘制的行。")},
        ),
    )

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if len(self.y) > 1 and (self.series or self.kind == "pie"):
            raise PydanticCustomError(
                "chart_one_value", "a pie, or a chart with a series column, shows one value column"
            )
        return self

    def build(self, rows: DataStream[Row], ctx: NodeContext | None = None) -> None:
        """Take the rows in."""
        rows.into(partial(Looked, self._names(), self.y, self.limit, ctx), name="show")

    def shown(self) -> Shown:
        """The columns that are drawn, of the first rows."""
        return Shown(tuple(dict.fromkeys([*self._names(), *self.y])), self.limit)

    def row_work(self) -> RowWork:
        """It reads the columns it draws."""
        return RowWork("sink", reads=frozenset([*self._names(), *self.y]))

    def _names(self) -> list[str]:
        return [self.x, self.series] if self.series else [self.x]


class ShowText(NodeType):
    """Show a text, or several one below the other.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> ShowText().build(env.from_collection(["Dear Ada,"]))
    >>> env.run()
    []
    """

    type: Literal["show.text"] = "show.text"
    format: Literal["plain", "markdown"] = Field("plain", title="Format")
    """Whether to show the text as it is, or as Markdown."""

    info = NodeInfo(
        category="output",
        icon="article",
        title="Show text",
        ports={"text": "The text to show."},
        aliases_en=("view", "display", "print", "markdown", "read", "output"),
        aliases_zh=("文本", "查看", "显示", "阅读", "输出"),
        zh=Zh(
            title="显示文本",
            summary="显示一段文本，或依次显示多段。",
            settings={"format": ("格式", "按原样显示，还是按 Markdown 显示。")},
            ports={"text": ("文本", "要显示的文本。")},
        ),
    )

    def build(self, text: DataStream[Text]) -> None:
        """Take the texts in."""
        text.into(_Texts, name="show")


class _Texts:
    """Takes texts; there is nothing to make sure of."""

    def open(self) -> None:
        return

    def write(self, batch: Sequence[str]) -> None:
        return

    def finish(self) -> None:
        return

    def close(self) -> None:
        return
