"""Records made up on the spot: for trying flows out, and for loads of any size."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.data_rows import Column
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import compile_expression
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Row


class Generate(NodeType):
    """Make records up: as many as wanted, each with its number and the columns computed from it.

    In the expressions item is the number of the record, counted from 0.

    >>> node = Generate(count=3, fields=[Column(name="price", expression="item * 10")])
    >>> list(node.process())
    [{'number': 0, 'price': 0}, {'number': 1, 'price': 10}, {'number': 2, 'price': 20}]
    """

    type: Literal["data.generate"] = "data.generate"
    count: int = Field(100, ge=0, le=1_000_000_000)
    """How many records to make."""
    fields: tuple[Column, ...] = Field((), max_length=200, title="Columns")
    """More columns, in order: a name and the expression that computes it."""

    info = NodeInfo(
        category="source",
        icon="list-numbers",
        title="Generate",
        output="rows",
        subtitle="{count}",
        ports={"rows": "The records."},
        aliases_en=("numbers", "range", "sequence", "test data", "sample data", "fake", "mock"),
        aliases_zh=("生成", "序列", "测试数据", "样例数据", "编号"),
        zh=Zh(
            title="生成记录",
            summary="生成任意条带编号的记录。表达式里的 item 是从 0 开始的编号。",
            subtitle="{count} 条",
            settings={
                "count": ("条数", "生成多少条记录。"),
                "fields": ("列", "按顺序排列的其他列：列名，以及计算它的表达式。"),
                "fields.name": ("列名", "新列叫什么。"),
                "fields.expression": ("表达式", "用来计算这一列。"),
            },
            ports={"rows": ("数据行", "生成的记录。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Row]:
        """Make the records."""
        env = environment(ctx)
        compiled = [(field.name, compile_expression(field.expression)) for field in self.fields]
        for number in range(self.count):
            row: Row = {"number": number}
            for name, expression in compiled:
                row[name] = expression(number, env)
            yield row

    def row_work(self) -> RowWork:
        """Its rows have the same columns."""
        return RowWork("source", alike=not self.fields)
