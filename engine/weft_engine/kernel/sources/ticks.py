"""A record every so often."""

from typing import Any

from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.durations import Duration, whole_milliseconds
from weft_engine.kernel.program_errors import ProgramError


class TickSource(Source[int]):
    """The numbers 0, 1, 2 and so on, one after every interval of processing time.

    What could not be emitted in time is made up for: no number is left out. After a restart it
    goes on with the next number, from then on.
    """

    def __init__(self, interval: Duration, *, count: int | None = None) -> None:
        self._interval_ms = whole_milliseconds(interval, "the interval", least=1)
        if count is not None and count < 0:
            raise ProgramError(f"there cannot be {count} ticks")
        self._count = count
        self.bounded = count is not None

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        return _Ticking(self._interval_ms, self._count, position or 0, context)


class _Ticking:
    """A clock that is asked what has struck."""

    def __init__(
        self, interval_ms: int, count: int | None, next_: int, context: ReaderContext
    ) -> None:
        self._interval_ms = interval_ms
        self._count = count
        self._next = next_
        self._context = context
        self._began = context.now() - next_ * interval_ms

    def read(self, limit: int) -> list[int] | None:
        if self._count is not None and self._next >= self._count:
            return None
        due = (self._context.now() - self._began) // self._interval_ms
        if self._count is not None:
            due = min(due, self._count)
        start, self._next = self._next, max(self._next, min(due, self._next + limit))
        return list(range(start, self._next))

    def due(self) -> int:
        """When the next one strikes."""
        return self._began + (self._next + 1) * self._interval_ms

    def position(self) -> int:
        return self._next

    def close(self) -> None:
        pass
