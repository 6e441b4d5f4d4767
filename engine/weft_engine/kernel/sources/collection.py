"""Records that are in memory already."""

import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, Generic, TypeVar

from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.sources.iterable import FactorySource

T = TypeVar("T")

PARTS: Final = 64
"""Into how many parts a sequence is cut at most; bounds how many subtasks can read it."""


class CollectionSource(Source[T]):
    """A sequence, read in contiguous parts; it is neither copied nor changed.

    Read by one subtask, its order is kept. A range is never spelt out.
    """

    def __init__(self, records: Sequence[T], parts: int = PARTS) -> None:
        self.records = records
        self._parts = parts

    def splits(self) -> Sequence[Any]:
        count = len(self.records)
        parts = max(1, min(self._parts, count))
        marks = [count * index // parts for index in range(parts + 1)]
        return list(pairwise(marks))

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        start, stop = split
        return _SliceReader(self.records, start if position is None else position, stop)

    def iterable(self) -> Iterable[T]:
        """All records in order, for who reads them in one go."""
        return self.records


class _SliceReader:
    """Reads from one index up to another."""

    def __init__(self, records: Sequence[Any], at: int, stop: int) -> None:
        self._records = records
        self._at = at
        self._stop = stop

    def read(self, limit: int) -> list[Any] | None:
        if self._at >= self._stop:
            return None
        start, self._at = self._at, min(self._at + limit, self._stop)
        return list(self._records[start : self._at])

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


def collection(records: Iterable[T]) -> Source[T]:
    """The source of a collection: in parts if it is a sequence.

    What has no order of its own, such as a set, is given one here: a position would mean something
    else in another process. An iterator is remembered as far as it was read.
    """
    if isinstance(records, Sequence) and not isinstance(records, deque):
        return CollectionSource(records)
    if isinstance(records, Collection):
        return CollectionSource(list(records))
    if isinstance(records, Iterator):
        records = _Remembered(records)
    return FactorySource(lambda: records)


class _Remembered(Generic[T]):
    """An iterator that can be read from its beginning any number of times, in several threads."""

    def __init__(self, rest: Iterator[T]) -> None:
        self._rest = rest
        self._seen: list[T] = []
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        at = 0
        while at < len(self._seen) or self._more(at):
            yield self._seen[at]
            at += 1

    def __reduce__(self) -> Any:
        return (list, (list(self),))

    def _more(self, at: int) -> bool:
        with self._lock:
            if at == len(self._seen):
                try:
                    self._seen.append(next(self._rest))
                except StopIteration:
                    return False
            return True
