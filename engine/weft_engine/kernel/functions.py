"""Functions of a program: plain ones, and objects with a life in every subtask."""

import copy
import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


class ValueState(Protocol[T]):
    """One value of the current key."""

    def value(self) -> T:
        """The value; the default given with the state when there is none."""
        ...

    def update(self, value: T) -> None:
        """Set it. A value that was handed over must not be changed afterwards."""

    def clear(self) -> None:
        """Take it out."""


class ListState(Protocol[T]):
    """A list of the current key."""

    def get(self) -> list[T]:
        """A copy of the list."""
        ...

    def add(self, value: T) -> None:
        """Append to it."""

    def extend(self, values: Iterable[T]) -> None:
        """Append several."""

    def update(self, values: Iterable[T]) -> None:
        """Replace it."""

    def clear(self) -> None:
        """Empty it."""


class MapState(Protocol[T, U]):
    """A dict of the current key."""

    def get(self, name: T, default: Any = None) -> U | Any:
        """One of its values."""

    def put(self, name: T, value: U) -> None:
        """Set one of its values."""

    def remove(self, name: T) -> None:
        """Take one out, if it is there."""

    def items(self) -> list[tuple[T, U]]:
        """What it holds."""
        ...

    def clear(self) -> None:
        """Empty it."""


class ReducingState(Protocol[T]):
    """One value of the current key, made of all that was added."""

    def get(self) -> T | None:
        """The value so far."""
        ...

    def add(self, value: T) -> None:
        """Bring one more in."""

    def clear(self) -> None:
        """Begin anew."""


class States(Protocol):
    """The keyed states of a function; ask for them in `open` or at any time."""

    def value(
        self, name: str, default: Any = None, *, ttl_s: float | None = None
    ) -> ValueState[Any]:
        """A value a key."""
        ...

    def list(self, name: str, *, ttl_s: float | None = None) -> ListState[Any]:
        """A list a key."""
        ...

    def map(self, name: str, *, ttl_s: float | None = None) -> MapState[Any, Any]:
        """A dict a key."""
        ...

    def reducing(
        self, name: str, fn: Callable[[Any, Any], Any], *, ttl_s: float | None = None
    ) -> ReducingState[Any]:
        """A value a key, brought together two at a time."""
        ...


