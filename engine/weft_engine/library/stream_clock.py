"""A clock as a source of records."""

import time
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.library.stream_time import Length, length_ms, written
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row

_LOOK_S = 0.05


class Clock(NodeType):
    """Give a record every so often, with its number and its time.

    In a stream that stood still, records whose time has passed come as soon as it goes on: no
    number is left out, and after a restart the same records have the same times.

    >>> from itertools import islice
    >>> [row["number"] for row in islice(Clock(every="1ms").process(), 3)]
    [0, 1, 2]
    """

    type: Literal["stream.clock"] = "stream.clock"
    every: Length = Field("1s", min_length=1)
    """How often, such as 500ms, 10s or 1m."""

    info = NodeInfo(
        category="source",
        icon="clock",
        title="Clock",
        output="ticks",
        subtitle="{every}",
        ports={"ticks": "The records: number, counted from 0, and time."},
        aliases_en=("timer", "interval", "tick", "every", "heartbeat", "generator", "poll"),
        aliases_zh=("时钟", "定时", "间隔", "心跳", "生成", "轮询"),
        pure=False,
        deterministic=False,
        unbounded=True,
        zh=Zh(
            title="时钟",
            summary="每隔一段时间给出一条记录，含编号和时间。",
            subtitle="{every}",
            settings={"every": ("间隔", "多久一次，例如 500ms、10s 或 1m。")},
            ports={"ticks": ("记录", "各条记录：从 0 开始的编号，以及时间。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Row]:
        """Wait for each record's time; without end."""
        every, began, number = length_ms(self.every), time.time_ns() // 1_000_000, 0
        while ctx is None or not ctx.cancelled():
            due = began + number * every
            left = due / 1000 - time.time()
            if left > 0:
                time.sleep(min(left, _LOOK_S))
                continue
            yield _tick(number, due)
            number += 1

    def source(self, ctx: NodeContext) -> Source[Row]:
        """The same for a live stream."""
        del ctx
        return ClockSource(length_ms(self.every))


class ClockSource(Source[Row]):
    """Records at an interval of processing time."""

    bounded = False

    def __init__(self, every_ms: int) -> None:
        self._every_ms = every_ms

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Row]:
        number, began = position or (0, context.now())
        return _Reading(self._every_ms, number, began, context)


class _Reading:
    """Says what has struck."""

    def __init__(self, every_ms: int, number: int, began: int, context: ReaderContext) -> None:
        self._every_ms = every_ms
        self._number = number
        self._began = began
        self._context = context

    def read(self, limit: int) -> list[Row]:
        due = (self._context.now() - self._began) // self._every_ms + 1
        start, stop = self._number, min(self._number + limit, due)
        self._number = max(start, stop)
        return [_tick(n, self._began + n * self._every_ms) for n in range(start, stop)]

    def due(self) -> int:
        """When the next one strikes."""
        return self._began + self._number * self._every_ms

    def position(self) -> tuple[int, int]:
        return self._number, self._began

    def close(self) -> None:
        """Nothing is held."""


def _tick(number: int, at: int) -> Row:
    return {"number": number, "time": written(at)}
