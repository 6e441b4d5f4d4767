"""Job A: numbers, map, filter, by one of 100 keys, running sum, count; on every backend.

The loop by hand is run in turn with the jobs: ratios are to it.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.kernel.measure import best, millions, run, say
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.on_ray import OnRay
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.connectors import Sink, SinkWriter
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.kernel.inline import Inline

COUNT: Final = 1_000_000
KEYS: Final = 100


class Counting(Sink[Any]):
    """Counts records: those that are committed."""

    delivery = "transactional"

    def __init__(self) -> None:
        self.count = 0

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[Any]:
        """Counts in one subtask."""
        return _CountingWriter()

    def commit(self, committables: Sequence[int]) -> None:
        """Add what one epoch has counted."""
        self.count += sum(committables)


class _CountingWriter:
    def __init__(self) -> None:
        self._count = 0

    def write(self, values: Sequence[Any], /) -> None:
        self._count += len(values)

    def prepare(self, checkpoint: int) -> int:
        count, self._count = self._count, 0
        return count

    def close(self) -> None:
        pass


def by_hand(count: int) -> float:
    """One loop, in batches as the jobs have them; its seconds."""
    began = time.perf_counter()
    state: dict[int, int] = {}
    get = state.get
    found = 0
    for at in range(0, count, 1024):
        for x in list(range(at, min(at + 1024, count))):
            y = x + 1
            if y % 2 == 0:
                key = y % KEYS
                held = get(key)
                state[key] = y if held is None else held + y
                found += 1
    assert found == count // 2
    return time.perf_counter() - began


def job_a(
    env: LocalEnvironment, count: int, *, exchange: bool = True, functions: bool = False
) -> Counting:
    """Build it; the sink that counts. Without an exchange it is one loop in one thread."""
    sink = Counting()
    # Read in parts, by as many subtasks as there are of everything else.
    numbers = env.from_collection(range(count), parallelism=env.settings.parallelism)
    if functions:
        even = numbers.map(lambda x: x + 1).filter(lambda x: x % 2 == 0)
        summed = even.key_by(lambda x: x % KEYS).reduce(lambda held, x: held + x)
    else:
        even = numbers.map(Inline("item + 1")).filter(Inline("item % 2 == 0"))
        summed = even.key_by(Inline(f"item % {KEYS}")).reduce(Inline("held + item", "held", "item"))
    if exchange:
        summed.disable_chaining()
    summed.sink(sink)
    return sink


def seconds_of(
    count: int, backend: Backend, parallelism: int = 1, *, every: str | None = None, **how: Any
) -> float:
    """Run it on a backend, with checkpoints that often; its seconds without starting workers."""
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {"parallelism": parallelism}
        if every is not None:
            config |= {"checkpoint.interval": every, "checkpoint.dir": folder}
        env = LocalEnvironment("job A", config)
        sink = job_a(env, count, **how)
        seconds = run(env, backend).seconds
    assert sink.count == count // 2, sink.count
    return seconds


def measure(count: int = COUNT, rounds: int = 5, *, ray: bool = True) -> dict[str, float]:
    """Print the figures; seconds by name."""
    threads = Threads()
    processes = Processes(workers=2)
    jobs: dict[str, Callable[[], float]] = {
        "loop by hand": partial(by_hand, count),
        "one subtask, expressions": partial(seconds_of, count, threads, exchange=False),
        "one subtask, functions": partial(
            seconds_of, count, threads, exchange=False, functions=True
        ),
        "threads 1+1": partial(seconds_of, count, threads),
        "threads 1+1, checkpoints": partial(seconds_of, count, threads, every="100ms"),
        "threads 2+2, checkpoints": partial(seconds_of, count, threads, 2, every="100ms"),
        "processes 2+2": partial(seconds_of, count, processes, 2),
        "processes 2+2, checkpoints": partial(seconds_of, count, processes, 2, every="100ms"),
    }
    cluster = OnRay(workers=2) if ray else None
    if cluster is not None:
        jobs["Ray 2+2"] = partial(seconds_of, count, cluster, 2)
        jobs["Ray 2+2, checkpoints"] = partial(seconds_of, count, cluster, 2, every="100ms")
    try:
        found = dict(zip(jobs, best(rounds, *jobs.values()), strict=True))
    finally:
        for backend in (threads, processes, cluster):
            if backend is not None:
                backend.close()
    hand = found["loop by hand"]
    for name, seconds in found.items():
        goal = _GOALS.get(name, "")
        say(
            f"job A, {name}",
            millions(count, seconds),
            beside=f"{hand / seconds:.2f} of the loop",
            goal=goal,
        )
    return found


_GOALS: Final = {
    "threads 1+1, checkpoints": "at least 2 M/s",
    "processes 2+2, checkpoints": "no slower than threads",
    "Ray 2+2": "at least 1 M/s",
}
