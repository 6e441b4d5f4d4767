"""What random programs and kills have found, each as a program of its own."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.kernel.conformance import functions as f
from tests.engine.kernel.conformance.programs import DISORDER
from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.backends.inline import VirtualClock
from weft_engine.kernel.batch import MAX_TIME
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.runtime.watermarks import Watermarks
from weft_engine.kernel.windows import Count, Tumbling


@pytest.mark.parametrize("seed", range(20))
def test_the_end_of_time_waits_for_records_that_are_held(seed: int) -> None:
    """`concat` holds its second input until the first has ended, and windows end with time."""
    env = LocalEnvironment("concat", {"seed": seed, "parallelism": 2}, backend="inline")
    words = env.from_collection(["a"] * 7, parallelism=1)
    numbered = words.concat(words).key_by(len).window(Count(2)).process(f.Sorted(0))
    assert [found[1:3] for found in env.execute_and_collect(numbered)] == [
        (start, start + 2) for start in range(0, 14, 2)
    ]


@pytest.mark.parametrize("parallelism", [1, 3])
def test_results_at_the_end_are_not_late(parallelism: int) -> None:
    config = {"parallelism": parallelism}
    env = LocalEnvironment("at-the-end", config, backend="inline")
    counted = env.from_collection(range(40)).key_by(lambda n: n % 8).aggregate(int, f.Sum(0))
    stamped = counted.map(f.Stamp(2)).assign_timestamps(f.time_of, max_out_of_orderness=DISORDER)
    windows = stamped.key_by(lambda _: "all").window(Tumbling(10)).late_output()
    counts = windows.count()
    assert sum(count for _, count in env.execute_and_collect(counts)) == 8


def test_an_idle_channel_has_not_ended() -> None:
    watermarks = Watermarks([0, 1])
    assert watermarks.went_idle(0) is None
    assert watermarks.watermark(1, 5) == 5
    assert watermarks.watermark(1, MAX_TIME) is None
    assert watermarks.end(1) is None
    assert watermarks.watermark(0, 9) == 9
    assert watermarks.watermark(0, MAX_TIME) == MAX_TIME


def test_virtual_time_reaches_every_moment() -> None:
    clock = VirtualClock()
    for milliseconds in range(2000):
        moment = 0.125 + milliseconds / 1000 + 0.0019999999
        clock.until(moment)
        assert clock.seconds() >= moment
    clock.until(0.42700000000000005 + 8)
    assert clock.seconds() >= 0.42700000000000005 + 8


class Paused(Source[int]):
    """Gives some records, nothing for a while, then others; the event decides how long."""

    def __init__(self, first: Sequence[int], more: Sequence[int], go_on: threading.Event) -> None:
        self.parts = [list(first), list(more)]
        self.go_on = go_on

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        return _PausedReader(self, position or 0)


class _PausedReader:
    def __init__(self, source: Paused, at: int) -> None:
        self.source = source
        self.at = at

    def read(self, limit: int) -> list[int] | None:
        if self.at == 1 and not self.source.go_on.is_set():
            return []
        if self.at == 2:
            return None
        self.at += 1
        return self.source.parts[self.at - 1]

    def position(self) -> int:
        return self.at

    def close(self) -> None:
        pass


def test_time_does_not_end_while_an_idle_source_may_go_on() -> None:
    env = LocalEnvironment("idle", backend="inline")
    go_on = threading.Event()
    slow = env.from_source(Paused([1], [2, 3], go_on)).assign_timestamps(abs, idle=1)
    ended = env.from_collection([1]).assign_timestamps(abs)
    windows = slow.union(ended).key_by(lambda _: 0).window(Tumbling(100)).late_output()
    counts = windows.count()
    found, late = counts.collect(), counts.side_output("late").collect()
    job = env.submit(wait=False)
    for _ in range(300):
        job.step()
    go_on.set()
    job.wait(60)
    assert found.get() == [(0, 4)]
    assert late.get() == []
