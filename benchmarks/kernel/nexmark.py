"""The throughput of the Nexmark queries; making the events counts, and is given on its own too."""

import time
from collections.abc import Sequence
from typing import Final

from benchmarks.kernel.job_a import Counting
from benchmarks.kernel.measure import run, say
from benchmarks.nexmark.generator import BLOCK, Events
from benchmarks.nexmark.queries import QUERIES
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.environment import LocalEnvironment

COUNT: Final = 1_000_000


def _run(query: str, count: int, backend: Backend, parallelism: int) -> tuple[float, float, int]:
    """Run a query; its seconds, the CPU seconds of this process, how many records came out."""
    env = LocalEnvironment(query, {"parallelism": parallelism})
    sink = Counting()
    QUERIES[query](env.from_source(Events(count))).sink(sink)
    before = time.process_time()
    seconds = run(env, backend).seconds
    return seconds, time.process_time() - before, sink.count


def measure(
    count: int = COUNT, queries: Sequence[str] = tuple(QUERIES)
) -> dict[str, tuple[float, float]]:
    """Print the figures; events a second on threads and on two processes, by query.

    What stands beside them is the CPU time on threads, as a multiple of what it takes to make the
    events and nothing else: that hardly depends on how busy the machine is.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    source = Events(count)
    for number in range(-(-count // BLOCK)):
        source.block(number)
    alone = time.process_time() - cpu_began
    made = count / (time.perf_counter() - began) / 1e6
    say(
        f"Nexmark, {count:,} events made",
        f"{made:.2f} M/s",
        beside=f"{alone / count * 1e6:.2f} us of CPU an event",
    )
    threads, processes = Threads(), Processes(workers=2)
    found = {}
    try:
        for query in queries:
            one, cpu, results = _run(query, count, threads, 1)
            two, _, _ = _run(query, count, processes, 2)
            found[query] = count / one, count / two
            say(
                f"Nexmark {query}, threads / processes 2+2",
                f"{count / one / 1e6:.2f} / {count / two / 1e6:.2f} M/s",
                beside=f"{cpu / alone:.1f} x CPU of making them; {results:,} results",
            )
    finally:
        processes.close()
    return found
