"""Where single batches spend their time: waiting in front of a subtask, and in its operators.

Every so many batches one is traced. A trace belongs to one subtask: batches are divided and put
together on their way, so that there is none to follow from one end of a job to the other.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_KEPT: Final = 1024
"""Spans kept of every subtask; the oldest make room."""
_MOST_UNREPORTED: Final = 256

Shares = Callable[[int, Sequence[tuple[int, int]]], None]
"""Told by a loop how a batch was shared out: the first operator, counted from its own, then the
records and nanoseconds of that and each of those behind it."""


@dataclass(frozen=True, slots=True)
class Span:
    """What one operator did with a traced batch."""

    trace: str
    """The batch; the same for all operators of the subtask that it went through."""
    uid: str
    name: str
    stage: int
    subtask: int
    attempt: int
    start_ns: int
    """When the subtask began with the batch, in nanoseconds since 1970."""
    work_ns: int
    """The operator's own time."""
    queue_ns: int = 0
    """How long records had waited in front of the subtask; the same for all its operators."""
    records: int = 0
    """What the operator was given; for a source, how many it was asked for is not said: 0."""


class QueueProbe:
    """Times one record after the other on its way through the queues of a subtask."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.waited_ns = 0
        """How long the last one was in its queue."""
        self._clock = clock
        self._queue: int | None = None
        self._before = 0
        self._since = 0

    def added(self, queue: int, waiting: int) -> None:
        """A queue has got more; so many records are in it now."""
        if self._queue is None:
            self._queue, self._before, self._since = queue, waiting, self._clock()

    def taken(self, queue: int, records: int) -> None:
        """Records have been taken from a queue."""
        if queue == self._queue:
            self._before -= records
            if self._before <= 0:
                self.waited_ns = self._clock() - self._since
                self._queue = None


class Tracer:
    """Traces batches in one subtask; used by its own thread, but for `take`."""

    def __init__(
        self, stage: int, subtask: int, attempt: int, operators: Sequence[tuple[str, str]]
    ) -> None:
        """Make it; `operators` are their uids and names."""
        self.on = False
        """Whether the batch at hand is traced."""
        self.every = 0
        """Which batches are: each of that many; none if 0."""
        self.probe: QueueProbe | None = None
        self._place = stage, subtask, attempt
        self._operators = list(operators)
        self._until = 0
        self._number = 0
        self._start_ns = 0
        self._work = [0] * len(self._operators)
        self._records = [0] * len(self._operators)
        self._done: deque[Span] = deque(maxlen=_MOST_UNREPORTED)

    def begin(self) -> bool:
        """The next batch comes; whether it is traced."""
        self._until -= 1
        if self._until >= 0:
            return False
        self._until = self.every - 1
        self.on = True
        self._number += 1
        self._start_ns = time.time_ns()
        for at in range(len(self._operators)):
            self._work[at] = self._records[at] = 0
        return True

    def spent(self, position: int, nanoseconds: int, records: int = 0) -> None:
        """An operator has worked on the batch."""
        self._work[position] += nanoseconds
        self._records[position] += records

    def shares(self, head: int) -> Shares:
        """What a loop is given whose first operator has that position."""

        def shared(first: int, found: Sequence[tuple[int, int]]) -> None:
            for at, (records, nanoseconds) in enumerate(found, head + first):
                if at != head:
                    self.spent(at, nanoseconds, records)
                    self._work[head] -= nanoseconds

        return shared

    def end(self) -> None:
        """The batch is done with."""
        self.on = False
        stage, subtask, attempt = self._place
        trace = f"{stage}.{subtask}.{attempt}.{self._number}"
        queue_ns = self.probe.waited_ns if self.probe is not None else 0
        for at, (uid, name) in enumerate(self._operators):
            if at and not self._work[at] and not self._records[at]:
                continue  # nothing of the batch came so far
            self._done.append(
                Span(
                    trace,
                    uid,
                    name,
                    stage,
                    subtask,
                    attempt,
                    self._start_ns,
                    max(0, self._work[at]),
                    queue_ns,
                    self._records[at],
                )
            )

    def take(self) -> tuple[Span, ...]:
        """The spans since the last time."""
        found = []
        while self._done:
            found.append(self._done.popleft())
        return tuple(found)


class Rings:
    """The latest spans of every subtask. Fed by one thread; may be read by any."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._rings: dict[tuple[int, int], deque[Span]] = {}

    def take(self, spans: Sequence[Span]) -> None:
        """A subtask has reported spans."""
        for span in spans:
            key = span.stage, span.subtask
            if key not in self._rings:
                self._rings[key] = deque(maxlen=self._most)
            self._rings[key].append(span)

    def spans(self) -> list[Span]:
        """All of them, oldest first."""
        found = [span for ring in self._rings.copy().values() for span in ring.copy()]
        return sorted(found, key=lambda span: span.start_ns)
