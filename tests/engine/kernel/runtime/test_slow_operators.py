"""Barriers do not stand behind more records than are worth some time."""

import threading
import time
from pathlib import Path

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.runtime.tempo import FIRST, Tempo


class Slow:
    """Takes a millisecond or two for every record, and counts them."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.count = 0

    def __deepcopy__(self, memo: object) -> "Slow":
        return self

    def process(self, record: int) -> int:
        self.count += 1
        self.begun.set()
        time.sleep(0.001)
        return record


@pytest.mark.parametrize("way", ["behind a channel", "in the source's thread", "two channels away"])
def test_a_barrier_does_not_wait_behind_all_that_fits_a_queue(way: str, tmp_path: Path) -> None:
    env = LocalEnvironment("slow", {"checkpoint.dir": str(tmp_path), "queue.records": 10_000})
    stream = env.from_source(lambda: iter(range(10**9)))
    if way != "in the source's thread":
        stream = stream.map(lambda n: n, name="quick").disable_chaining()
    if way == "two channels away":
        stream = stream.map(lambda n: n + 1, name="quick too").disable_chaining()
    slow = Slow()
    stream = stream.map(slow)
    if way != "in the source's thread":
        stream.disable_chaining()
    stream.for_each(lambda n: None)
    job = env.submit(wait=False)
    try:
        assert slow.begun.wait(60)
        before = slow.count
        job.savepoint(tmp_path / "savepoint")
        assert slow.count - before < 2500, "10000 and more fit into the queues"
    finally:
        job.cancel()


def test_it_begins_with_little_and_grows() -> None:
    tempo = Tempo(1024, 8192)
    assert (tempo.limit, tempo.queued) == (FIRST, FIRST)
    limits = []
    for _ in range(10):
        tempo.took(1000 * tempo.limit, tempo.limit)
        limits.append((tempo.limit, tempo.queued))
    assert limits[:2] == [(32, 32), (64, 64)]
    assert limits[-1] == (1024, 8192)


def test_one_list_that_had_to_wait_says_little() -> None:
    """Whoever sends into a full queue waits once for many lists."""
    tempo = Tempo(1024, 8192)
    for _ in range(1000):
        for _ in range(4):
            tempo.took(100_000, 1024)
        tempo.took(30_000_000, 1024)
    assert (tempo.limit, tempo.queued) == (1024, 8192)
