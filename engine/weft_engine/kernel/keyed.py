"""Streams looked at by key."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from weft_engine.kernel.building import FrozenKey, Processes, Streamed, check_function
from weft_engine.kernel.durations import Duration, whole_milliseconds
from weft_engine.kernel.functions import ProcessFunction, ReduceFunction
from weft_engine.kernel.graph import Ship
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.running import Best, Counted, Summed, none, zero
from weft_engine.kernel.windowed import WindowedStream, check_window
from weft_engine.kernel.windows import Assigner, Count

if TYPE_CHECKING:
    from weft_engine.kernel.ends import StreamEnd
    from weft_engine.kernel.sinks.collect import Collected
    from weft_engine.kernel.stream import DataStream

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
K = TypeVar("K")
A = TypeVar("A")
J = TypeVar("J")

WindowJoinKind = Literal["inner", "left", "right", "outer"]


class KeyedStream(Generic[K, T]):
    """A stream looked at by key: all records of a key meet in one subtask, in their order.

    Functions have the key at hand as `context.key`, and state of their own for every key. Where
    keys come out at the end, they come in the order in which they were first seen.
    """

    __slots__ = ("key", "stream")

    def __init__(self, stream: Streamed, key: Callable[[Any], Any]) -> None:
        self.stream = stream
        self.key = key

    @property
    def ship(self) -> Ship:
        """How the records find their subtask."""
        return Ship("hash", self.key)

    def map(
        self,
        fn: Callable[[T], U] | Processes[T, U] | type[Processes[T, U]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Turn every record into another; records of one key go through the same object."""
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
        """Turn every record into any number of others."""
        params = {"fn": check_function(fn)}
        return self.then("flat_map", params, name=name, uid=uid, parallelism=parallelism)

    flatmap = flat_map

    def process(
        self,
        fn: ProcessFunction[T, U] | type[ProcessFunction[T, U]] | Callable[..., Any],
        *,
        sides: Iterable[str] = (),
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """Give every record to a `ProcessFunction`, with state and timers for its key.

        It may emit to side outputs whose names are given here, or are asked for by `side_output`.
        """
        params = {"fn": check_function(fn), "sides": tuple(sides)}
        more = {"outputs": 1 + len(params["sides"]), "parallelism": parallelism}
        return self.then("keyed_process", params, name=name, uid=uid, **more)

    # A result for every record

    def reduce(
        self,
        fn: Callable[[T, T], T] | ReduceFunction[T] | type[ReduceFunction[T]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[T]":
        """For every record, what all records of its key so far amount to, two at a time."""
        params = {"fn": check_function(fn)}
        return self.then("reduce_running", params, name=name, uid=uid, parallelism=parallelism)

    @overload
    def aggregate_running(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[tuple[K, A]]": ...

    @overload
    def aggregate_running(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: Callable[[K, A], U],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]": ...

    def aggregate_running(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: Callable[[K, A], Any] | None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """For every record, what the accumulator of its key amounts to now.

        Without `result`, the stream has pairs of key and accumulator; `add` must then not change
        the accumulator in place.
        """
        params = {"create": create, "add": check_function(add), "result": result}
        return self.then("aggregate_running", params, name=name, uid=uid, parallelism=parallelism)

    def count(self, *, name: str = "count", uid: str | None = None) -> "DataStream[tuple[K, int]]":
        """For every record, its key and how many there were so far."""
        return self.aggregate_running(zero, Counted(), name=name, uid=uid)

    def sum(
        self,
        of: Callable[[T], Any] | None = None,
        *,
        name: str = "sum",
        uid: str | None = None,
    ) -> "DataStream[tuple[K, Any]]":
        """For every record, its key and the sum so far, of the records or of something of them."""
        return self.aggregate_running(zero, Summed(of), name=name, uid=uid)

    def min(
        self,
        of: Callable[[T], Any] | None = None,
        *,
        name: str = "min",
        uid: str | None = None,
    ) -> "DataStream[tuple[K, Any]]":
        """For every record, its key and the least value so far."""
        return self.aggregate_running(none, Best(of, least=True), name=name, uid=uid)

    def max(
        self,
        of: Callable[[T], Any] | None = None,
        *,
        name: str = "max",
        uid: str | None = None,
    ) -> "DataStream[tuple[K, Any]]":
        """For every record, its key and the greatest value so far."""
        return self.aggregate_running(none, Best(of, least=False), name=name, uid=uid)

    # A result a key, at the end

    @overload
    def aggregate(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: None = None,
        *,
        name: str = "",
        uid: str | None = None,
    ) -> "DataStream[tuple[K, A]]": ...

    @overload
    def aggregate(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: Callable[[K, A], U],
        *,
        name: str = "",
        uid: str | None = None,
    ) -> "DataStream[U]": ...

    def aggregate(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: Callable[[K, A], Any] | None = None,
        *,
        name: str = "",
        uid: str | None = None,
    ) -> "DataStream[Any]":
        """Bring the records of every key together; holds one accumulator a key.

        Without `result`, the stream has pairs of key and accumulator.
        """
        params = {"key": self.key, "create": create, "add": add, "result": result}
        return self._at_end("aggregate", params, name=name, uid=uid)

    def reduce_all(
        self, fn: Callable[[T, T], T], *, name: str = "", uid: str | None = None
    ) -> "DataStream[T]":
        """Bring the records of every key together, two at a time."""
        params = {"key": self.key, "fn": fn}
        return self._at_end("reduce", params, name=name, uid=uid)

    # Windows, and joins over time

    def window(self, window: Assigner) -> WindowedStream[K, T]:
        """Cut the records of every key into windows."""
        return WindowedStream(self, window)

    def interval_join(
        self,
        right: "KeyedStream[K, U]",
        lower: Duration,
        upper: Duration,
        fn: Callable[[T, U], V],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[V]":
        """Combine records of the same key that are near in event time.

        A right record is a partner of a left one when its time is at least `lower` and at most
        `upper` after that of the left one; both may be negative.
        """
        low, high = signed(lower, "lower"), signed(upper, "upper")
        if low > high:
            raise ProgramError(
                f"an interval cannot go from {lower!r} to {upper!r}",
                hint="The lower end comes first; times before the left record are negative.",
            )
        self._check_times(right, "an interval join")
        params = {"lower_ms": low, "upper_ms": high, "fn": check_function(fn), "sides": ()}
        return self.then(
            "interval_join", params, right, name=name, uid=uid, parallelism=parallelism
        )

    def window_join(
        self,
        right: "KeyedStream[K, U]",
        window: Assigner,
        fn: Callable[[T, U], V],
        *,
        how: WindowJoinKind = "inner",
        allowed_lateness: Duration = 0,
        late_output: bool = False,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[V]":
        """Combine records of the same key and window; None stands for a partner there is not.

        A window is kept for `allowed_lateness` after its end; a record that comes meanwhile has
        all of its window's pairs emitted again, those with it among them. What is later still is
        counted, and goes to `side_output("late")` where `late_output` is set.
        """
        if how not in ("inner", "left", "right", "outer"):
            raise ProgramError(
                f"a join cannot be {how!r}", hint="It is inner, left, right or outer."
            )
        check_window(window, self.stream)
        check_window(window, right.stream)
        lateness_ms = whole_milliseconds(allowed_lateness, "allowed_lateness")
        if lateness_ms and isinstance(window, Count):
            raise ProgramError("windows by count know no lateness", hint="Use windows by time.")
        params = {
            "assigner": window,
            "fn": check_function(fn),
            "how": how,
            "lateness_ms": lateness_ms,
            "sides": ("late",) if late_output else (),
        }
        outputs = 2 if late_output else 1
        more: dict[str, Any] = {"name": name, "uid": uid, "parallelism": parallelism}
        return self.then("window_join", params, right, outputs=outputs, **more)

    # As if it had no key

    def assign_timestamps(self, fn: Callable[[T], int], **options: Any) -> "DataStream[T]":
        """Give the records their event time; what comes of it has no key any more."""
        return self._plain.assign_timestamps(fn, **options)

    def print(self, prefix: str = "", *, name: str = "print") -> "StreamEnd":
        """Print every record on a line of its own."""
        return self._plain.print(prefix, name=name)

    def sink(self, sink: Any, **options: Any) -> "StreamEnd":
        """Give the records to a sink, or every one to a function."""
        return self._plain.sink(sink, **options)

    def for_each(self, fn: Any, **options: Any) -> "StreamEnd":
        """Call a function with every record."""
        return self._plain.for_each(fn, **options)

    def collect(self, *, name: str = "collect") -> "Collected[T]":
        """Keep the records in memory; `get()` gives them once the job has ended."""
        return self._plain.collect(name=name)

    def execute_and_collect(self) -> list[T]:
        """Run what this stream needs, and wait for its records."""
        return self._plain.execute_and_collect()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say why there is no such method."""
            raise AttributeError(
                f"a stream looked at by key has no {name!r}: what is about the operator before it"
                " belongs in front of key_by(), and everything else behind a keyed operator,"
                " such as map(), process() or count()"
            )

    @property
    def _plain(self) -> "DataStream[T]":
        return cast("DataStream[T]", self.stream)

    def then(
        self, kind: str, params: dict[str, Any], *others: "KeyedStream[Any, Any]", **more: Any
    ) -> "DataStream[Any]":
        """Put a keyed operator behind this stream and others."""
        ships = (self.ship, *(other.ship for other in others))
        streams = (other.stream for other in others)
        return self.stream.then(kind, params, *streams, ships=ships, **more)

    def _at_end(self, kind: str, params: dict[str, Any], **more: Any) -> "DataStream[Any]":
        ships = (Ship("hash", FrozenKey(self.key)),)
        return self.stream.then(kind, params, ships=ships, **more)

    def _check_times(self, right: "KeyedStream[Any, Any]", what: str) -> None:
        for stream in (self.stream, right.stream):
            if not stream.timed:
                raise ProgramError(
                    f"{what} needs event times, and {stream.vertex.name!r} has none",
                    hint="Call assign_timestamps() before key_by().",
                )


def signed(value: Duration, what: str) -> int:
    """Whole milliseconds that may be negative; text may begin with a minus."""
    if isinstance(value, str) and value.strip().startswith("-"):
        return -whole_milliseconds(value.strip()[1:], what)
    return whole_milliseconds(value, what, least=-(2**53))
