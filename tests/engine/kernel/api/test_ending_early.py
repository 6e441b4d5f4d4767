"""`limit` ends what is before it, wherever it runs, and nothing else."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.kernel import LocalEnvironment, MapFunction, QueueSource

BACKENDS = ["inline", "threads", "processes"]


def forever() -> Iterator[int]:
    return itertools.count()


async def numbers_without_end() -> AsyncIterator[int]:
    for n in itertools.count():
        yield n


def make(backend: str, parallelism: int = 1, **config: Any) -> LocalEnvironment:
    given = {"parallelism": parallelism, "workers": 2, **config}
    return LocalEnvironment("early", given, backend=backend)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("source", [forever, numbers_without_end])
def test_a_chain_ends(backend: str, source: Any) -> None:
    stream = make(backend).from_source(source).map(lambda n: n * 2).limit(5)
    assert stream.map(lambda n: -n).execute_and_collect() == [0, -2, -4, -6, -8]


@pytest.mark.parametrize("chaining", [True, False])
def test_several_stages_end(backend: str, chaining: bool) -> None:
    env = make(backend, 3, chaining=chaining)
    counted = env.from_source(forever).rebalance().map(lambda n: n % 7).key_by(lambda n: n).count()
    assert len(counted.rebalance().filter(lambda item: True).limit(50).execute_and_collect()) == 50


def test_nothing_at_all_is_wanted(backend: str) -> None:
    assert make(backend, 2).from_source(forever).rebalance().limit(0).execute_and_collect() == []


def test_what_is_behind_sees_the_end(backend: str) -> None:
    env = make(backend, 2)
    first = env.from_source(forever).limit(100).map(lambda n: n % 3)
    totals = first.key_by(lambda n: n).aggregate(int, lambda sum_, n: sum_ + n)
    assert sorted(totals.execute_and_collect()) == [(0, 0), (1, 33), (2, 66)]
    held = env.from_source(forever).limit(10).sort(descending=True)
    assert held.execute_and_collect() == list(range(9, -1, -1))


def test_limits_behind_limits(backend: str) -> None:
    env = make(backend, 2)
    stream = env.from_source(forever).limit(1000).rebalance().map(lambda n: n).limit(30)
    assert len(stream.rebalance().map(lambda n: n).limit(7).execute_and_collect()) == 7


@pytest.mark.parametrize("parallelism", [1, 3])
def test_another_branch_gets_everything(backend: str, parallelism: int) -> None:
    env = make(backend, parallelism)
    numbers = env.from_collection(range(5000)).map(lambda n: n)
    few = numbers.map(lambda n: -n).limit(3).collect()
    all_ = numbers.map(lambda n: n + 1).collect()
    env.submit()
    assert len(few.get()) == 3
    assert sorted(all_.get()) == list(range(1, 5001))


def test_what_has_an_effect_sees_everything(backend: str, tmp_path: Path) -> None:
    env = make(backend)
    seen = tmp_path / "seen"
    numbers = env.from_collection(range(3000))

    def note(n: int) -> None:
        with seen.open("a") as file:
            file.write(f"{n}\n")

    numbers.for_each(note)
    few = numbers.limit(2).collect()
    env.submit()
    assert few.get() == [0, 1]
    assert seen.read_text().split() == [str(n) for n in range(3000)]


def test_failures_that_are_read_are_wanted_too(backend: str) -> None:
    env = make(backend)
    odd = env.from_collection(range(2000)).map(_refuse_odd).on_error("route")
    failed = odd.dead_letters().map(lambda letter: letter["item"]).collect()
    few = odd.limit(2).collect()
    env.submit()
    assert few.get() == [0, 2]
    assert failed.get() == list(range(1, 2000, 2))


def _refuse_odd(n: int) -> int:
    if n % 2:
        raise ValueError(n)
    return n


def test_a_source_that_says_nothing_does_not_hold_it_up(backend: str) -> None:
    """It sends nothing, and must hear nevertheless that nothing is wanted."""
    env = make(backend, 1, chaining=False)

    async def silence() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    silent = env.from_source(silence).map(lambda n: n)
    stream = env.from_source(forever).union(silent).limit(4)
    assert stream.execute_and_collect() == [0, 1, 2, 3]


def test_loops_end(backend: str) -> None:
    env = make(backend)
    stream = env.from_source(forever).iterate(
        lambda numbers: numbers.map(lambda n: n - 10).partition(lambda n: n > 0)
    )
    assert len(stream.limit(20).execute_and_collect()) == 20


def test_calls_under_way_are_given_up(backend: str) -> None:
    async def answer(n: int) -> int:
        if n > 3:
            await asyncio.Event().wait()
        return n

    stream = make(backend).from_source(forever).async_map(answer, concurrency=8).limit(3)
    assert stream.execute_and_collect() == [0, 1, 2]


def test_a_queue_that_is_never_closed() -> None:
    queue: QueueSource[int] = QueueSource()
    for n in range(10):
        queue.put(n)
    assert make("threads").from_source(queue).limit(3).execute_and_collect() == [0, 1, 2]


class FailsNow(MapFunction[int, int]):
    """Fails at certain records, once at each; files tell, for attempts may be other processes."""

    def __init__(self, folder: Path, at: frozenset[int]) -> None:
        self.folder = folder
        self.at = at

    def process(self, value: int) -> int:
        mark = self.folder / str(value)
        if value in self.at and not mark.exists():
            mark.touch()
            raise RuntimeError(f"only once at {value}")
        return value


@pytest.mark.parametrize("seed", range(12))
def test_restarts_lose_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    """The limit is reached before, between and behind failures and checkpoints."""
    chance = random.Random(seed)
    count, wanted = 2000, chance.choice([1, 20, 200, 1500])
    at = frozenset(chance.sample(range(count), 3))
    env = make(
        "threads",
        chance.choice([1, 2]),
        **{
            "restart.strategy": "fixed",
            "restart.delay": "1ms",
            "checkpoint.dir": str(tmp_path / "checkpoints"),
            "checkpoint.interval": "2ms",
            "batch.size": chance.choice([1, 16, 1024]),
            "chaining": chance.choice([True, False]),
        },
    )
    marks = tmp_path / "marks"
    marks.mkdir()
    endless = env.from_source(forever)
    first = endless.set_parallelism(1).map(lambda n: n).set_parallelism(1).limit(wanted)
    spread = endless.rebalance().map(lambda n: n % 5).key_by(lambda n: n).count().limit(wanted)
    few, some, total = first.collect(), spread.collect(), first.fold(int, _add).collect()
    kept = env.from_collection(range(count)).map(FailsNow(marks, at)).set_parallelism(1).collect()
    env.submit()
    assert few.get() == list(range(wanted))
    assert total.get() == [sum(range(wanted))]
    assert len(some.get()) == wanted
    seen: dict[int, int] = {}
    for key, n in some.get():
        assert n == seen.get(key, 0) + 1
        seen[key] = n
    assert kept.get() == list(range(count))
    assert len(list(marks.iterdir())) == 3


def _add(sum_: int, n: int) -> int:
    return sum_ + n
