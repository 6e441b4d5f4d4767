"""Working with dates and times."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import as_row, kind_of, value
from weft_engine.library.times import Unit, in_zone, label, parse, truncate, zone
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row


class Bucket(NodeType):
    """Cut a time down to its hour, day, month and so on, to group by it.

    The result is text that sorts like the time: 2025-03 for a month, 2025-Q1 for a quarter,
    2025-03-14T15:00 for an hour. Null stays null.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"at": "2025-03-14T15:09:26Z"}])
    >>> env.run(Bucket(column="at", unit="month").build(rows))
    [{'at': '2025-03-14T15:09:26Z', 'month': '2025-03'}]
    """

    type: Literal["date.bucket"] = "date.bucket"
    column: str = Field(min_length=1)
    """The column with the date or time."""
    unit: Unit = "day"
    """How far to cut it down; weeks begin on Monday."""
    into: str = Field("", max_length=200, title="Result column")
    """The column for the result; called like the unit when empty."""
    pattern: str = Field("", max_length=100)
    """How the date is written, such as %d.%m.%Y; recognised by itself in most files when empty."""
    timezone: str = Field("UTC", max_length=64, title="Time zone")
    """The zone to count hours and days in, such as Asia/Shanghai; used for times with a zone."""

    info = NodeInfo(
        category="process",
        icon="calendar-time",
        title="Date bucket",
        output="rows",
        subtitle="{column} by {unit}",
        ports={"rows": "The rows; the output has a column with the truncated time."},
        aliases_en=(
            "truncate",
            "hour",
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "period",
            "time",
        ),
        aliases_zh=("日期", "时间", "按月", "按天", "按小时", "按周", "季度", "截断"),
        widgets={"column": "column"},
        zh=Zh(
            title="时间分段",
            summary="把时间截到小时、天、月等，便于分组。",
            subtitle="{column} 按 {unit}",
            settings={
                "column": ("列", "日期或时间所在的列。"),
                "unit": ("单位", "截到哪一级；一周从星期一开始。"),
                "into": ("结果列", "结果放在哪一列；留空则以单位为名。"),
                "pattern": ("写法", "日期的写法，例如 %d.%m.%Y；留空时多数文件都能自动识别。"),
                "timezone": (
                    "时区",
                    "按哪个时区计算小时和日期，例如 Asia/Shanghai；用于带时区的时间。",
                ),
            },
            ports={"rows": ("数据行", "各行数据；输出多一列截断后的时间。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the column to the stream."""
        target, name = zone(self.timezone), self.into or self.unit

        def bucket(item: Any) -> Row:
            row = as_row(item)
            found = value(row, self.column)
            if found is None or found == "":
                return {**row, name: None}
            if not isinstance(found, str):
                raise NodeError(
                    f"Column '{self.column}' holds {kind_of(found)} where a date is needed.",
                    code="date.malformed",
                    hint="Read the file with types set to text, or make a date of it with Map.",
                    params={"column": self.column, "found": kind_of(found)},
                )
            moment = parse(found, self.pattern)
            local: datetime = in_zone(moment, target) if moment.tzinfo else moment
            return {**row, name: label(truncate(local, self.unit), self.unit)}

        return rows.map(bucket, name="bucket")
