"""Streams cut into windows."""

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from weft_engine.kernel.building import Streamed, check_function
from weft_engine.kernel.durations import Duration, whole_milliseconds
from weft_engine.kernel.functions import AggregateFunction, ReduceFunction
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.running import Best, Counted, Summed, none, zero
from weft_engine.kernel.windows import LATE, Assigner, Count, Global, Session, Window, needs_times

if TYPE_CHECKING:
    from weft_engine.kernel.stream import DataStream

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
K = TypeVar("K")
A = TypeVar("A")


class Keyed(Protocol):
    """What windows are put behind: a `KeyedStream`."""

    stream: Streamed

    def then(self, kind: str, params: dict[str, Any], **more: Any) -> "DataStream[Any]":
        """Put a keyed operator behind it."""
        ...


class WindowedStream(Generic[K, T]):
    """The records of every key, cut into windows.

    The event time of a result is the last millisecond of its window. Records that come when their
    window is over (by the watermark, and `allowed_lateness`) are late: they are counted, and go to
    `side_output("late")` of the result.
    """

    __slots__ = ("_early_ms", "_keyed", "_late", "_lateness_ms", "_parallelism", "_window")

    def __init__(self, keyed: Keyed, window: Assigner, *, parallelism: int | None = None) -> None:
        check_window(window, keyed.stream)
        self._keyed = keyed
        self._window = window
        self._parallelism = parallelism
        self._lateness_ms = 0
        self._late = False
        self._early_ms: int | None = None

    def allowed_lateness(self, lateness: Duration) -> "WindowedStream[K, T]":
        """Keep windows so much longer; a record that comes then gives a corrected result."""
        if isinstance(self._window, Count | Global):
            raise ProgramError("windows by count know no lateness", hint="Use windows by time.")
        changed = copy.copy(self)
        changed._lateness_ms = whole_milliseconds(lateness, "allowed_lateness")  # noqa: SLF001
        return changed

    def late_output(self) -> "WindowedStream[K, T]":
        """Keep late records for `side_output("late")` of the result."""
        changed = copy.copy(self)
        changed._late = True  # noqa: SLF001 - its own copy
        return changed

    def early(self, every: Duration) -> "WindowedStream[K, T]":
        """Give results before a window is over, as often as that while records come."""
        if isinstance(self._window, Count | Global):
            raise ProgramError("only windows by time have early results")
        changed = copy.copy(self)
        changed._early_ms = whole_milliseconds(every, "every", least=1)  # noqa: SLF001
        return changed

    @overload
    def reduce(
        self,
        fn: Callable[[T, T], T] | ReduceFunction[T] | type[ReduceFunction[T]],
        result: None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[T]": ...

    @overload
    def reduce(
        self,
        fn: Callable[[T, T], T] | ReduceFunction[T] | type[ReduceFunction[T]],
        result: Callable[[K, Window, T], V],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[V]": ...

    def reduce(
        self,
        fn: Callable[[T, T], T] | ReduceFunction[T] | type[ReduceFunction[T]],
        result: Callable[[K, Window, T], Any] | None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """One record a window, two brought together at a time."""
        return self._then("reduce", check_function(fn), result, name, uid, parallelism)

    @overload
    def aggregate(
        self,
        fn: AggregateFunction[T, A, U] | type[AggregateFunction[T, A, U]],
        result: None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[tuple[K, U]]": ...

    @overload
    def aggregate(
        self,
        fn: AggregateFunction[T, A, U] | type[AggregateFunction[T, A, U]],
        result: Callable[[K, Window, U], V],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[V]": ...

    def aggregate(
        self,
        fn: AggregateFunction[T, A, U] | type[AggregateFunction[T, A, U]],
        result: Callable[[K, Window, U], Any] | None = None,
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """What an accumulator amounts to at the end of its window; pairs with the key.

        `result` makes something else of the key, the window and the value.
        """
        wanted: tuple[str, ...] = ("create", "add", "result")
        if isinstance(self._window, Session):
            wanted = (*wanted, "merge")
        if not all(hasattr(fn, method) for method in wanted):
            raise ProgramError(
                f"{fn!r} is no aggregate", hint="Give an AggregateFunction, or use fold()."
            )
        return self._then("aggregate", fn, result or pair, name, uid, parallelism)

    @overload
    def fold(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        merge: Callable[[A, A], A] | None = None,
        *,
        result: None = None,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[tuple[K, A]]": ...

    @overload
    def fold(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        merge: Callable[[A, A], A] | None = None,
        *,
        result: Callable[[K, Window, A], V],
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[V]": ...

    def fold(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        merge: Callable[[A, A], A] | None = None,
        *,
        result: Callable[[K, Window, A], Any] | None = None,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """The same with functions; `merge` is needed for sessions, which may grow together."""
        if merge is None and isinstance(self._window, Session):
            raise ProgramError("sessions grow together", hint="Give merge= as well.")
        fn = Aggregated(create, add, merge)
        return self._then("aggregate", fn, result or pair, name, uid, parallelism)

    def process(
        self,
        fn: Callable[[K, Window, list[T]], Iterable[U]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[U]":
        """What a function makes of the key, the window and all its records; holds them."""
        return self._then("process", check_function(fn), None, name, uid, parallelism)

    def count(self, *, name: str = "count", uid: str | None = None) -> "DataStream[tuple[K, int]]":
        """How many records there were a key and window."""
        fn = Aggregated(zero, Counted(), int.__add__)
        return self._then("aggregate", fn, pair, name, uid, None)

    def sum(
        self,
        of: Callable[[T], Any] | None = None,
        *,
        name: str = "sum",
        uid: str | None = None,
    ) -> "DataStream[tuple[K, Any]]":
        """The sum of the records, or of something of them, a key and window."""
        return self._then("aggregate", Aggregated(zero, Summed(of), plus), pair, name, uid, None)

    def min(
        self, of: Callable[[T], Any] | None = None, *, name: str = "min", uid: str | None = None
    ) -> "DataStream[tuple[K, Any]]":
        """The least of the records, or of something of them, a key and window."""
        return self._best(Best(of, least=True), name, uid)

    def max(
        self, of: Callable[[T], Any] | None = None, *, name: str = "max", uid: str | None = None
    ) -> "DataStream[tuple[K, Any]]":
        """The greatest of the records, or of something of them, a key and window."""
        return self._best(Best(of, least=False), name, uid)

    def _best(self, best: Best, name: str, uid: str | None) -> "DataStream[Any]":
        return self._then("aggregate", Aggregated(none, best, best.better), pair, name, uid, None)

    def _then(
        self,
        how: str,
        fn: Any,
        result: Callable[..., Any] | None,
        name: str,
        uid: str | None,
        parallelism: int | None,
    ) -> "DataStream[Any]":
        params = {
            "assigner": self._window,
            "how": how,
            "fn": fn,
            "result": result,
            "lateness_ms": self._lateness_ms,
            "sides": (LATE,) if self._late else (),
        }
        if self._early_ms is not None:
            params["early_ms"] = self._early_ms
        return self._keyed.then(
            "window",
            params,
            name=name,
            uid=uid,
            parallelism=self._parallelism or parallelism,
            outputs=2 if self._late else 1,
        )


class Aggregated(AggregateFunction[Any, Any, Any]):
    """An aggregate made of functions."""

    def __init__(
        self,
        create: Callable[[], Any],
        add: Callable[[Any, Any], Any],
        merge: Callable[[Any, Any], Any] | None,
    ) -> None:
        self._create = create
        self._add = add
        self._merge = merge
        self.mergeable = merge is not None

    def create(self) -> Any:
        return self._create()

    def add(self, accumulator: Any, value: Any) -> Any:
        return self._add(accumulator, value)

    def result(self, accumulator: Any) -> Any:
        return accumulator

    def merge(self, one: Any, other: Any) -> Any:
        if self._merge is None:
            return super().merge(one, other)
        return self._merge(one, other)


def pair(key: Any, window: Window, value: Any) -> tuple[Any, Any]:
    """The key and what its window amounts to."""
    return (key, value)


def plus(one: Any, other: Any) -> Any:
    """The sum of two sums."""
    return one + other


def check_window(window: Assigner, stream: Streamed) -> None:
    """Windows by event time need event times.

    Raises:
        ProgramError: when the stream has none.
    """
    if not isinstance(window, Assigner):
        raise ProgramError(
            f"{window!r} is no window", hint="Use Tumbling, Sliding, Session, Count or Global."
        )
    if needs_times(window) and not stream.timed:
        raise ProgramError(
            f"windows by event time need event times, and {stream.vertex.name!r} has none",
            hint='Call assign_timestamps() before key_by(), or give the window time="processing".',
        )