class FunctionContext(Protocol):
    """What a function is given in `open`, and may use until `close`."""

    name: str
    """The operator's name."""
    job: str
    subtask: int
    parallelism: int
    logger: logging.LoggerAdapter[logging.Logger]
    state: States
    key: Any
    """The key of the record at hand, on a keyed stream."""
    timestamp: int | None
    """The event time of the record at hand, in milliseconds since 1970."""
    tag: Any
    """In `on_timer`: what the timer was set with."""

    def now(self) -> int:
        """Processing time, in milliseconds since 1970."""
        ...

    def watermark(self) -> int:
        """Event time as far as it is known to have come."""
        ...

    def emit(self, value: Any, *, side: str | None = None, timestamp: int | None = None) -> None:
        """Send a record on, or to a side output."""

    def set_timer(self, time: int, *, processing: bool = False, tag: Any = None) -> None:
        """Have `on_timer` called for this key when the time has come."""

    def delete_timer(self, time: int, *, processing: bool = False, tag: Any = None) -> None:
        """Take a timer back."""

    def get_config(self, name: str, default: Any = None) -> Any:
        """A value of the environment's configuration."""

    def call_service(self, service: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service and wait for its answer."""

    def call_service_async(self, service: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service; gives a `concurrent.futures.Future`."""


class BaseFunction:
    """A function with a life of its own: copied for every subtask, opened before its first record.

    `self.context` is the `FunctionContext` from `open` on.
    """

    context: FunctionContext

    def open(self, context: FunctionContext) -> None:
        """Prepare: load a model, connect to a service, ask for state."""

    def close(self) -> None:
        """Let go of everything; always called."""


class MapFunction(BaseFunction, Generic[T, U]):
    """One record becomes another."""

    def process(self, value: T) -> U:
        """What the record becomes."""
        raise NotImplementedError


class FilterFunction(BaseFunction, Generic[T]):
    """Records are kept or not."""

    def process(self, value: T) -> object:
        """Whether to keep it: what is true, is kept."""
        raise NotImplementedError


class FlatMapFunction(BaseFunction, Generic[T, U]):
    """One record becomes any number of others."""

    def process(self, value: T) -> Iterable[U]:
        """What the record becomes; None for nothing."""
        raise NotImplementedError


class ReduceFunction(BaseFunction, Generic[T]):
    """Two records become one."""

    def process(self, held: T, value: T) -> T:
        """Both in one."""
        raise NotImplementedError


class SinkFunction(BaseFunction, Generic[T]):
    """Where records go."""

    def process(self, value: T) -> object:
        """Take a record; what is returned is ignored."""
        raise NotImplementedError


class ProcessFunction(BaseFunction, Generic[T, U]):
    """Keyed state, timers, several outputs."""

    def process(self, value: T, context: FunctionContext) -> Iterable[U] | None:
        """What the record becomes; it may also be emitted through the context."""
        raise NotImplementedError

    def on_timer(self, time: int, context: FunctionContext) -> Iterable[U] | None:
        """A timer of `context.key` has fired."""
        return None


class CoMapFunction(BaseFunction, Generic[T, U, V]):
    """Records of two streams become records of one."""

    def map1(self, value: T) -> V:
        """What a record of the first stream becomes."""
        raise NotImplementedError

    def map2(self, value: U) -> V:
        """What a record of the second stream becomes."""
        raise NotImplementedError


class CoFlatMapFunction(BaseFunction, Generic[T, U, V]):
    """Records of two streams become any number of records of one."""

    def flat_map1(self, value: T) -> Iterable[V]:
        """What a record of the first stream becomes."""
        raise NotImplementedError

    def flat_map2(self, value: U) -> Iterable[V]:
        """What a record of the second stream becomes."""
        raise NotImplementedError


class CoProcessFunction(BaseFunction, Generic[T, U, V]):
    """Two streams that share keyed state and timers."""

    def process1(self, value: T, context: FunctionContext) -> Iterable[V] | None:
        """What a record of the first stream becomes."""
        raise NotImplementedError

    def process2(self, value: U, context: FunctionContext) -> Iterable[V] | None:
        """What a record of the second stream becomes."""
        raise NotImplementedError

    def on_timer(self, time: int, context: FunctionContext) -> Iterable[V] | None:
        """A timer of `context.key` has fired."""
        return None


class StopSignal:
    """What a polled source returns when it has nothing more, ever; the class will do as well."""

    __slots__ = ("name",)

    def __init__(self, name: str = "") -> None:
        self.name = name
        """Which end it is, for people."""

    def __repr__(self) -> str:
        return f"StopSignal({self.name!r})" if self.name else "StopSignal()"


class SourceFunction(BaseFunction, Generic[T]):
    """A source that is asked for one record at a time, by one subtask."""

    def process(self) -> T | StopSignal | type[StopSignal] | None:
        """A record; None when there is none right now; a `StopSignal` at the end."""
        raise NotImplementedError


class AggregateFunction(BaseFunction, Generic[T, U, V]):
    """Records are brought together in an accumulator."""

    def create(self) -> U:
        """An accumulator with nothing in it."""
        raise NotImplementedError

    def add(self, accumulator: U, value: T) -> U:
        """The accumulator with one more record in it."""
        raise NotImplementedError

    def result(self, accumulator: U) -> V:
        """What it amounts to."""
        raise NotImplementedError

    def merge(self, one: U, other: U) -> U:
        """Both in one; needed for session windows."""
        raise NotImplementedError


def applied(fn: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """What a function gives for every value.

    Raises:
        RuntimeError: when it raises StopIteration, which `map` takes for the end of the values, so
            that the rest would be lost. (Generators do the same, by PEP 479.)
    """
    found = list(map(fn, values))
    if len(found) < len(values):
        raise RuntimeError("the function raised StopIteration")
    return found


def instantiate(fn: Any, method: str = "process") -> tuple[Callable[..., Any], Any]:
    """A function for one subtask: what to call, and the object to open and close, if any.

    Objects are copied and classes called, so that no two subtasks share one; plain functions and
    methods of other objects are used as they are.

    Raises:
        TypeError: when it cannot be called.
    """
    if inspect.isclass(fn) and hasattr(fn, method):
        made = fn()
        return getattr(made, method), made
    if hasattr(fn, method) and not inspect.isroutine(fn):
        made = copy.deepcopy(fn)
        return getattr(made, method), made
    if callable(fn):
        return fn, None
    raise TypeError(f"{fn!r} is neither a function nor an object with {method}()")
