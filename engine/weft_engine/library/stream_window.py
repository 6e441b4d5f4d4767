"""Windows: a stream cut into pieces that end, each summed up."""

from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.kernel.functions import AggregateFunction
from weft_engine.kernel.stream import DataStream
from weft_engine.kernel.windowed import WindowedStream
from weft_engine.kernel.windows import Count, Session, Sliding, Tumbling, Window
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName, group_key, value
from weft_engine.library.data_group import Aggregate
from weft_engine.library.stream_groups import Group, Groups
from weft_engine.library.stream_time import Length, TimeOf, length_ms, timed, written
from weft_engine.library.stream_whole import windows_of
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row

_START, _END = "window_start", "window_end"
_BY_TIME: Final[dict[str, JsonValue]] = {
    "x-visible-if": {"window": ["tumbling", "sliding", "session"]}
}


def _when(*kinds: str) -> dict[str, JsonValue]:
    return {"x-visible-if": {"window": list(kinds)}}


class Windowed(NamedTuple):
    """What windows give."""

    rows: DataStream[Row]
    late: DataStream[Row]


class StreamWindow(NodeType):
    """Cut a stream into windows and sum each window up.

    Tumbling windows follow one another, sliding ones overlap, a session ends when nothing has come
    for a while, and count takes so many rows. Time is that of a column, or the clock where none is
    named. A window gives its rows when time has passed its end: that of the latest row, less the
    disorder that is allowed. Rows that come for a window that is over leave by `late`.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([
    ...     {"at": "2025-03-10T12:00:05Z", "level": "error"},
    ...     {"at": "2025-03-10T12:00:40Z", "level": "error"},
    ...     {"at": "2025-03-10T12:01:10Z", "level": "error"},
    ... ])
    >>> node = StreamWindow(size="1m", time_column="at")
    >>> for row in env.run(node.build(rows).rows):
    ...     print(row["window_start"], row["count"])
    2025-03-10T12:00:00Z 2
    2025-03-10T12:01:00Z 1
    """

    type: Literal["stream.window"] = "stream.window"
    window: Literal["tumbling", "sliding", "session", "count"] = "tumbling"
    """How the stream is cut."""
    size: Length = Field("1m", title="Length", json_schema_extra=_when("tumbling", "sliding"))
    """How long a window is, such as 30s, 5m or 1h."""
    slide: Length = Field("10s", title="Every", json_schema_extra=_when("sliding"))
    """How often a window begins."""
    gap: Length = Field("5m", title="Silence", json_schema_extra=_when("session"))
    """After how long without a row a session ends."""
    count: int = Field(100, ge=1, le=10_000_000, title="Rows", json_schema_extra=_when("count"))
    """How many rows a window takes."""
    by: list[ColumnName] = Field([], max_length=500, title="Group by")
    """The columns whose values each have windows of their own; all rows share them when empty."""
    aggregates: list[Aggregate] = Field(
        [Aggregate(op="count")], min_length=1, max_length=50, title="Results"
    )
    """What to work out for each window."""
    time_column: str = Field("", max_length=200, title="Time", json_schema_extra=_BY_TIME)
    """The column with the time of a row: text such as 2025-03-10T12:00:00Z, or seconds or
    milliseconds since 1970. Empty is the time at which the row comes."""
    disorder: Length = Field("", title="Disorder", json_schema_extra=_BY_TIME)
    """By how much a row may be older than the latest one and still count, such as 10s."""
    lateness: Length = Field("", title="Corrections", json_schema_extra=_BY_TIME)
    """For how long a window that is over is kept: a row that comes meanwhile gives its result
    again, corrected."""
    quiet: Length = Field("", title="When quiet", json_schema_extra=_BY_TIME)
    """After how long without any row time goes on by the clock, so that the last windows end;
    empty waits for the next row."""
    decimals: int | None = Field(None, ge=0, le=12, title="Decimals")
    """Digits behind the decimal point to round sums and means to; not rounded when empty."""

    info = NodeInfo(
        category="process",
        icon="clock-hour-4",
        title="Window",
        output="rows",
        subtitle="{window} {size}",
        ports={
            "rows": "The rows; the output has one row for each window and group.",
            "late": "Rows that came when their window was over.",
        },
        aliases_en=(
            "tumbling",
            "sliding",
            "session",
            "per minute",
            "per hour",
            "aggregate",
            "rate",
        ),
        aliases_zh=("窗口", "滚动窗口", "滑动窗口", "会话", "每分钟", "每小时", "汇总"),
        widgets={"by": "columns"},
        zh=Zh(
            title="窗口",
            summary="把数据流切成窗口，并对每个窗口进行汇总。",
            subtitle="{window} {size}",
            settings={
                "window": (
                    "窗口类型",
                    "滚动窗口首尾相接，滑动窗口相互重叠，会话窗口在一段时间没有数据后结束，"
                    "或按行数切分。",
                ),
                "size": ("长度", "窗口有多长，例如 30s、5m 或 1h。"),
                "slide": ("间隔", "每隔多久开始一个窗口。"),
                "gap": ("静默时间", "多久没有数据时会话结束。"),
                "count": ("行数", "每个窗口有多少行。"),
                "by": ("分组列", "这些列的每种取值各有自己的窗口；留空则全部共用。"),
                "aggregates": ("汇总", "对每个窗口计算什么。"),
                "aggregates.op": ("方法", "怎样汇总；count 数行数，其他方法略过空值。"),
                "aggregates.field": ("列", "汇总哪一列的值；数行数时不需要。"),
                "aggregates.as": ("结果列名", "结果放在哪一列；留空则由列名和方法组成。"),
                "time_column": (
                    "时间列",
                    "数据行的时间所在的列：2025-03-10T12:00:00Z 这样的文本，"
                    "或自 1970 年起的秒数、毫秒数；留空则用到达的时间。",
                ),
                "disorder": ("允许乱序", "一行最多可以比最新的一行早多久，例如 10s。"),
                "lateness": ("更正期", "窗口结束后保留多久；其间到达的行会再次给出更正后的结果。"),
                "quiet": (
                    "安静时",
                    "多久没有任何数据后按时钟推进时间，使最后的窗口结束；留空则等待下一行。",
                ),
                "decimals": ("小数位数", "总和与平均值保留几位小数；留空则不舍入。"),
            },
            ports={
                "rows": ("数据行", "各行数据；输出每个窗口每组一行。"),
                "late": ("迟到", "窗口结束后才到达的行。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        names = [*self.by, *(each.name for each in self.aggregates), _START, _END]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "same_name_twice",
                "two result columns are called '{name}'; give one another name",
                {"name": twice},
            )
        wanted = {"tumbling": ("size",), "sliding": ("size", "slide"), "session": ("gap",)}
        for name in wanted.get(self.window, ()):
            if not getattr(self, name):
                raise PydanticCustomError(
                    "window_length",
                    "{message}",
                    {
                        "message": f"the setting {name} is needed for {self.window} windows",
                        "hint": "Write a number and a unit: 10s, 5m, 1h.",
                    },
                )
        if self.window == "sliding" and length_ms(self.slide) > length_ms(self.size):
            raise PydanticCustomError(
                "window_slide",
                "{message}",
                {
                    "message": "windows that begin less often than they are long leave rows out",
                    "hint": "Choose a slide of at most the length.",
                },
            )
        return self

    def build(self, rows: DataStream[Row]) -> Windowed:
        """Add the windows to the stream."""
        if not rows.graph.live:
            whole = rows.process_all(lambda records: windows_of(self, records), name="window")
            return Windowed(whole, rows.filter(_never, name="late"))
        clock = not self.time_column
        by_time = self.window != "count"
        stream = rows
        if by_time and not clock:
            times = TimeOf(self.time_column)
            stream = timed(rows, times, length_ms(self.disorder), length_ms(self.quiet))
        keyed = stream.key_by(self.key)
        windows = keyed.window(self._assigner("processing" if clock else "event"))
        if by_time and not clock:
            windows = windows.allowed_lateness(self.lateness or 0).late_output()
        found = self._summed(windows)
        late = (
            found.side_output("late")
            if by_time and not clock
            else found.filter(_never, name="late")
        )
        return Windowed(found, late)

    def key(self, row: Any) -> Any:
        """What of a row has windows of its own."""
        return group_key([value(row, name) for name in self.by])

    def groups(self) -> Groups:
        """How the rows of a window are summed up."""
        return Groups(tuple(self.by), tuple(self.aggregates), self.decimals)

    def result(self, group: Group, window: Window | None) -> Row:
        """The row of a window."""
        row = self.groups().result(group)
        if window is None or self.window == "count":
            return row
        by = {name: row.pop(name) for name in self.by}
        return {**by, _START: written(window.start), _END: written(window.end), **row}

    def _assigner(self, time: Literal["event", "processing"]) -> Any:
        if self.window == "tumbling":
            return Tumbling(self.size, time=time)
        if self.window == "sliding":
            return Sliding(self.size, self.slide, time=time)
        return Session(self.gap, time=time) if self.window == "session" else Count(self.count)

    def _summed(self, windows: WindowedStream[Any, Any]) -> DataStream[Row]:
        if self.window == "session":  # what grows together is summed up anew
            return windows.process(_Rows(self), name="window")
        return windows.aggregate(_Summing(self.groups()), _Result(self), name="window")


class _Summing(AggregateFunction[Any, Group, Group]):
    """Sums the rows of a window up, one by one."""

    mergeable = False

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def create(self) -> Group:
        return self._groups.create()

    def add(self, accumulator: Group, value: Any) -> Group:
        return self._groups.add(accumulator, value)

    def result(self, accumulator: Group) -> Group:
        return accumulator


class _Result:
    """The row of a window."""

    def __init__(self, node: StreamWindow) -> None:
        self._node = node

    def __call__(self, key: Any, window: Window, group: Group) -> Row:
        del key
        return self._node.result(group, window)


class _Rows:
    """Sums the rows of a session up, all at once."""

    def __init__(self, node: StreamWindow) -> None:
        self._node = node

    def __call__(self, key: Any, window: Window, rows: list[Any]) -> list[Row]:
        del key
        groups = self._node.groups()
        group = groups.create()
        for row in rows:
            group = groups.add(group, row)
        return [self._node.result(group, window)]


def _never(row: Any) -> bool:
    return False
