"""DataStream: a program over streams of records, built lazily.

    env = LocalEnvironment()
    words = env.from_collection(["to be", "or not", "to be"]).flat_map(str.split)
    counts = words.key_by(lambda word: word).aggregate(int, lambda n, _: n + 1)
    env.run(counts)  # [("to", 2), ("be", 2), ("or", 1), ("not", 1)]

Every method only adds an operator to the graph. Records that go from one subtask to one other keep
their order, so a program of parallelism 1 keeps it altogether, and from `key_by` on the records of
a key keep theirs. Nothing is held in memory but by operators that say so.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Generic, Literal, TypeVar

from weft_engine.kernel.building import (
    SIDED,
    Processes,
    check_function,
    check_key,
    check_parallelism,
)
from weft_engine.kernel.connected import ConnectedStreams
from weft_engine.kernel.durations import Duration, whole_milliseconds
from weft_engine.kernel.ends import Ends
from weft_engine.kernel.functions import ProcessFunction
from weft_engine.kernel.graph import AUTO, Ref, Ship
from weft_engine.kernel.keyed import KeyedStream
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.whole import Whole
from weft_engine.kernel.windowed import WindowedStream
from weft_engine.kernel.windows import Assigner

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")

Watermarks = Literal["batch", "record"]
"""Behind which lists, or in front of which records, a stream says how far time has come."""


class DataStream(Whole[T], Ends[T], Generic[T]):
    """A stream of records that will exist once its graph runs."""

    __slots__ = ()

    def at(self, ref: Ref, ship: Ship = AUTO) -> "DataStream[Any]":
        return DataStream(self.graph, ref, ship)

    # Record by record

    def map(
        self,
        fn: Callable[[T], U] | Processes[T, U] | type[Processes[T, U]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Turn every record into another."""
        params = {"fn": check_function(fn)}
        return self.then("map", params, name=name, uid=uid, parallelism=parallelism)

    def filter(
        self,
        predicate: Callable[[T], object] | Processes[T, object] | type[Processes[T, object]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[T]":
        """Keep the records for which the predicate is true."""
        params = {"fn": check_function(predicate)}
        return self.then("filter", params, name=name, uid=uid, parallelism=parallelism)

    def flat_map(
        self,
        fn: Callable[[T], Iterable[U]]
        | Processes[T, Iterable[U]]
        | type[Processes[T, Iterable[U]]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Turn every record into any number of others; the iterable is read bit by bit."""
        params = {"fn": check_function(fn)}
        return self.then("flat_map", params, name=name, uid=uid, parallelism=parallelism)

    flatmap = flat_map

    def map_batch(
        self,
        fn: Callable[[list[T]], list[U]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Turn lists of neighbouring records into lists; how they are cut is up to the backend.

        With event times, a list must become one of the same length.
        """
        params = {"fn": check_function(fn)}
        return self.then("map_batch", params, name=name, uid=uid, parallelism=parallelism)

    def async_map(
        self,
        fn: Callable[[T], Awaitable[U]] | Processes[T, Awaitable[U]],
        *,
        concurrency: int = 16,
        ordered: bool = True,
        timeout: Duration | None = None,
        retry: int = 0,
        per_key: Callable[[T], Any] | None = None,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Turn every record into another by waiting for something, so many at once.

        Results keep the order of their records if `ordered`. One attempt may take `timeout`; a
        record is tried again `retry` times (`on_error` knows more of that). With `per_key`, there
        are never two records of the same key under way at once, and they keep their order.
        """
        check_function(fn, awaited=True)
        params: dict[str, Any] = {"fn": fn, "concurrency": concurrency}
        if not ordered:
            params["ordered"] = False
        if per_key is not None:
            params["per_key"] = check_key(per_key)
        made = self.then("async_map", params, name=name, uid=uid, parallelism=parallelism)
        if timeout is None and not retry:
            return made
        return made.on_error(made.vertex.policy.on_error, retries=retry, timeout=timeout)

    def process(
        self,
        fn: ProcessFunction[T, U] | type[ProcessFunction[T, U]] | Callable[..., Any],
        *,
        sides: Iterable[str] = (),
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Give every record and the context to a `ProcessFunction`.

        It may emit to side outputs whose names are given here, or are asked for by `side_output`.
        """
        params = {"fn": check_function(fn), "sides": tuple(sides)}
        return self.then(
            "process_function",
            params,
            name=name,
            uid=uid,
            parallelism=parallelism,
            outputs=1 + len(params["sides"]),
        )

    def side_output(self, name: str) -> "DataStream[Any]":
        """What the operator emits to one of its side outputs; `late` of windows and joins."""
        vertex = self.vertex
        if vertex.kind not in SIDED:
            raise ProgramError(
                f"the operator {vertex.name!r} has no side outputs",
                hint="Process functions, windows and joins over time have them.",
            )
        sides = vertex.params.get("sides", ())
        if name not in sides:
            self._add_side(name)
            sides = (*sides, name)
        return DataStream(self.graph, Ref(vertex.id, 1 + sides.index(name)))

    def dead_letters(self, *, name: str = "dead letters") -> "DataStream[dict[str, Any]]":
        """What the operator failed on, with `on_error("route")`: the records and the failures."""
        vertex = self.vertex
        failures = DataStream[Any](self.graph, Ref(vertex.id, vertex.outputs))
        return failures.then("map", {"fn": _itself}, name=name, timed=False)

    def _add_side(self, name: str) -> None:
        vertex, vertices = self.vertex, self.graph.vertices
        before, after = Ref(vertex.id, vertex.outputs), Ref(vertex.id, vertex.outputs + 1)
        params = {**vertex.params, "sides": (*vertex.params.get("sides", ()), name)}
        vertices[vertex.id] = replace(vertex, params=params, outputs=vertex.outputs + 1)
        for reader in vertices[vertex.id + 1 :]:
            if before in reader.inputs:  # dead letters, which are numbered behind the outputs
                inputs = tuple(after if ref == before else ref for ref in reader.inputs)
                vertices[reader.id] = replace(reader, inputs=inputs)

    # Where records go

    def key_by(self, key: Callable[[T], K]) -> "KeyedStream[K, T]":
        """Look at the records by key: those with equal keys meet in the same subtask, in order."""
        return KeyedStream(self, check_key(key))

    keyby = key_by

    def rebalance(self) -> "DataStream[T]":
        """Deal the records evenly to the subtasks of the next operator."""
        return DataStream(self.graph, self.ref, Ship("rebalance"))

    def broadcast(self) -> "DataStream[T]":
        """Give every record to every subtask of the next operator."""
        return DataStream(self.graph, self.ref, Ship("broadcast"))

    def forward(self) -> "DataStream[T]":
        """Keep records in their subtask; the next operator must have the same parallelism."""
        return DataStream(self.graph, self.ref, Ship("forward"))

    def gather(self) -> "DataStream[T]":
        """Send all records to the first subtask of the next operator."""
        return DataStream(self.graph, self.ref, Ship("gather"))

    def partition_custom(self, subtask: Callable[[T], int]) -> "DataStream[T]":
        """Let a function say which subtask of the next operator takes a record (modulo them)."""
        return DataStream(self.graph, self.ref, Ship("custom", check_key(subtask)))

    def split(
        self, route: Callable[[T], int | None], count: int, *, name: str = ""
    ) -> "tuple[DataStream[T], ...]":
        """Send every record to one of several streams, or to none."""
        params = {"fn": check_function(route), "count": count}
        first = self.then("split", params, name=name, outputs=count)
        return tuple(first.at(Ref(first.ref.operator, index)) for index in range(count))

    def partition(
        self, predicate: Callable[[T], object], *, name: str = ""
    ) -> "tuple[DataStream[T], DataStream[T]]":
        """Send every record to the first stream if the predicate is true, else to the second."""
        yes, no = self.split(_Either(predicate), 2, name=name)
        return yes, no

    # Time

    def assign_timestamps(
        self,
        fn: Callable[[T], int],
        *,
        max_out_of_orderness: Duration = 0,
        idle: Duration | None = None,
        watermarks: Watermarks = "batch",
        name: str = "",
    ) -> "DataStream[T]":
        """Give every record its event time, in milliseconds since 1970.

        A record may be behind the latest one by `max_out_of_orderness` without being late. After
        `idle` without records, time goes on without this subtask. Time moves on behind every list
        of records, however many a list has; with `watermarks="record"` in front of every record,
        so that timers that are due before it fire before it, which takes several times as long.
        It runs as often as what is before it, unless `set_parallelism` or the stream says
        otherwise.
        """
        if watermarks not in ("batch", "record"):
            raise ProgramError(
                f"watermarks cannot be {watermarks!r}", hint="It is batch or record."
            )
        params = {
            "fn": check_function(fn),
            "bound_ms": whole_milliseconds(max_out_of_orderness, "max_out_of_orderness"),
            "idle_ms": None if idle is None else whole_milliseconds(idle, "idle", least=1),
        }
        if watermarks != "batch":
            params["watermarks"] = watermarks
        return self.then("timestamps", params, name=name, timed=True)

    def window_all(self, window: Assigner) -> "WindowedStream[None, T]":
        """Cut the whole stream into windows; one subtask does it all."""
        return WindowedStream(KeyedStream(self, _nothing), window, parallelism=1)

    # Several streams

    def union(self, *others: "DataStream[T]", name: str = "") -> "DataStream[T]":
        """The records of several streams as they come; each stream keeps its own order."""
        inputs = (self, *others)
        if any(stream.timed for stream in inputs) and not all(stream.timed for stream in inputs):
            inputs = tuple(s.then("drop_times") if s.timed else s for s in inputs)
        return inputs[0].then("union", {}, *inputs[1:], name=name)

    def connect(self, *others: "DataStream[Any]") -> "ConnectedStreams":
        """Look at several streams side by side, each with a function of its own."""
        return ConnectedStreams((self, *others))

    def iterate(
        self,
        body: "Callable[[DataStream[T]], tuple[DataStream[T], DataStream[U]]]",
        *,
        max_rounds: int | None = None,
        name: str = "",
    ) -> "DataStream[U]":
        """Send records round a loop until they leave it.

        From what enters the loop, `body` makes two streams: what goes round once more, and what
        leaves. The head of the loop is one subtask. Once the input has ended, the job fails when
        there are more than `max_rounds` rounds until the loop is empty.
        """
        if max_rounds is not None:
            check_parallelism(max_rounds)
        head = self.then("iterate", {"max_rounds": max_rounds}, name=name)
        built = body(head)
        if not (isinstance(built, tuple) and len(built) == 2):
            raise ProgramError(
                "the body of iterate gave no pair of streams",
                hint="Return (again, done): what goes round once more, and what leaves the loop.",
            )
        again, done = built
        tail = again.then("identity", parallelism=1, name="back")  # its barriers come back in order
        self.graph.feedback.append((tail.ref, head.ref.operator))
        return done


class _Either:
    """0 where the predicate is true, else 1."""

    def __init__(self, predicate: Callable[[Any], object]) -> None:
        self._predicate = predicate

    def __call__(self, record: Any) -> int:
        return 0 if self._predicate(record) else 1


def _itself(record: Any) -> Any:
    return record


def _nothing(record: Any) -> None:
    return None
