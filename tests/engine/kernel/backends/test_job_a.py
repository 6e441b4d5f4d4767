"""From a program's graph to its results: planned, generated, deployed, coordinated."""

from itertools import pairwise
from typing import Any

import pytest

from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.coordinator import start_job
from weft_engine.kernel.graph import Graph, Ref, Ship
from weft_engine.kernel.planner import make_physical
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.sources.collection import CollectionSource

COUNT = 20_000
KEYS = 10

Pair = tuple[int, int]


def job_a() -> Graph:
    """Numbers → pairs of key and number → those with an even key → by key → running sums."""
    graph = Graph()
    source = graph.add("source", params={"source": CollectionSource(range(COUNT))})
    mapped = graph.add("map", Ref(source.id), params={"fn": lambda x: (x % KEYS, x)})
    kept = graph.add("filter", Ref(mapped.id), params={"fn": lambda pair: pair[0] % 2 == 0})
    summed = graph.add(
        "reduce_running",
        Ref(kept.id),
        params={"fn": lambda held, pair: (held[0], held[1] + pair[1])},
        ships=(Ship("hash", lambda pair: pair[0]),),
    )
    graph.add("collect_results", Ref(summed.id), uid="results", keep=True)
    return graph


def check(results: list[Pair], *, in_order: bool) -> None:
    """Every key's sums go up by each of its numbers once, in order where one subtask reads."""
    for key in range(KEYS):
        sums = [total for at, total in results if at == key]
        steps = [after - before for before, after in pairwise([0, *sums])]
        mine = [x for x in range(COUNT) if x % KEYS == key and key % 2 == 0]
        assert (steps if in_order else sorted(steps)) == mine


BACKENDS: dict[str, Any] = {
    "threads": Threads,
    "inline": Inline,
    "seed 1": lambda: Inline(1),
    "seed 2": lambda: Inline(2),
}
SETTINGS = {
    "plain": Settings(),
    "tiny": Settings(batch_size=1, queue_records=4, linger_ms=2),
    "parallel": Settings(
        parallelism=2, checkpoint_interval_s=0.02, batch_size=64, queue_records=256
    ),
    "unchained": Settings(parallelism=3, chaining=False, object_reuse=False, linger_ms=1),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_job_a(backend: str, settings: str) -> None:
    chosen = SETTINGS[settings]
    made: Backend = BACKENDS[backend]()
    job = start_job(JobSpec("a", make_physical(job_a(), chosen, "a"), chosen), made)
    job.wait(120)
    (results,) = job.results.values()
    check(results, in_order=chosen.parallelism == 1)
