"""Records that other threads push in."""

import threading
from collections import deque
from typing import Any, Generic, Literal, TypeVar

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.program_errors import ProgramError

T = TypeVar("T")

WhenFull = Literal["block", "drop_oldest", "drop_new", "reject"]


class QueueSource(Source[T]):
    """A bounded queue that threads of this process push into while a job reads it.

        numbers = QueueSource[int](capacity=1000)
        job = env.submit()
        numbers.put(1)
        numbers.end()

    When it is full, `put` waits (`block`), drops a record (`drop_oldest`, `drop_new`: counted in
    `dropped`) or raises (`reject`); it does not wait for a job that is over. Any thread may push;
    a coroutine should do it by `asyncio.to_thread`, because waiting blocks. The queue cannot be
    read again: with a checkpoint folder its records go through a log first.
    """

    replayable = False

    def __init__(
        self, capacity: int = 8192, *, when_full: WhenFull = "block", bounded: bool = False
    ) -> None:
        if capacity < 1:
            raise ProgramError(f"a queue cannot hold {capacity} records")
        if when_full not in ("block", "drop_oldest", "drop_new", "reject"):
            raise ProgramError(
                f"a full queue cannot {when_full!r}",
                hint="It is block, drop_oldest, drop_new or reject.",
            )
        self.bounded = bounded
        self.dropped = 0
        """How many records were dropped because the queue was full."""
        self._capacity = capacity
        self._when_full = when_full
        self._records: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._reader: ReaderContext | None = None
        self._jobs = 0
        self._deserted = False

    def put(self, record: T, timeout: float | None = None) -> bool:
        """Push a record; whether it will be read, as far as is known now.

        Raises:
            ResourceError: `source.queue_full` when it is full and rejects, or stayed full for as
                long as the timeout, in seconds, or until the job that read it was over.
            ProgramError: when the queue has been ended.
        """
        with self._changed:
            if self._when_full == "block":
                self._changed.wait_for(lambda: self._room() or self._deserted, timeout)
            if self._ended:
                raise ProgramError("the queue has been ended", hint="Call end() after all puts.")
            if not self._room():
                if self._when_full in ("block", "reject"):
                    raise _full(self._capacity, deserted=self._deserted)
                self.dropped += 1
                if self._when_full == "drop_new":
                    return False
                self._records.popleft()
            self._records.append(record)
            reader = self._reader
        if reader is not None:
            reader.wake()
        return True

    def end(self) -> None:
        """Nothing more will be pushed; the stream ends behind what is there."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            reader = self._reader
        if reader is not None:
            reader.wake()

    def __len__(self) -> int:
        """How many records wait to be read."""
        return len(self._records)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        with self._changed:
            self._reader = context
        return _QueueReader(self, position or 0)

    def take(self, limit: int) -> list[T] | None:
        """Up to so many records; None when there will be none any more."""
        with self._changed:
            if not self._records:
                return None if self._ended else []
            part = [self._records.popleft() for _ in range(min(limit, len(self._records)))]
            self._changed.notify_all()
            return part

    def job_begins(self) -> None:
        """Somebody is going to read it."""
        with self._changed:
            self._jobs += 1
            self._deserted = False

    def job_over(self, error: BaseException | None) -> None:
        """Nobody reads it any more, unless another job does."""
        with self._changed:
            self._jobs -= 1
            if not self._jobs:
                self._deserted = True
                self._reader = None
                self._changed.notify_all()

    def __reduce__(self) -> Any:
        raise ProgramError(
            "a queue cannot leave its process",
            hint='Use LocalEnvironment(backend="threads"), or a BrokerSource.',
        )

    def _room(self) -> bool:
        return self._ended or len(self._records) < self._capacity


class _QueueReader(Generic[T]):
    """Takes records out of a queue."""

    def __init__(self, source: QueueSource[T], count: int) -> None:
        self._source = source
        self._count = count

    def read(self, limit: int) -> list[T] | None:
        part = self._source.take(limit)
        self._count += len(part or ())
        return part

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        pass


def _full(capacity: int, *, deserted: bool) -> ResourceError:
    over = ", but the job is over" if deserted else ""
    return ResourceError(
        f"the queue is full: {capacity} records wait to be read{over}",
        code="source.queue_full",
        hint="Push more slowly, give the queue more capacity, or choose what it drops.",
        retryable=True,
    )
