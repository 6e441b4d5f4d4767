"""What an iterable gives, read bit by bit."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from weft_engine.kernel.connectors import Reader, ReaderContext, Source

T = TypeVar("T")

_SLOW_S: Final = 0.005


class FactorySource(Source[T]):
    """What the iterable of a function gives; the function is called when reading begins.

    After a restart it is called again and as many records are passed over as were read before, so
    it must give the same ones; say `replayable=False` where it does not. `next()` should not wait
    for long: checkpoints wait for it too. What waits belongs into an async generator.
    """

    def __init__(
        self,
        factory: Callable[[], Iterable[T]],
        *,
        bounded: bool = True,
        replayable: bool = True,
    ) -> None:
        self.iterable = factory
        self.bounded = bounded
        self.replayable = replayable

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        rest = iter(self.iterable())
        skip = position or 0
        for _ in islice(rest, skip):
            pass
        return IteratorReader(rest, skip)


class IteratorReader(Generic[T]):
    """Reads an iterator: as much at a time as comes within some milliseconds."""

    def __init__(self, rest: Iterator[T], count: int = 0) -> None:
        self._rest = rest
        self._count = count
        self._size = 16
        self._error: Exception | None = None

    def read(self, limit: int) -> list[T] | None:
        if self._error is not None:
            raise self._error
        began = time.monotonic()
        part: list[T] = []
        try:
            part.extend(islice(self._rest, min(self._size, limit)))
        except Exception as exc:
            if not part:
                raise
            self._error = exc  # after the records that came before it
        took = time.monotonic() - began
        self._size = max(self._size // 2, 1) if took > _SLOW_S else min(self._size * 2, 2**16)
        self._count += len(part)
        return part or None

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        if hasattr(self._rest, "close"):
            self._rest.close()
