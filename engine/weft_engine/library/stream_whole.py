"""The windows of a stream that has ended, as they would have been if its rows had come in time."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from weft_engine.kernel.windows import Window
from weft_engine.library.stream_time import TimeOf, length_ms
from weft_engine.nodes.types import Row

if TYPE_CHECKING:
    from weft_engine.library.stream_window import StreamWindow


def windows_of(node: "StreamWindow", rows: list[Any]) -> list[Row]:
    """The result of every window, in the order of their ends; nothing is late."""
    keys: dict[Any, list[Any]] = {}
    for row in rows:
        keys.setdefault(node.key(row), []).append(row)
    found: list[tuple[int, int, Row]] = []
    for place, mine in enumerate(keys.values()):
        for window, part in _cut(node, mine):
            groups = node.groups()
            group = groups.create()
            for row in part:
                group = groups.add(group, row)
            end = window.end if window is not None else 0
            found.append((end, place, node.result(group, window)))
    return [row for _, _, row in sorted(found, key=lambda each: each[:2])]


def _cut(node: "StreamWindow", rows: list[Any]) -> Iterator[tuple[Window | None, list[Any]]]:
    if node.window == "count":
        for start in range(0, len(rows), node.count):
            yield None, rows[start : start + node.count]
        return
    now = time.time_ns() // 1_000_000
    of = TimeOf(node.time_column) if node.time_column else None
    timed = [(now if of is None else of(row), row) for row in rows]
    if node.window == "session":
        yield from _sessions(timed, length_ms(node.gap))
    else:
        slide = node.slide if node.window == "sliding" else node.size
        yield from _spans(timed, length_ms(node.size), length_ms(slide))


def _spans(
    timed: list[tuple[int, Any]], size: int, slide: int
) -> Iterator[tuple[Window, list[Any]]]:
    windows: dict[int, list[Any]] = {}
    for at, row in timed:
        last = at - at % slide
        for start in range(last, at - size, -slide):
            windows.setdefault(start, []).append(row)
    for start in sorted(windows):
        yield Window(start, start + size), windows[start]


def _sessions(timed: list[tuple[int, Any]], gap: int) -> Iterator[tuple[Window, list[Any]]]:
    part: list[Any] = []
    start = end = 0
    for at, row in sorted(timed, key=lambda pair: pair[0]):
        if part and at > end:
            yield Window(start, end), part
            part = []
        if not part:
            start = at
        part.append(row)
        end = at + gap
    if part:
        yield Window(start, end), part
