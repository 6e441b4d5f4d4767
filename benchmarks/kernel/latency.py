"""How long a record takes from its source through two hops between threads to the sink.

The source is paced: record n is due n intervals after the first, and its latency counts from then,
so that a source that falls behind is not flattered. The same with bare threads and queues is
measured beside it: much of what a record takes is the machine, waking a thread up that sleeps.
"""

import gc
import math
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any, Final

from benchmarks.kernel.measure import run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.connectors import Reader, ReaderContext, Sink, SinkWriter, Source
from weft_engine.kernel.environment import LocalEnvironment

RATES: Final = (200, 100_000)
SECONDS: Final = 3.0


class Paced(Source[float]):
    """The times at which records are due, each as soon as it has come.

    It never gives an empty list: a source that does is asked again later and later, and would be
    asleep when the first record is due.
    """

    def __init__(self, rate: int, count: int) -> None:
        self.rate = rate
        self.count = count

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[float]:
        """Begins now."""
        return _PacedReader(self.rate, self.count)


class _PacedReader:
    def __init__(self, rate: int, count: int) -> None:
        self._pacing = Pacing(rate)
        self._count = count
        self._at = 0

    def read(self, limit: int) -> list[float] | None:
        if self._at >= self._count:
            return None
        at = self._at
        self._at = min(self._pacing.wait(at), at + limit, self._count)
        return self._pacing.dues(at, self._at)

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


class Pacing:
    """When records are due: so many a second, from a tenth of a second after the first `wait`."""

    def __init__(self, rate: int) -> None:
        self._interval = 1 / rate
        self._start = 0.0

    def dues(self, first: int, stop: int) -> list[float]:
        """When some records are due."""
        start, interval = self._start, self._interval
        return [start + number * interval for number in range(first, stop)]

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


class Arrivals(Sink[float]):
    """Notes how late every record comes; in the process of its subtask only."""

    def __init__(self) -> None:
        self.late: list[float] = []

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[float]:
        """The only one."""
        return _ArrivalsWriter(self.late)


class _ArrivalsWriter:
    def __init__(self, late: list[float]) -> None:
        self._late = late

    def write(self, values: Sequence[float], /) -> None:
        now = time.perf_counter()
        self._late += [now - due for due in values]

    def prepare(self, checkpoint: int) -> None:
        pass

    def close(self) -> None:
        pass


def latencies(rate: int, seconds: float) -> list[float]:
    """Run a job for so long; the latency of every record in milliseconds, sorted."""
    env = LocalEnvironment("latency")
    sink = Arrivals()
    count = max(1, int(rate * seconds))
    due = env.from_source(Paced(rate, count))
    moved = due.map(lambda when: when).disable_chaining()
    moved.sink(sink).disable_chaining()
    gc.collect()
    run(env, Threads())
    assert len(sink.late) == count
    return sorted(late * 1000 for late in sink.late)


def bare(rate: int, seconds: float) -> list[float]:
    """The same with three threads and two queues, record by record, and nothing else."""
    pacing, count = Pacing(rate), max(1, int(rate * seconds))
    first: SimpleQueue[float] = SimpleQueue()
    second: SimpleQueue[float] = SimpleQueue()
    late: list[float] = []

    def give() -> None:
        at = 0
        while at < count:
            ready = min(pacing.wait(at), count)
            for due in pacing.dues(at, ready):
                first.put(due)
            at = ready

    def move() -> None:
        for _ in range(count):
            second.put(first.get())

    def take() -> None:
        for _ in range(count):
            due = second.get()
            late.append(time.perf_counter() - due)

    threads = [threading.Thread(target=work) for work in (give, move, take)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(each * 1000 for each in late)


def measure(
    seconds: float = SECONDS, rates: Sequence[int] = RATES
) -> dict[int, tuple[float, float]]:
    """Print the figures; p50 and p99 in milliseconds by rate."""
    found = {}
    for rate in rates:
        least = bare(rate, seconds)
        late = latencies(rate, seconds)
        p50, p99 = _percentiles(late)
        found[rate] = p50, p99
        say(
            f"latency at {rate:,} records/s",
            f"p50 {p50:.2f} ms, p99 {p99:.2f} ms",
            beside="bare threads {:.2f}, {:.2f} ms".format(*_percentiles(least)),
            goal="p50 at most 0.2 ms",
        )
    return found


def _percentiles(late: Sequence[float]) -> tuple[float, float]:
    return late[len(late) // 2], late[len(late) * 99 // 100]
