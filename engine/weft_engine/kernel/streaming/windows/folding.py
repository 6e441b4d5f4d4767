"""How the records of a window are brought together, and what comes of them."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal, Protocol

from weft_engine.kernel.functions import AggregateFunction, instantiate
from weft_engine.kernel.state.frozen import is_plain
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    open_function,
)
from weft_engine.kernel.windows import Window

How = Literal["reduce", "aggregate", "process"]
Results = Callable[[Any, Window, Any], Any]


class Folding(Protocol):
    """Accumulators and their results."""

    mergeable: bool
    """Whether two accumulators can be made one."""

    def open(self, context: RecordContext) -> None:
        """Prepare the functions."""

    def create(self) -> Any:
        """An accumulator with nothing in it; not used when there is only `first`."""
        ...

    def add(self, held: Any, value: Any) -> Any:
        """The accumulator with one more record in it; it may be changed in place."""
        ...

    def merge(self, one: Any, other: Any) -> Any:
        """Both in one; the first may be changed in place."""
        ...

    def fresh(self, held: Any) -> Any:
        """Another accumulator of the same, to merge more into."""
        ...

    def results(self, key: Any, window: Window, held: Any) -> list[Any]:
        """The records to emit, which must not change when the accumulator does."""
        ...

    def close(self) -> None:
        """Let go of the functions."""


class _Empty:
    """An accumulator of `reduce` with nothing in it."""

    def __reduce__(self) -> str:
        return "_EMPTY"


_EMPTY = _Empty()


class Reducing:
    """Two records become one."""

    mergeable = True

    def __init__(self, fn: Any, result: Results | None) -> None:
        self._fn, self._made = instantiate(fn)
        self._result = result

    def open(self, context: RecordContext) -> None:
        """Prepare the function."""
        open_function(self._made, context)

    def create(self) -> Any:
        """Nothing yet."""
        return _EMPTY

    def add(self, held: Any, value: Any) -> Any:
        """The first record as it is, then two at a time."""
        return value if held is _EMPTY else self._fn(held, value)

    def merge(self, one: Any, other: Any) -> Any:
        """What two records are to become."""
        return self._fn(one, other)

    def fresh(self, held: Any) -> Any:
        """A copy, where the function could change it."""
        return _apart(held)

    def results(self, key: Any, window: Window, held: Any) -> list[Any]:
        """What all records have become."""
        held = _apart(held)
        return [held if self._result is None else self._result(key, window, held)]

    def close(self) -> None:
        """Let go of the function."""
        close_function(self._made)


class Aggregating:
    """An `AggregateFunction`."""

    def __init__(self, fn: Any, result: Results | None) -> None:
        self.add, self._made = instantiate(fn, "add")
        self.create = self._made.create
        self._finish = self._made.result
        self._result = result
        own = getattr(type(self._made), "merge", None) is not AggregateFunction.merge
        self.mergeable: bool = getattr(self._made, "mergeable", own and hasattr(fn, "merge"))

    def open(self, context: RecordContext) -> None:
        """Prepare the function."""
        open_function(self._made, context)

    def merge(self, one: Any, other: Any) -> Any:
        """Both in one."""
        return self._made.merge(one, other)

    def fresh(self, held: Any) -> Any:
        """One with the same in it."""
        made = self.merge(self.create(), held)
        return _apart(made) if made is held else made

    def results(self, key: Any, window: Window, held: Any) -> list[Any]:
        """What the accumulator amounts to."""
        value = self._finish(held)
        if value is held:
            value = _apart(value)
        return [value if self._result is None else self._result(key, window, value)]

    def close(self) -> None:
        """Let go of the function."""
        close_function(self._made)


class Listing:
    """All records, for a function of key, window and list."""

    mergeable = True

    def __init__(self, fn: Any) -> None:
        self._fn, self._made = instantiate(fn)

    def open(self, context: RecordContext) -> None:
        """Prepare the function."""
        open_function(self._made, context)

    def create(self) -> Any:
        """An empty list."""
        return []

    def add(self, held: Any, value: Any) -> Any:
        """One more."""
        held.append(value)
        return held

    def merge(self, one: Any, other: Any) -> Any:
        """One list behind the other."""
        one += other
        return one

    def fresh(self, held: Any) -> Any:
        """A copy of the list."""
        return list(held)

    def results(self, key: Any, window: Window, held: Any) -> list[Any]:
        """What the function makes of them."""
        return list(self._fn(key, window, list(held)) or ())

    def close(self) -> None:
        """Let go of the function."""
        close_function(self._made)


class Joining:
    """The records of two inputs, in pairs; records come as pairs of input and value."""

    mergeable = True

    def __init__(self, fn: Any, how: str) -> None:
        self._fn, self._made = instantiate(fn)
        self._left = how in ("left", "outer")
        self._right = how in ("right", "outer")

    def open(self, context: RecordContext) -> None:
        """Prepare the function."""
        open_function(self._made, context)

    def create(self) -> Any:
        """A list for each side."""
        return ([], [])

    def add(self, held: Any, value: Any) -> Any:
        """One more on its side."""
        port, record = value
        held[port].append(record)
        return held

    def merge(self, one: Any, other: Any) -> Any:
        """Side by side."""
        one[0].extend(other[0])
        one[1].extend(other[1])
        return one

    def fresh(self, held: Any) -> Any:
        """A copy of both lists."""
        return (list(held[0]), list(held[1]))

    def results(self, key: Any, window: Window, held: Any) -> list[Any]:
        """All pairs; None for a partner there is not."""
        lefts = held[0] or ([None] if self._right else [])
        rights = held[1] or ([None] if self._left else [])
        return [self._fn(left, right) for left in lefts for right in rights]

    def close(self) -> None:
        """Let go of the function."""
        close_function(self._made)


def make_folding(how: How, fn: Any, result: Results | None) -> Folding:
    """What the parameters of a `window` operator ask for."""
    if how == "reduce":
        return Reducing(fn, result)
    if how == "aggregate":
        return Aggregating(fn, result)
    return Listing(fn)


def _apart(value: Any) -> Any:
    return value if is_plain(value) else deepcopy(value)
