"""Where the channels into a subtask come together."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from weft_engine.kernel.batch import Batch, Event, Unkeyed
from weft_engine.kernel.runtime.bell import Bell
from weft_engine.kernel.runtime.channel import EventQueue
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.runtime.tempo import Tempo
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.tracing import QueueProbe

Taken = Callable[[int, int], None]


class _Input:
    """One channel into the gate."""

    __slots__ = (
        "blocked",
        "feedback",
        "index",
        "listed",
        "on_closed",
        "on_taken",
        "queue",
        "room",
        "waiting",
    )

    def __init__(self, index: int, queue: EventQueue, *, feedback: bool) -> None:
        self.index = index
        self.queue = queue
        self.feedback = feedback
        self.blocked = False
        self.listed = False
        """Whether it stands in line with the other inputs that have something."""
        self.on_taken: Taken | None = None
        self.on_closed: Callable[[], None] | None = None
        self.room: threading.Condition | None = None
        self.waiting = False


class Gate:
    """The channels into one subtask, which take turns. One lock is taken once a batch.

    A channel is bounded in records, in bytes, and by how long its records will take (`Tempo`), but
    for feedback channels, which must never hold up a loop: while much is under way in those, the
    others are not read.
    """

    def __init__(
        self,
        ports: Sequence[int],
        settings: Settings,
        *,
        feedback: Collection[int] = (),
        blocking: bool = True,
    ) -> None:
        """Make a gate.

        Args:
            ports: The input of the subtask that each channel leads to.
            settings: Bounds and batch size.
            feedback: Which of the channels lead back.
            blocking: Whether senders wait while a channel is full.
        """
        self.ports = tuple(ports)
        self.feedback = frozenset(feedback)
        batch_size = max(1, settings.batch_size)
        most, channels = settings.queue_records, len(self.ports) - len(self.feedback)
        self._tempo = Tempo(batch_size, most * channels, channels)
        self._channels = max(1, channels)
        self.limit = self._tempo.limit if blocking else batch_size
        """How many records are taken at once."""
        self.bound = self._share() if blocking else most
        """How many records a channel holds before its sender waits."""
        self.waited_ns = 0
        """How long nothing was there."""
        self._blocking = blocking
        self._most_circulating = settings.queue_records
        self._inputs = [
            _Input(
                index,
                EventQueue(self.bound, settings.queue_bytes, batch_size),
                feedback=index in self.feedback,
            )
            for index in range(len(self.ports))
        ]
        self._lock = threading.Lock()
        self._something = Bell(self._lock)
        self._ready: deque[_Input] = deque()
        self._ready_back: deque[_Input] = deque()
        self._back_next = False
        self._circulating = 0
        self._waits_for_events = False
        self._woken = False
        self.cancelled = False
        self.closed = False
        """Whether nothing more is wanted: what comes is dropped."""
        self.probe: QueueProbe | None = None
        """Times records on their way through, where that is wanted."""

    # For senders

    def channel(self, index: int) -> "LocalChannel":
        """The end of a channel for a sender in the same process."""
        return LocalChannel(self, index)

    def feed(self, index: int, event: Event, size: int | None = None) -> None:
        """Put an event into a channel without ever waiting; from one thread a channel.

        Whoever feeds takes care of the bounds, told by `on_taken`.
        """
        with self._lock:
            self._add(self._inputs[index], event, size)

    def on_taken(self, index: int, callback: Taken) -> None:
        """Be told how many records and bytes were taken from a channel; from the taker's thread.

        Of an event that was fed with a size, exactly that size is told in the end.
        """
        self._inputs[index].on_taken = callback

    def on_closed(self, index: int, callback: Callable[[], None]) -> None:
        """Be told once when nothing more is wanted of a channel; at once if that is so."""
        with self._lock:
            if not self.closed:
                self._inputs[index].on_closed = callback
                return
        callback()

    def room(self, index: int) -> bool:
        """Whether a channel has room."""
        source = self._inputs[index]
        return self.closed or source.feedback or not source.queue.full

    def put(self, channel: "LocalChannel", event: Event) -> None:
        """Put an event into a channel, waiting for room."""
        source = self._inputs[channel.index]
        with self._lock:
            if (
                source.queue.full
                and type(event) in (Batch, Unkeyed)
                and self._blocking
                and not source.feedback
            ):
                self._wait_for_room(source, channel)
            if channel.cancelled or self.cancelled:
                raise Stopped
            self._add(source, event, None)

    def _wait_for_room(self, source: _Input, channel: "LocalChannel") -> None:
        if source.room is None:
            source.room = threading.Condition(self._lock)
        while not (source.queue.relaxed or channel.cancelled or self.cancelled or self.closed):
            source.waiting = True
            source.room.wait()
        source.waiting = False

    def cancel_channel(self, channel: "LocalChannel") -> None:
        """Let its sender go."""
        with self._lock:
            channel.cancelled = True
            room = self._inputs[channel.index].room
            if room is not None:
                room.notify_all()

    def _add(self, source: _Input, event: Event, size: int | None) -> None:
        if self.closed:
            return
        queue = source.queue
        before = queue.records
        queue.append(event, size)
        if self.probe is not None and queue.records > before:
            self.probe.added(source.index, queue.records)
        if source.feedback:
            self._circulating += queue.records - before
        if not source.listed and not source.blocked and len(queue):
            self._list(source)

    def _list(self, source: _Input) -> None:
        source.listed = True
        (self._ready_back if source.feedback else self._ready).append(source)
        if self._waits_for_events:
            self._something.ring()

    # For the receiver

    def next(self, timeout: float | None = None) -> tuple[int, Event] | None:
        """Take the next event of a channel that is not blocked, waiting so many seconds for it.

        Returns:
            The channel and the event; None when there was none, or somebody called `wake`.

        Raises:
            Stopped: when the gate is cancelled.
        """
        with self._lock:
            if not (self._ready or self._ready_back) and not self._wait(timeout, for_events=True):
                return None
            if self.cancelled:
                raise Stopped
            source = self._turn()
            if source is None:
                return None
            event, records, size = source.queue.take(self.limit)
            if self.probe is not None and records:
                self.probe.taken(source.index, records)
            if source.feedback:
                self._circulating -= records
            self._requeue(source)
            if source.waiting and source.queue.relaxed and source.room is not None:
                source.room.notify()
        if source.on_taken is not None and records:
            source.on_taken(records, size)
        return source.index, event

    def _turn(self) -> _Input | None:
        """The channel whose turn it is; those that lead back take turns with all the others."""
        back, ready = self._ready_back, self._ready
        while back or ready:
            if back and (not ready or self._back_next or self._heavy()):
                self._back_next = False
                source = back.popleft()
            else:
                self._back_next = True
                source = ready.popleft()
            source.listed = False
            if not source.blocked:
                return source
        return None

    def _heavy(self) -> bool:
        return self._circulating >= self._most_circulating

    def _requeue(self, source: _Input) -> None:
        if len(source.queue) and not source.blocked:
            source.listed = True
            (self._ready_back if source.feedback else self._ready).append(source)

    def wait(self, timeout: float | None = None) -> None:
        """Wait for a call of `wake`, leaving the channels alone.

        Raises:
            Stopped: when the gate is cancelled.
        """
        with self._lock:
            self._wait(timeout, for_events=False)

    def _wait(self, timeout: float | None, *, for_events: bool) -> bool:
        """Wait; whether an event is why it ended."""
        if self.cancelled:
            raise Stopped
        if timeout == 0:
            return for_events and bool(self._ready or self._ready_back)  # a wake is kept
        if not self._woken:
            start = time.perf_counter_ns()
            self._waits_for_events = for_events
            self._something.wait(timeout)
            if for_events:
                self.waited_ns += time.perf_counter_ns() - start
            if self.cancelled:
                raise Stopped
        self._woken = False
        return for_events and bool(self._ready or self._ready_back)

    def wake(self) -> None:
        """Let `next` or `wait` return, or not wait the next time; from any thread."""
        with self._lock:
            self._woken = True
            self._something.ring()

    def block(self, index: int) -> None:
        """Do not read a channel for now."""
        with self._lock:
            self._inputs[index].blocked = True

    def unblock(self, index: int) -> None:
        """Read a channel again."""
        with self._lock:
            source = self._inputs[index]
            source.blocked = False
            if len(source.queue) and not source.listed:
                self._list(source)

    def adapt(self, taken_ns: int, records: int) -> None:
        """So many records took so long: take and hold as many as are worth it (see `Tempo`).

        Where nobody can wait nothing is adapted: what happens must not depend on how long it takes.
        """
        if not self._blocking:
            return
        self._tempo.took(taken_ns, records)
        self.limit = self._tempo.limit
        bound = self._share()
        if bound != self.bound:
            self.bound = bound
            for source in self._inputs:
                source.queue.max_records = bound

    def _share(self) -> int:
        """How many records each channel may hold of what all may."""
        return max(1, self._tempo.queued // self._channels)

    @property
    def ready(self) -> bool:
        """Whether `next` would give something."""
        with self._lock:
            return any(
                not item.blocked for line in (self._ready, self._ready_back) for item in line
            )

    @property
    def pending(self) -> bool:
        """Whether something is there, if only in channels that are blocked; without the lock."""
        return bool(self._ready or self._ready_back)

    @property
    def records(self) -> int:
        """How many records wait."""
        return sum(source.queue.records for source in self._inputs)

    @property
    def size(self) -> int:
        """About how many bytes wait."""
        return sum(source.queue.size for source in self._inputs)

    def close(self) -> None:
        """Want nothing more: drop what is here and what comes, and tell the senders."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            self._ready.clear()
            self._ready_back.clear()
            self._circulating = 0
            told = [source.on_closed for source in self._inputs]
            for source in self._inputs:
                source.on_closed = None
                source.listed = False
                source.queue.clear()
                if source.room is not None:
                    source.room.notify_all()
        for tell in told:
            if tell is not None:
                tell()

    def cancel(self) -> None:
        """Let everybody who waits here go, with `Stopped`."""
        with self._lock:
            self.cancelled = True
            self._something.ring()
            for source in self._inputs:
                if source.room is not None:
                    source.room.notify_all()


class LocalChannel:
    """A channel whose receiver is in the same process."""

    __slots__ = ("_gate", "cancelled", "index")

    def __init__(self, gate: Gate, index: int) -> None:
        self._gate = gate
        self.index = index
        self.cancelled = False

    def put(self, event: Event) -> None:
        """Send an event; waits while the channel is full."""
        self._gate.put(self, event)

    def room(self) -> bool:
        """Whether `put` would not wait."""
        return self._gate.room(self.index)

    def when_closed(self, told: Callable[[], None]) -> None:
        """Have it told when the receiver wants nothing more."""
        self._gate.on_closed(self.index, told)

    def cancel(self) -> None:
        """Let `put` raise `Stopped` from now on."""
        self._gate.cancel_channel(self)
