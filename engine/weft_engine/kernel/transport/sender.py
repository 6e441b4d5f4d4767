"""The sender's end of a channel to a subtask in another process."""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import Batch, Event, Watermark
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.transport.codec import encode
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.credits import Window, first_window
from weft_engine.kernel.transport.frames import MAX_FRAME, Kind


class RemoteChannel:
    """Pickles what is put and writes it to a connection, as far as its credits go.

    What may not be sent yet waits here: less than one batch, merged into one, before `put` blocks.
    It is sent by the next `put`, or by `flush`, which the exchange calls in a thread of its own
    when credits have come; never by the thread that reads the socket, so that two processes that
    are both full can still tell each other about it.
    """

    def __init__(
        self,
        number: int,
        connection: Connection,
        settings: Settings,
        due: Callable[["RemoteChannel"], None],
        *,
        unbounded: bool = False,
    ) -> None:
        """`due` is called when `flush` should be. `unbounded` never waits for credits."""
        self.number = number
        self._connection = connection
        self._due = due
        self._unbounded = unbounded
        self._window = Window(first_window(settings), settings.queue_bytes)
        self._batch: Final = max(1, settings.batch_size)
        self._most_bytes: Final = max(1, settings.queue_bytes // 4)
        self._record_bytes = 1.0
        """About how many bytes a record takes; from the frames sent so far."""
        self._pending: list[Event] = []
        self._records = 0
        """How many records are pending."""
        self._changed = threading.Condition(threading.Lock())
        self._sending = threading.Lock()
        """Keeps frames in order; held while writing. `_changed` never is."""
        self._cancelled = False
        self._closed = False
        self._told: Callable[[], None] | None = None
        self._waiting = False
        """Whether `put` waits; it then sends itself, which saves another thread's turn."""

    def put(self, event: Event) -> None:
        """Send an event, or keep it until it may be; waits while too much is kept.

        Raises:
            Stopped: when the channel was cancelled, or its connection is gone.
            NodeError: `kernel.unpicklable` or `kernel.record_too_big`.
        """
        if isinstance(event, Batch):
            self._make_room()
        with self._changed:
            if self._cancelled:
                raise Stopped
            if self._closed:
                return
            if isinstance(event, Batch):
                self._records += len(event.values)
            self._append(event)
            if not self._may_send():
                return
        self.flush()

    def room(self) -> bool:
        """Whether a batch could be put without waiting."""
        return self._unbounded or self._closed or self._records < self._most()

    def announce(self) -> None:
        """Let the receiver know which connection the channel uses, before anything is sent."""
        with contextlib.suppress(OSError), self._sending:
            self._connection.send(Kind.DATA, self.number, encode(()))

    def when_closed(self, told: Callable[[], None]) -> None:
        """Have it told once the receiver wants nothing more."""
        with self._changed:
            if not self._closed:
                self._told = told
                return
        told()

    def close(self) -> None:
        """The receiver wants nothing more: drop what waits here and what is still put."""
        with self._changed:
            self._closed = True
            self._pending.clear()
            self._records = 0
            told, self._told = self._told, None
            self._changed.notify_all()
        if told is not None:
            told()

    def cancel(self) -> None:
        """Have whoever waits, and whoever puts from now on, raise `Stopped`."""
        with self._changed:
            self._cancelled = True
            self._pending.clear()
            self._changed.notify_all()

    def refill(self, body: memoryview) -> None:
        """The receiver gives credits back; never waits for the socket."""
        with self._changed:
            self._window.refill(body)
            if self._waiting:
                self._changed.notify_all()
                return
            due = self._may_send()
        if due:
            self._due(self)

    def flush(self) -> None:
        """Send what is pending, as far as the credits go.

        Raises:
            Stopped: when the connection is gone.
            NodeError: when something of it cannot be sent.
        """
        while True:
            with self._sending:
                with self._changed:
                    if self._cancelled or not self._may_send():
                        return
                    events = self._take_pending()
                self._write(merged(events))
            with self._changed:
                self._changed.notify_all()

    def _take_pending(self) -> list[Event]:
        """What may be sent of what is pending: not much more than the window has left."""
        pending = self._pending
        most = max(self._window.records, self._window.whole // 2, 1)
        if self._unbounded or self._records <= most:
            self._pending, self._records = [], 0
            return pending
        at, left = 0, most
        for at, event in enumerate(pending):  # noqa: B007 - where it ends is what is wanted
            count = len(event.values) if isinstance(event, Batch) else 0
            if count > left:
                break
            left -= count
        whole, batch = pending[:at], pending[at]
        assert isinstance(batch, Batch)
        self._records -= most
        self._pending = [_cut(batch, left, len(batch.values)), *pending[at + 1 :]]
        return [*whole, _cut(batch, 0, left)] if left else whole

    def _make_room(self) -> None:
        while True:
            with self._changed:
                if self._cancelled:
                    raise Stopped
                if self.room():
                    return
                if not self._may_send():
                    self._waiting = True
                    self._changed.wait()
                    self._waiting = False
                    continue
            self.flush()

    def _most(self) -> int:
        """How many records may be pending before `put` waits."""
        half = self._window.whole // 2
        return max(1, min(self._batch, half, int(self._most_bytes / self._record_bytes)))

    def _append(self, event: Event) -> None:
        pending = self._pending
        if isinstance(event, Watermark) and pending and isinstance(pending[-1], Watermark):
            pending[-1] = event
        else:
            pending.append(event)

    def _may_send(self) -> bool:
        if not self._pending:
            return False
        if self._unbounded or not self._records:
            return True
        window = self._window
        return window.open() and (window.frames > 0 or self._records >= self._most())

    def _write(self, events: list[Event]) -> None:
        records = sum(len(event.values) for event in events if isinstance(event, Batch))
        body = encode(events)
        if len(body) > MAX_FRAME:
            for part in split(events, len(body)):
                self._write(part)
            return
        if records:
            with self._changed:
                self._window.spend(records, len(body))
                self._record_bytes = len(body) / records
        try:
            self._connection.send(Kind.DATA, self.number, body)
        except OSError as error:
            # Whoever reads the connection reports its end; this thread only has to stop.
            raise Stopped from error


def merged(events: list[Event]) -> list[Event]:
    """The same events with neighbouring batches made one."""
    if len(events) == 1:
        return events
    result: list[Event] = []
    run: list[Batch] = []
    for event in events:
        if isinstance(event, Batch):
            run.append(event)
            continue
        if run:
            result.append(_joined(run))
            run = []
        result.append(event)
    if run:
        result.append(_joined(run))
    return result


def split(events: list[Event], size: int) -> list[list[Event]]:
    """Events whose frame would be too long, in two halves.

    Raises:
        NodeError: `kernel.record_too_big` when it is a single record.
    """
    if len(events) > 1:
        return [[event] for event in events]
    batch = events[0]
    if not isinstance(batch, Batch) or len(batch.values) < 2:
        kind = type(batch.values[0]).__qualname__ if isinstance(batch, Batch) else "event"
        raise NodeError(
            f"A record ({kind}) of {size} bytes is too big to be sent to another process; "
            f"at most {MAX_FRAME} bytes can be.",
            code="kernel.record_too_big",
            hint="Keep large data in files or a store, and let records say where it is.",
            params={"type": kind, "size": size, "limit": MAX_FRAME},
        )
    middle = len(batch.values) // 2
    return [[_cut(batch, 0, middle)], [_cut(batch, middle, len(batch.values))]]


def _cut(batch: Batch, start: int, stop: int) -> Batch:
    times, keys = batch.times, batch.keys
    return Batch(
        batch.values[start:stop],
        None if times is None else times[start:stop],
        None if keys is None else keys[start:stop],
    )


def _joined(run: list[Batch]) -> Batch:
    if len(run) == 1:
        return run[0]
    first = run[0]
    return Batch(
        [value for batch in run for value in batch.values],
        None if first.times is None else [time for batch in run for time in batch.times or ()],
        None if first.keys is None else [key for batch in run for key in batch.keys or ()],
    )
