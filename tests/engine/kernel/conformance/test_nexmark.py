"""The Nexmark queries give what they mean, on every backend."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.kernel.measure import run
from benchmarks.nexmark.generator import BLOCK, DISORDER_MS, Events
from benchmarks.nexmark.model import Auction, Bid, Person
from benchmarks.nexmark.queries import QUERIES
from tests.engine.kernel.conformance.nexmark_reference import REFERENCE
from tests.engine.kernel.conformance.nexmark_reference import q12 as reference_q12
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.environment import LocalEnvironment

# A minute of event time, so that there are windows enough.
SOURCE = Events(4_000, seed=7, per_second=60, parts=8)
EVENTS = SOURCE.all()
SHAPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "inline": (Inline, {}),
    "inline, 3 subtasks": (Inline, {"parallelism": 3, "seed": 5, "batch.size": 64}),
    "threads": (Threads, {}),
    "threads, 3 subtasks": (Threads, {"parallelism": 3, "checkpoint.interval": "20ms"}),
    "processes": (lambda: Processes(2), {"parallelism": 2}),
}


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Iterator[tuple[Backend, dict[str, Any]]]:
    make, config = SHAPES[request.param]
    backend = make()
    yield backend, config
    backend.close()


def results(query: str, source: Events, backend: Backend, config: dict[str, Any]) -> list[Any]:
    env = LocalEnvironment(query, config)
    collected = QUERIES[query](env.from_source(source)).collect()
    return run(env, backend).results[collected.uid]


@pytest.mark.parametrize("query", REFERENCE)
def test_query(query: str, shape: tuple[Backend, dict[str, Any]]) -> None:
    expected = Counter(REFERENCE[query](EVENTS))
    assert len(expected) > 3, "the events do not show what the query does"
    assert Counter(results(query, SOURCE, *shape)) == expected


@pytest.mark.parametrize("config", [{}, {"parallelism": 3}, {"parallelism": 3, "seed": 3}])
def test_windows_by_the_clock(config: dict[str, Any]) -> None:
    source = Events(2_000, seed=3, per_second=60, parts=1, paced=True)
    found = results("q12", source, Inline(), config)
    assert Counter(found) == Counter(reference_q12(source))
    assert len({end for end, _, _ in found}) == 4


def test_windows_by_the_clock_lose_nothing(shape: tuple[Backend, dict[str, Any]]) -> None:
    totals: Counter[int] = Counter()
    for _, bidder, count in results("q12", SOURCE, *shape):
        totals[bidder] += count
    assert totals == Counter(event.bidder for event in EVENTS if isinstance(event, Bid))


def test_proportions_and_disorder() -> None:
    kinds = Counter(map(type, EVENTS))
    assert (kinds[Person], kinds[Auction], kinds[Bid]) == (80, 240, 3680)
    latest, disordered = 0, 0
    for event in EVENTS:
        assert event.time >= latest - DISORDER_MS
        disordered += event.time < latest
        latest = max(latest, event.time)
    assert disordered > 100


def test_events_do_not_depend_on_how_they_are_read() -> None:
    source = Events(3 * BLOCK + 7, seed=2, parts=5)
    found = results("q0", source, Inline(seed=1), {"parallelism": 2, "batch.size": 11})
    assert Counter(found) == Counter(source.all())
    assert source.all() == Events(3 * BLOCK + 7, seed=2, parts=1).all()
    assert source.all() != Events(3 * BLOCK + 7, seed=3).all()
