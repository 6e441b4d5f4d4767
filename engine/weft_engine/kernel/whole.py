"""Operators that look at a stream as a whole: most wait for its end, in one subtask."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from weft_engine.kernel.building import FrozenKey, Streamed, check_key
from weft_engine.kernel.custom import JoinKind, Process, SortKey
from weft_engine.kernel.graph import NO_PARAMS, Ship

if TYPE_CHECKING:
    from weft_engine.kernel.stream import DataStream

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
A = TypeVar("A")


class Whole(Streamed, Generic[T]):
    """The part of `DataStream` that is about whole streams."""

    __slots__ = ()

    def operate(self, factory: Callable[[], Process[T, U]], *, name: str = "") -> "DataStream[U]":
        """Run an operator of one's own, made by the factory for every run."""
        return self._one("process", {"factory": factory}, name)

    def limit(self, count: int, *, name: str = "") -> "DataStream[T]":
        """Keep the first records, and stop reading what nobody else needs."""
        return self._one("limit", {"count": count}, name)

    def distinct(self, key: Callable[[T], Any] | None = None, *, name: str = "") -> "DataStream[T]":
        """Keep the first record of every key; holds the keys seen."""
        ships = (Ship("hash", FrozenKey(key or _itself)),)
        return self.then("distinct", {"key": key}, name=name, ships=ships)

    def sort(
        self,
        key: Callable[[T], Any] | Sequence[SortKey] | None = None,
        *,
        descending: bool = False,
        name: str = "",
    ) -> "DataStream[T]":
        """Sort, stably, by one key or several with their own direction; holds every record.

        Values of different kinds are ordered by kind; null always comes last.
        """
        keys = key if isinstance(key, Sequence) else [(key or _itself, descending)]
        return self._one("sort", {"keys": tuple(keys)}, name)

    def fold(
        self,
        create: Callable[[], A],
        add: Callable[[A, T], A],
        result: Callable[[A], U] | None = None,
        *,
        name: str = "",
    ) -> "DataStream[U]":
        """Bring all records together into exactly one, also when there are none."""
        return self._one("fold", {"create": create, "add": add, "result": result}, name)

    def to_list(self, *, name: str = "") -> "DataStream[list[T]]":
        """Bring all records into one list."""
        return self._one("collect", NO_PARAMS, name)

    def process_all(
        self, fn: Callable[[list[T]], Iterable[U]], *, name: str = ""
    ) -> "DataStream[U]":
        """Turn the list of all records into others; holds every record."""
        return self.to_list(name=name).flat_map(fn, name=name)

    def join(
        self,
        right: "DataStream[U]",
        left_key: Callable[[T], Any],
        right_key: Callable[[U], Any],
        combine: Callable[[T | None, U | None], V],
        *,
        how: JoinKind = "inner",
        name: str = "",
    ) -> "DataStream[V]":
        """Combine records whose keys are equal; holds the right side.

        Results follow the order of the left side, and within it that of the right. Right records
        without a partner come last. With more than one subtask that is so for the records of a key.
        A null key has no partner. What comes from the left before the right side has ended is held
        as well.
        """
        params: Mapping[str, Any] = {
            "left_key": check_key(left_key),
            "right_key": check_key(right_key),
            "combine": combine,
            "how": how,
        }
        ships = (Ship("hash", FrozenKey(left_key)), Ship("hash", FrozenKey(right_key)))
        return self.then("join", params, right, name=name, ships=ships)

    def concat(self, *others: "DataStream[T]", name: str = "") -> "DataStream[T]":
        """All records of this stream, then all of the next, and so on."""
        return self._one("concat", NO_PARAMS, name, *others)

    def first_of(
        self,
        *others: "DataStream[T]",
        left_out: Callable[[int], None] | None = None,
        name: str = "",
    ) -> "DataStream[T]":
        """The first of several streams that has a record; nothing of the others.

        First is by their order here, not by time. `left_out` is told at the end how many records
        of the others there were, if any.
        """
        return self._one("first_of", {"left_out": left_out}, name, *others)

    def zip(self, other: "DataStream[U]", *, name: str = "") -> "DataStream[tuple[T, U]]":
        """Pair the records of two streams of the same length by position."""
        return self._one("zip", NO_PARAMS, name, other)

    def _one(
        self, kind: str, params: Mapping[str, Any], name: str, *others: "DataStream[Any]"
    ) -> "DataStream[Any]":
        """An operator that must see everything, and so runs as one subtask."""
        return self.then(kind, params, *others, name=name, parallelism=1)


def _itself(record: Hashable) -> Hashable:
    return record
