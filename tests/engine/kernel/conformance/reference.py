"""What DataStream programs mean: one record after the other, with lists and dicts.

`interpret` reads the logical graph. A stream is the list of what comes along it: records, and marks
that say how far event time has come. There are no batches, subtasks, channels or checkpoints. Where
the order between several inputs is not decided, one input is read after the other.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.engine.kernel.conformance.reference_windows import windows
from weft_engine.kernel.batch import MAX_TIME, MIN_TIME
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.graph import Graph, Ref, Vertex
from weft_engine.kernel.operators.keys import frozen, sorted_by


class Record(NamedTuple):
    value: Any
    time: int | None = None


class Mark(NamedTuple):
    """No record at or before this time follows, unless it is late."""

    time: int


Stream = list[Record | Mark]
Outputs = list[Stream]


def interpret(graph: Graph) -> dict[Ref, Stream]:
    """What comes out of every output of every operator; failures last."""
    streams: dict[Ref, Stream] = {}
    done: set[int] = set()
    for vertex in graph.vertices:
        if vertex.id in done:
            continue
        if vertex.kind == "iterate":
            done |= _loop(graph, vertex, streams)
        else:
            _put(vertex, _run(vertex, [streams[ref] for ref in vertex.inputs]), streams)
    return streams


def collected(graph: Graph) -> dict[str, list[Any]]:
    """What `collect` gives, by uid."""
    streams = interpret(graph)
    ends = [vertex for vertex in graph.vertices if vertex.kind == "collect_results"]
    return {vertex.uid: values(streams[vertex.inputs[0]]) for vertex in ends}


def values(stream: Stream) -> list[Any]:
    return [item.value for item in stream if isinstance(item, Record)]


def _put(vertex: Vertex, outputs: Outputs, streams: dict[Ref, Stream]) -> None:
    for output in range(vertex.outputs + 1):
        streams[Ref(vertex.id, output)] = outputs[output] if output < len(outputs) else []


def _run(vertex: Vertex, inputs: list[Stream]) -> Outputs:
    return KINDS[vertex.kind](vertex, *inputs)


def _records(stream: Stream) -> list[Record]:
    return [item for item in stream if isinstance(item, Record)]


def _out(vertex: Vertex) -> Outputs:
    return [[] for _ in range(vertex.outputs + 1)]


# Record by record


class Skip(Exception):  # noqa: N818 - no error
    """The record is left out."""


def _tried(vertex: Vertex, out: Outputs, record: Record, call: Callable[..., Any]) -> Any:
    """What a call gives, or what the policy puts in its place."""
    try:
        return call(record.value)
    except Exception as error:
        if vertex.policy.on_error == "fail":
            raise
        if vertex.policy.on_error == "continue":
            return None
        if vertex.policy.on_error == "route":
            out[vertex.outputs].append(Record({"item": record.value}))
        raise Skip from error


def _each(
    vertex: Vertex, stream: Stream, take: Callable[[Record, Outputs], None], call: Any = None
) -> Outputs:
    out = _out(vertex)
    for item in stream:
        if isinstance(item, Mark):
            for each in out[: vertex.outputs]:
                each.append(item)
            continue
        try:
            take(item, out)
        except Skip:
            continue
    return out


def _map(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])
    return _each(
        vertex,
        stream,
        lambda item, out: out[0].append(Record(_tried(vertex, out, item, call), item.time)),
    )


def _filter(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])

    def take(item: Record, out: Outputs) -> None:
        before = len(out[vertex.outputs])
        kept = _tried(vertex, out, item, call)
        if kept and len(out[vertex.outputs]) == before:
            out[0].append(item)

    return _each(vertex, stream, take)


def _flat_map(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])

    def take(item: Record, out: Outputs) -> None:
        found = _tried(vertex, out, item, lambda value: list(call(value) or ()))
        out[0] += [Record(value, item.time) for value in found]

    return _each(vertex, stream, take)


def _map_batch(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])

    def take(item: Record, out: Outputs) -> None:
        out[0] += [Record(value, item.time) for value in call([item.value])]

    return _each(vertex, stream, take)


def _async_map(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])

    def wait(value: Any) -> Any:
        return asyncio.run(call(value))

    return _each(
        vertex,
        stream,
        lambda item, out: out[0].append(Record(_tried(vertex, out, item, wait), item.time)),
    )


def _split(vertex: Vertex, stream: Stream) -> Outputs:
    call = vertex.params["fn"]

    def take(item: Record, out: Outputs) -> None:
        number = call(item.value)
        if number is not None:
            out[number].append(item)

    return _each(vertex, stream, take)


def _timestamps(vertex: Vertex, stream: Stream) -> Outputs:
    out: Stream = []
    greatest: int | None = None
    for item in _records(stream):
        time = vertex.params["fn"](item.value)
        out.append(Record(item.value, time))
        if greatest is None or time > greatest:
            greatest = time
            out.append(Mark(greatest - vertex.params["bound_ms"] - 1))
    return [[*out, Mark(MAX_TIME)]]


# By key


def _keyed(vertex: Vertex, port: int = 0) -> Callable[[Any], Any]:
    key = vertex.ship(port).key
    assert key is not None
    return key


def _reduce_running(vertex: Vertex, stream: Stream) -> Outputs:
    call, _ = instantiate(vertex.params["fn"])
    key, held = _keyed(vertex), {}

    def take(item: Record, out: Outputs) -> None:
        own = key(item.value)
        held[own] = call(held[own], item.value) if own in held else item.value
        out[0].append(Record(held[own], item.time))

    return _each(vertex, stream, take)


def _aggregate_running(vertex: Vertex, stream: Stream) -> Outputs:
    key, held = _keyed(vertex), {}
    create, add, result = (vertex.params[name] for name in ("create", "add", "result"))

    def take(item: Record, out: Outputs) -> None:
        own = key(item.value)
        held[own] = add(held[own] if own in held else create(), item.value)
        found = (own, held[own]) if result is None else result(own, held[own])
        out[0].append(Record(found, item.time))

    return _each(vertex, stream, take)


class _Value:
    def __init__(self, context: "_Context", default: Any) -> None:
        self.context, self.default, self.held = context, default, {}

    def value(self) -> Any:
        return self.held.get(self.context.key, self.default)

    def update(self, value: Any) -> None:
        self.held[self.context.key] = value

    def clear(self) -> None:
        self.held.pop(self.context.key, None)


class _Map:
    def __init__(self, context: "_Context") -> None:
        self.context, self.held = context, {}

    def get(self, name: Any, default: Any = None) -> Any:
        return self.held.get(self.context.key, {}).get(name, default)

    def put(self, name: Any, value: Any) -> None:
        self.held.setdefault(self.context.key, {})[name] = value

    def remove(self, name: Any) -> None:
        self.held.get(self.context.key, {}).pop(name, None)


class _Context:
    """The context and the states of a process function."""

    def __init__(self, sides: tuple[str, ...], out: Outputs) -> None:
        self.key: Any = None
        self.timestamp: int | None = None
        self.tag: Any = None
        self.state = self
        self.timers: dict[tuple[int, Any, Any], None] = {}
        self.reached = MIN_TIME
        self._sides, self._out = sides, out

    def value(self, name: str, default: Any = None) -> _Value:
        return _Value(self, default)

    def map(self, name: str) -> _Map:
        return _Map(self)

    def emit(self, value: Any, *, side: str | None = None) -> None:
        output = 0 if side is None else 1 + self._sides.index(side)
        self._out[output].append(Record(value, self.timestamp))

    def set_timer(self, time: int, *, tag: Any = None) -> None:
        self.timers[time, self.key, tag] = None

    def watermark(self) -> int:
        return self.reached


def _process(vertex: Vertex, stream: Stream) -> Outputs:
    out = _out(vertex)
    context = _Context(vertex.params["sides"], out)
    call, made = instantiate(vertex.params["fn"])
    made.open(context)
    ship = vertex.ship(0)
    for item in stream:
        if isinstance(item, Record):
            context.key = ship.key(item.value) if ship.key else None
            context.timestamp = item.time
            out[0] += [Record(each, item.time) for each in call(item.value, context) or ()]
            continue
        context.reached = item.time
        while due := [timer for timer in context.timers if timer[0] <= item.time]:
            first = min(due, key=lambda timer: timer[0])
            time, context.key, context.tag = first
            del context.timers[first]
            context.timestamp = time
            out[0] += [Record(each, time) for each in made.on_timer(time, context) or ()]
        for each in out[: vertex.outputs]:
            each.append(item)
    return out


def _windows(vertex: Vertex, *inputs: Stream) -> Outputs:
    """Windows and window joins; see `reference_windows`."""
    keys = [_keyed(vertex, port) for port in range(len(inputs))]
    joined = _side_by_side(inputs) if len(inputs) > 1 else [(0, item) for item in inputs[0]]
    events = [
        (port, keys[port](item.value), item.value, item.time) if isinstance(item, Record) else item
        for port, item in joined
    ]
    out = _out(vertex)
    for output, item in windows(vertex, events):
        if isinstance(item, Mark):
            for each in out[: vertex.outputs]:
                each.append(item)
        else:
            out[output].append(Record(*item))
    return out


def _interval_join(vertex: Vertex, left: Stream, right: Stream) -> Outputs:
    lower, upper, fn = (vertex.params[name] for name in ("lower_ms", "upper_ms", "fn"))
    keys = _keyed(vertex, 0), _keyed(vertex, 1)
    pairs = [
        Record(fn(a.value, b.value), max(a.time, b.time))
        for a in _records(left)
        for b in _records(right)
        if keys[0](a.value) == keys[1](b.value) and lower <= b.time - a.time <= upper
    ]
    return [[*pairs, Mark(MAX_TIME)]]


# Several inputs


def _side_by_side(inputs: tuple[Stream, ...]) -> Iterator[tuple[int, Record | Mark]]:
    """One after the other; event time only moves on at the end."""
    for port, stream in enumerate(inputs):
        yield from ((port, item) for item in stream if isinstance(item, Record))
    yield 0, Mark(MAX_TIME)


def _union(vertex: Vertex, *inputs: Stream) -> Outputs:
    return [[item for _, item in _side_by_side(inputs)]]


def _co(method: str, many: bool) -> Callable[..., Outputs]:
    def run(vertex: Vertex, *inputs: Stream) -> Outputs:
        _, made = instantiate(vertex.params["fn"], f"{method}1")
        out: Stream = []
        for port, item in _side_by_side(inputs):
            if isinstance(item, Mark):
                out.append(item)
                continue
            found = getattr(made, f"{method}{port + 1}")(item.value)
            out += [Record(each, item.time) for each in (found if many else [found])]
        return [out]

    return run


def _join(vertex: Vertex, left: Stream, right: Stream) -> Outputs:
    left_key, right_key, combine, how = (
        vertex.params[name] for name in ("left_key", "right_key", "combine", "how")
    )
    rights = values(right)
    met: set[int] = set()
    out = []
    for a in values(left):
        key = left_key(a)
        found = [n for n, b in enumerate(rights) if key is not None and right_key(b) == key]
        met |= set(found)
        out += [combine(a, rights[n]) for n in found]
        if not found and how in ("left", "outer"):
            out.append(combine(a, None))
    if how in ("right", "outer"):
        out += [combine(None, b) for n, b in enumerate(rights) if n not in met]
    return _plain(out)


# Whole streams


def _plain(found: list[Any]) -> Outputs:
    return [[Record(value) for value in found]]


def _whole(make: Callable[[Any, list[Any]], list[Any]]) -> Callable[..., Outputs]:
    return lambda vertex, *inputs: _plain(
        make(vertex.params, [v for stream in inputs for v in values(stream)])
    )


def _distinct(params: Any, found: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {}
    for value in found:
        seen.setdefault(frozen(value if params["key"] is None else params["key"](value)), value)
    return list(seen.values())


def _aggregate(params: Any, found: list[Any]) -> list[Any]:
    held: dict[Any, tuple[Any, Any]] = {}
    for value in found:
        key = params["key"](value)
        _, before = held.get(frozen(key), (key, None))
        first = frozen(key) not in held
        held[frozen(key)] = (key, params["add"](params["create"]() if first else before, value))
    result = params["result"] or (lambda key, accumulator: (key, accumulator))
    return [result(*each) for each in held.values()]


def _reduce(params: Any, found: list[Any]) -> list[Any]:
    held: dict[Any, Any] = {}
    for value in found:
        key = frozen(params["key"](value))
        held[key] = params["fn"](held[key], value) if key in held else value
    return list(held.values())


def _sort(params: Any, found: list[Any]) -> list[Any]:
    for key, descending in reversed(params["keys"]):
        found = sorted_by(found, [key(value) for value in found], descending=descending)
    return found


def _fold(params: Any, found: list[Any]) -> list[Any]:
    held = params["create"]()
    for value in found:
        held = params["add"](held, value)
    return [held if params["result"] is None else params["result"](held)]


# Loops


def _loop(graph: Graph, head: Vertex, streams: dict[Ref, Stream]) -> set[int]:
    """Send every record round until nothing comes back; the operators that stand in the loop."""
    back = next(ref for ref, target in graph.feedback if target == head.id)
    inside = _between(graph, head.id, back.operator)
    out: dict[Ref, Stream] = {}
    waiting = _records(streams[head.inputs[0]])
    while waiting:
        round_ = dict(streams)
        round_[Ref(head.id)] = list(waiting)
        for vertex in inside:
            _put(vertex, _run(vertex, [round_[ref] for ref in vertex.inputs]), round_)
        for vertex in inside:
            for output in range(vertex.outputs + 1):
                ref = Ref(vertex.id, output)
                out.setdefault(ref, []).extend(_records(round_[ref]))
        waiting = _records(round_[back])
    for vertex in inside:
        for output in range(vertex.outputs + 1):
            streams[Ref(vertex.id, output)] = [*out.get(Ref(vertex.id, output), ()), Mark(MAX_TIME)]
    return {head.id, *(vertex.id for vertex in inside)}


def _between(graph: Graph, head: int, tail: int) -> list[Vertex]:
    inside = {head}
    for vertex in graph.vertices[head + 1 : tail + 1]:
        if any(ref.operator in inside for ref in vertex.inputs):
            inside.add(vertex.id)
    return [graph.vertices[id_] for id_ in sorted(inside - {head})]


def _source(vertex: Vertex) -> Outputs:
    return [[Record(value) for value in vertex.params["source"].iterable()]]


KINDS: dict[str, Callable[..., Outputs]] = {
    "source": _source,
    "map": _map,
    "filter": _filter,
    "flat_map": _flat_map,
    "map_batch": _map_batch,
    "async_map": _async_map,
    "split": _split,
    "identity": lambda vertex, stream: [stream],
    "drop_times": lambda vertex, stream: _plain(values(stream)),
    "timestamps": _timestamps,
    "union": _union,
    "reduce_running": _reduce_running,
    "aggregate_running": _aggregate_running,
    "keyed_process": _process,
    "process_function": _process,
    "window": _windows,
    "window_join": _windows,
    "interval_join": _interval_join,
    "co_map": _co("map", many=False),
    "co_flat_map": _co("flat_map", many=True),
    "join": _join,
    "concat": _whole(lambda params, found: found),
    "sort": _whole(_sort),
    "fold": _whole(_fold),
    "collect": _whole(lambda params, found: [found]),
    "distinct": _whole(_distinct),
    "limit": _whole(lambda params, found: found[: params["count"]]),
    "aggregate": _whole(_aggregate),
    "reduce": _whole(_reduce),
    "collect_results": lambda vertex, stream: [],
}
