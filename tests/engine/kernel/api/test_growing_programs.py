"""A program that goes on from a savepoint of an earlier version of itself."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft_engine.kernel import LocalEnvironment, Source
from weft_engine.kernel.coordinator import JobCancelledError

LONG_S = 60.0


class Counting(Source[int]):
    """Gives some numbers, and then nothing for ever."""

    bounded = False

    def __init__(self, count: int) -> None:
        self.count = count

    def reader(self, split: Any, position: Any, context: Any) -> "CountingReader":
        return CountingReader(self.count, position or 0)


class CountingReader:
    def __init__(self, count: int, at: int) -> None:
        self.count, self.at = count, at

    def read(self, limit: int) -> list[int]:
        start, self.at = self.at, min(self.at + limit, self.count)
        return list(range(start, self.at))

    def position(self) -> int:
        return self.at

    def close(self) -> None:
        pass


class Seen:
    """Takes records, and says when there are enough."""

    def __init__(self, enough: int) -> None:
        self.records: list[Any] = []
        self.all = threading.Event()
        self._enough = enough

    def __call__(self, record: Any) -> None:
        self.records.append(record)
        if len(self.records) >= self._enough:
            self.all.set()


def environment(folder: Path, build: Callable[[LocalEnvironment], Any]) -> LocalEnvironment:
    env = LocalEnvironment("grows", {"checkpoint.dir": str(folder)})
    build(env)
    return env


def test_a_source_that_is_new_is_read_from_its_beginning(tmp_path: Path) -> None:
    before, after = Seen(3), Seen(2)

    def first(env: LocalEnvironment) -> None:
        env.from_source(Counting(3)).uid("known").for_each(before)

    def second(env: LocalEnvironment) -> None:
        known = env.from_source(Counting(4)).uid("known").map(lambda n: ("known", n))
        new = env.from_source(Counting(1)).uid("new").map(lambda n: ("new", n))
        known.union(new).for_each(after)

    job = environment(tmp_path / "first", first).submit(wait=False)
    assert before.all.wait(LONG_S)
    savepoint = job.savepoint(tmp_path / "savepoint", stop=True, timeout=LONG_S)
    job.wait(LONG_S)
    job = environment(tmp_path / "second", second).submit(wait=False, resume=str(savepoint))
    assert after.all.wait(LONG_S)
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(LONG_S)
    assert before.records == [0, 1, 2]
    assert sorted(after.records) == [("known", 3), ("new", 0)]
