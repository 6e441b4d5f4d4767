"""How long a record takes from its source through two hops between threads to the sink.

The source is paced: record n is due n intervals after the first, and its latency counts from then,
so that a source that falls behind is not flattered.
"""

import gc
import math
import time
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.kernel.measure import run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.connectors import Reader, ReaderContext, Sink, SinkWriter, Source
from weft_engine.kernel.environment import LocalEnvironment

RATES: Final = (200, 100_000)
SECONDS: Final = 3.0
_LONGEST_SLEEP: Final = 0.005


class Paced(Source[float]):
    """The times at which records are due, each as soon as it has come."""

    def __init__(self, rate: int, count: int) -> None:
        self.rate = rate
        self.count = count

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[float]:
        """Begins now."""
        return _PacedReader(self.rate, self.count)


class _PacedReader:
    def __init__(self, rate: int, count: int) -> None:
        self._interval = 1 / rate
        self._count = count
        self._at = 0
        self._start = time.perf_counter() + 0.1

    def read(self, limit: int) -> list[float] | None:
        if self._at >= self._count:
            return None
        left = self._start + self._at * self._interval - time.perf_counter()
        if left > 0:
            time.sleep(min(left, _LONGEST_SLEEP))
        passed = time.perf_counter() - self._start
        stop = min(math.floor(passed / self._interval) + 1, self._at + limit, self._count)
        at, self._at = self._at, max(self._at, stop)
        return [self._start + n * self._interval for n in range(at, stop)]

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


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


def measure(
    seconds: float = SECONDS, rates: Sequence[int] = RATES
) -> dict[int, tuple[float, float]]:
    """Print the figures; p50 and p99 in milliseconds by rate."""
    found = {}
    for rate in rates:
        late = latencies(rate, seconds)
        p50, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
        found[rate] = p50, p99
        say(
            f"latency at {rate:,} records/s",
            f"p50 {p50:.2f} ms",
            beside=f"p99 {p99:.2f} ms",
            goal="p50 at most 0.2 ms",
        )
    return found
