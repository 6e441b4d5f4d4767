"""How long a record takes from its source through two hops between threads to the sink.

The source is paced: record n is due n intervals after the first, and its latency counts from then,
so that a source that falls behind is not flattered. How long it takes from when the source had the
record is said besides. The same with bare threads and queues is measured beside it: much of what a
record takes is the machine, waking a thread up that sleeps.
"""

import gc
import math
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from benchmarks.kernel.measure import run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.connectors import Reader, ReaderContext, Sink, SinkWriter, Source
from weft_engine.kernel.environment import LocalEnvironment

RATES: Final = (200, 100_000)
SECONDS: Final = 3.0


class Record(NamedTuple):
    """One record."""

    due: float
    had: float
    """When the source had it."""


class Late(NamedTuple):
    """Latencies in milliseconds, sorted."""

    since_due: list[float]
    since_had: list[float]


class Paced(Source[Record]):
    """Records, each as soon as it is due.

    It never gives an empty list: a source that does is asked again later and later, and would be
    asleep when the first record is due.
    """

    def __init__(self, rate: int, count: int) -> None:
        self.rate = rate
        self.count = count

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Record]:
        """Begins now."""
        return _PacedReader(self.rate, self.count)


class _PacedReader:
    def __init__(self, rate: int, count: int) -> None:
        self._pacing = Pacing(rate)
        self._count = count
        self._at = 0

    def read(self, limit: int) -> list[Record] | None:
        if self._at >= self._count:
            return None
        at = self._at
        self._at = min(self._pacing.wait(at), at + limit, self._count)
        return self._pacing.records(at, self._at)

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


class Pacing:
    """When records are due: so many a second, from a tenth of a second after the first `wait`."""

    def __init__(self, rate: int) -> None:
        self._interval = 1 / rate
        self._start = 0.0

    def records(self, first: int, stop: int) -> list[Record]:
        """Some records, which are there from now on."""
        start, interval, now = self._start, self._interval, time.perf_counter()
        return [Record(start + number * interval, now) for number in range(first, stop)]

    def wait(self, number: int) -> int:
        """Wait until a record is due; the number of the first one that is not."""
        if not self._start:
            self._start = time.perf_counter() + 0.1
        passed = time.perf_counter() - self._start
        left = number * self._interval - passed
        if left > 0:
            time.sleep(left)
            passed = time.perf_counter() - self._start
        return max(number, math.floor(passed / self._interval)) + 1


class Arrivals(Sink[Record]):
    """Notes when every record comes; in the process of its subtask only."""

    def __init__(self) -> None:
        self.came: list[tuple[float, Record]] = []

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[Record]:
        """The only one."""
        return _ArrivalsWriter(self.came)


class _ArrivalsWriter:
    def __init__(self, came: list[tuple[float, Record]]) -> None:
        self._came = came

    def write(self, values: Sequence[Record], /) -> None:
        now = time.perf_counter()
        self._came += [(now, record) for record in values]

    def prepare(self, checkpoint: int) -> None:
        pass

    def close(self) -> None:
        pass


def latencies(rate: int, seconds: float) -> Late:
    """Run a job for so long; the latency of every record."""
    env = LocalEnvironment("latency")
    sink = Arrivals()
    count = max(1, int(rate * seconds))
    due = env.from_source(Paced(rate, count))
    moved = due.map(lambda when: when).disable_chaining()
    moved.sink(sink).disable_chaining()
    gc.collect()
    run(env, Threads())
    assert len(sink.came) == count
    return _late(sink.came)


def bare(rate: int, seconds: float) -> Late:
    """The same with three threads and two queues, record by record, and nothing else."""
    pacing, count = Pacing(rate), max(1, int(rate * seconds))
    first: SimpleQueue[Record] = SimpleQueue()
    second: SimpleQueue[Record] = SimpleQueue()
    came: list[tuple[float, Record]] = []

    def give() -> None:
        at = 0
        while at < count:
            ready = min(pacing.wait(at), count)
            for record in pacing.records(at, ready):
                first.put(record)
            at = ready

    def move() -> None:
        for _ in range(count):
            second.put(first.get())

    def take() -> None:
        for _ in range(count):
            record = second.get()
            came.append((time.perf_counter(), record))

    threads = [threading.Thread(target=work) for work in (give, move, take)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _late(came)


def measure(
    seconds: float = SECONDS, rates: Sequence[int] = RATES
) -> dict[int, tuple[float, float]]:
    """Print the figures; p50 and p99 in milliseconds by rate."""
    found = {}
    for rate in rates:
        # What the benchmark notes of every record is a lot to go through for the collector.
        gc.disable()
        least = bare(rate, seconds)
        late = latencies(rate, seconds)
        gc.enable()
        p50, p99 = _percentiles(late.since_due)
        found[rate] = p50, p99
        say(
            f"latency at {rate:,} records/s",
            f"p50 {p50:.2f} ms, p99 {p99:.2f} ms",
            beside="bare threads {:.2f}, {:.2f} ms".format(*_percentiles(least.since_due)),
            goal="p50 at most 0.2 ms",
        )
        say(
            "… from when the source had it",
            "p50 {:.2f} ms, p99 {:.2f} ms".format(*_percentiles(late.since_had)),
            beside="bare threads {:.2f}, {:.2f} ms".format(*_percentiles(least.since_had)),
        )
    return found


def _late(came: Sequence[tuple[float, Record]]) -> Late:
    return Late(
        sorted((at - record.due) * 1000 for at, record in came),
        sorted((at - record.had) * 1000 for at, record in came),
    )


def _percentiles(late: Sequence[float]) -> tuple[float, float]:
    return late[len(late) // 2], late[len(late) * 99 // 100]
