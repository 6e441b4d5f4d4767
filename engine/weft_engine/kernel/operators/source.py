"""Where streams come from."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

from weft_engine.kernel.batch import Batch as TimedBatch
from weft_engine.kernel.connectors import Source
from weft_engine.kernel.operators.base import Batch, Emission, Pulled, RecordError
from weft_engine.kernel.operators.waiting import timed_out

_FIRST_SIZE: Final = 16
_SLOW_S: Final = 0.02
_FAST_S: Final = 0.002


class IterableSource(Pulled):
    """Reads an iterable bit by bit: as much at a time as comes within some milliseconds."""

    def __init__(
        self,
        factory: Callable[[], Iterable[Any]] | None = None,
        source: Source[Any] | None = None,
    ) -> None:
        self._factory = factory or partial(_records, source)
        self._rest: Iterator[Any] | None = None
        self._size = _FIRST_SIZE
        self._error: Exception | None = None
        self._emitted = 0
        self._attempt = 1
        self._busy_s = 0.0

    def pull(self) -> Emission | None:
        if self._error is not None:
            return self._fail(self._error)
        began = time.monotonic()
        part = self._read(min(self._size, self.context.batch_size))
        seconds = time.monotonic() - began
        self._adapt(seconds)
        self._spend(seconds)
        if part:
            self._emitted += len(part)
            return self.emit(part)
        return self._fail(self._error) if self._error is not None else None

    def emit(self, part: Batch) -> Emission:
        """By which output a batch leaves."""
        return ((0, part),)

    def close(self) -> None:
        if self._rest is not None and hasattr(self._rest, "close"):
            self._rest.close()
        self._rest = None

    def subject(self) -> Any:
        """What it works on, for the description of a failure."""
        return None

    def _read(self, size: int) -> Batch:
        """The next records; an error on the way waits until they are out."""
        part: Batch = []
        try:
            if self._rest is None:
                self._rest = iter(self._factory())
            part.extend(islice(self._rest, size))
        except Exception as exc:  # noqa: BLE001 - whatever a source raises is its failure
            self._error = exc
        return part

    def _spend(self, seconds: float) -> None:
        """Count the time it took to read; what happens to the records is not its business."""
        self._busy_s += seconds
        limit = self.context.policy.timeout_s
        if limit is not None and self._busy_s > limit and self._error is None:
            self._error = timed_out(limit)

    def _fail(self, error: Exception) -> Emission:
        """Try again if nothing was emitted yet, else give up."""
        policy = self.context.policy
        self._error = None
        self.close()
        if self._emitted or self._attempt >= policy.max_attempts:
            raise RecordError(self.subject(), self._attempt) from error
        delay = policy.delay(self._attempt)
        self.context.report(error, self.subject(), self._attempt, delay)
        self.wait_until = time.monotonic() + delay
        self._attempt += 1
        self._busy_s = 0.0
        return ()

    def _adapt(self, seconds: float) -> None:
        if seconds < _FAST_S:
            self._size = min(self._size * 2, self.context.batch_size)
        elif seconds > _SLOW_S:
            self._size = max(self._size // 2, 1)


def _records(source: Any) -> Iterable[Any]:
    """What a source of the new kind has, in order of its splits."""
    factory = getattr(source, "iterable", None)
    return factory() if factory is not None else _read_all(source)


def _read_all(source: Source[Any]) -> Iterator[Any]:
    for split in source.splits():
        reader = source.reader(split, None, _Alone())
        try:
            while (part := reader.read(1024)) is not None:
                yield from part.values if isinstance(part, TimedBatch) else part
                if not len(part):
                    time.sleep(_FAST_S)
        finally:
            reader.close()


class _Alone:
    """The `ReaderContext` of who reads everything."""

    subtask = 0
    parallelism = 1

    def wake(self) -> None:
        pass

    def check(self) -> None:
        pass

    def now(self) -> int:
        return time.time_ns() // 1_000_000
