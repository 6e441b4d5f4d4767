"""Channels between subtasks: the sender's end, and the queue of events behind it.

Batching is left to the load ("draining"): a sender puts what it has at once, small batches that
nobody has taken yet grow together in the queue, and the receiver takes what there is. So a record
that comes alone is alone in its batch, and under load batches are full, without timers.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice
from sys import getsizeof
from typing import Any, Final, Protocol

from weft_engine.kernel.batch import Batch, Event, Idle, Unkeyed, Watermark

_SAMPLED_ITEMS: Final = 8
_POINTER: Final = 8
_UNKNOWN: Final = 64
_FLAT: Final = frozenset({int, float, str, bytes, bool, type(None)})


class Channel(Protocol):
    """The sender's end of a channel. It has one sender."""

    def put(self, event: Event) -> None:
        """Send an event, in order; waits while the channel is full.

        What is put once the receiver wants nothing more is dropped.

        Raises:
            Stopped: when the channel is cancelled.
        """

    def room(self) -> bool:
        """Whether `put` would not wait."""
        ...

    def when_closed(self, told: Callable[[], None]) -> None:
        """Have it told once, from any thread, when the receiver wants nothing more."""

    def cancel(self) -> None:
        """Let `put` raise `Stopped` from now on, also in a sender that waits."""


def estimated_size(batch: Batch) -> int:
    """About how many bytes a batch takes, judged by its last record and what that holds."""
    value = batch.values[-1]
    try:
        each = getsizeof(value) if type(value) in _FLAT else _deep_size(value)
    except Exception:  # noqa: BLE001 - a broken __sizeof__ is no reason not to send a record
        each = _UNKNOWN
    each += _POINTER
    if batch.times is not None:
        each += 4 * _POINTER
    if batch.keys is not None:
        each += _POINTER
    return len(batch.values) * each


def _deep_size(value: Any) -> int:
    if isinstance(value, list | tuple):
        items = value
    elif isinstance(value, dict):
        items = list(islice(value.values(), _SAMPLED_ITEMS))
    else:
        attributes = getattr(value, "__dict__", None)
        if not isinstance(attributes, dict):
            return getsizeof(value, _UNKNOWN)
        items = list(islice(attributes.values(), _SAMPLED_ITEMS))
        value = attributes
    count = len(value)
    if count <= _SAMPLED_ITEMS:
        return getsizeof(value) + sum(map(getsizeof, items))
    return getsizeof(value) + sum(map(getsizeof, items[:_SAMPLED_ITEMS])) * count // _SAMPLED_ITEMS


class EventQueue:
    """The events of one channel that nobody has taken yet. Not locked: that is the gate's work."""

    __slots__ = (
        "_batch_size",
        "_events",
        "_owned",
        "_start",
        "_tail",
        "max_bytes",
        "max_records",
        "records",
        "size",
    )

    def __init__(self, max_records: int, max_bytes: int, batch_size: int) -> None:
        self.records = 0
        self.size = 0
        """About how many bytes it holds."""
        self.max_records = max_records
        self.max_bytes = max_bytes
        self._batch_size = batch_size
        self._events: deque[Event] = deque()
        self._tail: Batch | None = None
        """The last event, where that is a batch that may still grow."""
        self._owned = False
        """Whether the tail's lists were made here; lists that were given must not be changed."""
        self._start = 0
        """How many records of the first batch have been taken."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def full(self) -> bool:
        """Whether a sender has to wait."""
        return self.records >= self.max_records or self.size >= self.max_bytes

    @property
    def relaxed(self) -> bool:
        """Whether a sender that waits may go on; at half, so that it need not wait often."""
        return 2 * self.records <= self.max_records and 2 * self.size <= self.max_bytes

    def append(self, event: Event, size: int | None = None) -> None:
        """Put an event behind the others; the size in bytes is estimated where it is not known."""
        if type(event) is Batch:
            if event.values:
                self._append_batch(event, estimated_size(event) if size is None else size)
            return
        self._tail = None
        if type(event) is Watermark:
            while self._events and type(self._events[-1]) in (Watermark, Idle):
                self._events.pop()
        elif type(event) is Idle and self._events and type(self._events[-1]) is Idle:
            return
        elif type(event) is Unkeyed:
            self.records += len(event.failures)
            self.size += estimated_size(Batch(event.failures))
        self._events.append(event)

    def _append_batch(self, batch: Batch, size: int) -> None:
        count = len(batch.values)
        self.records += count
        self.size += size
        tail = self._tail
        if (
            tail is None
            or len(tail.values) + count > self._batch_size
            or (tail.times is None) is not (batch.times is None)
            or (tail.keys is None) is not (batch.keys is None)
        ):
            self._events.append(batch)
            self._tail = batch
            self._owned = False
            return
        if not self._owned:
            tail = self._own(tail)
        tail.values.extend(batch.values)
        if tail.times is not None:
            tail.times.extend(batch.times or ())
        if tail.keys is not None:
            tail.keys.extend(batch.keys or ())

    def _own(self, tail: Batch) -> Batch:
        own = Batch(
            tail.values.copy(),
            None if tail.times is None else tail.times.copy(),
            None if tail.keys is None else tail.keys.copy(),
        )
        self._events[-1] = self._tail = own
        self._owned = True
        return own

    def clear(self) -> None:
        """Drop everything."""
        self._events.clear()
        self._tail = None
        self.records = self.size = self._start = 0

    def take(self, limit: int) -> tuple[Event, int, int]:
        """Take the first event, of a batch so many records at most.

        Returns:
            The event, how many records it has, and about how many bytes.
        """
        event = self._events[0]
        if type(event) is not Batch:
            self._events.popleft()
            if type(event) is Unkeyed:  # its sender had no credit for it, and gets none
                self.size -= self.size * len(event.failures) // self.records
                self.records -= len(event.failures)
            return event, 0, 0
        start = self._start
        whole = len(event.values)
        stop = min(whole, start + limit)
        taken = stop - start
        size = self.size * taken // self.records
        self.records -= taken
        self.size -= size
        if stop < whole:
            self._start = stop
        else:
            self._events.popleft()
            self._start = 0
            if event is self._tail:
                self._tail = None
        return (event if taken == whole else _piece(event, start, stop)), taken, size


def _piece(batch: Batch, start: int, stop: int) -> Batch:
    return Batch(
        batch.values[start:stop],
        None if batch.times is None else batch.times[start:stop],
        None if batch.keys is None else batch.keys[start:stop],
    )
