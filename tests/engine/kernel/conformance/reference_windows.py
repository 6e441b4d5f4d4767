"""What windows mean: every record is put into its windows, every mark ends those that are over."""

from collections.abc import Iterable, Iterator
from typing import Any

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.graph import Vertex
from weft_engine.kernel.windows import Count, Session, Tumbling, Window

Item = tuple[int, Any, int]
"""Input, record, time."""


def windows(vertex: Vertex, events: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Results as `(0, (value, time))`, late records as `(1, ...)`, marks as they come."""
    assigner = vertex.params["assigner"]
    if isinstance(assigner, Count):
        return _counted(vertex, assigner, events)
    return _timed(vertex, assigner, events)


def _timed(vertex: Vertex, assigner: Any, events: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    lateness = vertex.params.get("lateness_ms", 0)
    held: dict[Any, dict[Window, list[Item]]] = {}
    fired: set[tuple[Any, Window]] = set()
    reached = MIN_TIME
    for event in events:
        if len(event) == 1:
            before, reached = reached, event.time
            over = sorted(
                (window.end, n, key, window)
                for n, (key, each) in enumerate(held.items())
                for window in each
                if before < window.end - 1 <= reached
            )
            for _, _, key, window in over:
                fired.add((key, window))
                yield from _results(vertex, key, window, held[key][window])
            for each in held.values():
                for window in [w for w in each if w.end - 1 + lateness <= reached]:
                    del each[window]
            yield 0, event
            continue
        port, key, value, time = event
        mine = held.setdefault(key, {})
        found = _windows_of(assigner, time, mine)
        live = [window for window in found if window.end - 1 + lateness > reached]
        if found and not live:
            if vertex.params.get("sides"):
                yield 1, (value, time)
            continue
        for window in live:
            if isinstance(assigner, Session):
                _grow(mine, window)
            mine.setdefault(window, []).append((port, value, time))
            if window.end - 1 <= reached:
                yield from _results(vertex, key, window, mine[window])


def _windows_of(assigner: Any, time: int, mine: dict[Window, list[Item]]) -> list[Window]:
    if isinstance(assigner, Session):
        window = Window(time, time + assigner.gap)
        for other in [w for w in mine if w.start <= window.end and w.end >= window.start]:
            window = Window(min(window.start, other.start), max(window.end, other.end))
        return [window]
    slide = assigner.size if isinstance(assigner, Tumbling) else assigner.slide
    start = time - (time - assigner.offset) % slide
    found = []
    while start + assigner.size > time:
        found.append(Window(start, start + assigner.size))
        start -= slide
    return found[::-1]


def _grow(mine: dict[Window, list[Item]], window: Window) -> None:
    """Sessions that a window has swallowed are part of it."""
    swallowed = sorted(w for w in mine if w.start <= window.end and w.end >= window.start)
    items = [item for other in swallowed for item in mine.pop(other)]
    mine[window] = items


def _counted(vertex: Vertex, assigner: Count, events: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    every: dict[Any, list[Item]] = {}

    def window(key: Any) -> Iterator[tuple[int, Any]]:
        mine = every[key]
        if assigner.size == assigner.slide:
            last = mine[(len(mine) - 1) // assigner.size * assigner.size :]
        else:
            last = mine[-assigner.size :]
        whole = Window(len(mine) - len(last), len(mine))
        greatest = max(time for _, _, time in last) if last[0][2] is not None else None
        for output, (value, _) in _results(vertex, key, whole, last):
            yield output, (value, greatest)

    for event in events:
        if len(event) == 1:
            yield from _rest(every, assigner, window) if event.time == MAX_TIME else ()
            yield 0, event
            continue
        port, key, value, time = event
        every.setdefault(key, []).append((port, value, time))
        if len(every[key]) % assigner.slide == 0:
            yield from window(key)
    yield from _rest(every, assigner, window)


def _rest(every: dict[Any, list[Item]], assigner: Count, window: Any) -> Iterator[tuple[int, Any]]:
    for key, mine in every.items():
        if len(mine) % assigner.slide:
            yield from window(key)
    every.clear()


def _results(
    vertex: Vertex, key: Any, window: Window, items: list[Item]
) -> Iterator[tuple[int, Any]]:
    for value in _made(vertex, key, window, items):
        yield 0, (value, window.end - 1)


def _made(vertex: Vertex, key: Any, window: Window, items: list[Item]) -> list[Any]:
    params = vertex.params
    if vertex.kind == "window_join":
        sides = [[value for port, value, _ in items if port == n] for n in (0, 1)]
        lefts = sides[0] or ([None] if params["how"] in ("right", "outer") else [])
        rights = sides[1] or ([None] if params["how"] in ("left", "outer") else [])
        return [params["fn"](left, right) for left in lefts for right in rights]
    found = [value for _, value, _ in items]
    if params["how"] == "process":
        return list(params["fn"](key, window, found))
    if params["how"] == "reduce":
        held = found[0]
        for value in found[1:]:
            held = params["fn"](held, value)
    else:
        _, made = instantiate(params["fn"], "add")
        held = made.create()
        for value in found:
            held = made.add(held, value)
        held = made.result(held)
    return [held if params["result"] is None else params["result"](key, window, held)]
