"""Time limits of plain functions, by a clock that the functions themselves move."""

from types import SimpleNamespace
from typing import Any

import pytest

from weft_engine.kernel import Inline, JobFailedError, LocalEnvironment, ProcessFunction
from weft_engine.kernel.streaming import limits


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def spend(self, n: int) -> int:
        """As many seconds as the record says."""
        self.now += n
        return n


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(limits, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


BUILD: dict[str, Any] = {
    "map": lambda stream, clock: stream.map(clock.spend),
    "filter": lambda stream, clock: stream.filter(lambda n: clock.spend(n) > 0),
    "flat_map": lambda stream, clock: stream.flat_map(lambda n: [clock.spend(n)]),
    "process": lambda stream, clock: stream.process(lambda n, context: [clock.spend(n)]),
    "keyed": lambda stream, clock: stream.key_by(lambda n: n).process(Spending(clock)),
}


class Spending(ProcessFunction[int, int]):
    """Takes its time between what it gives and its end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __deepcopy__(self, memo: Any) -> "Spending":
        return self

    def process(self, value: int, context: Any) -> Any:
        yield value
        self.clock.spend(value)


@pytest.mark.parametrize("kind", BUILD)
def test_what_took_too_long_has_failed(clock: Clock, kind: str) -> None:
    env = LocalEnvironment("limits", backend="inline")
    numbers = env.from_collection([1, 7, 2, 9, 3])
    slow = BUILD[kind](numbers, clock).on_error("route", timeout="5s")
    kept = slow.collect()
    late = slow.dead_letters().collect()
    env.submit()
    assert kept.get() == [1, 2, 3]
    assert [letter["item"] for letter in late.get()] == [7, 9]
    assert {letter["code"] for letter in late.get()} == {"node.timeout"}


def test_it_is_tried_again(clock: Clock) -> None:
    tries: list[int] = []

    def slow_at_first(n: int) -> int:
        tries.append(n)
        clock.spend(10 if len(tries) < 3 else 1)
        return n

    env = LocalEnvironment("limits", backend="inline")
    stream = env.from_collection([4]).map(slow_at_first)
    patient = stream.on_error("fail", timeout="5s", retries=3, delay=1)
    assert patient.execute_and_collect() == [4]
    assert tries == [4, 4, 4]


def test_a_limit_alone_fails_the_job(clock: Clock) -> None:
    env = LocalEnvironment("limits", backend="inline")
    stream = env.from_collection([1, 6]).map(clock.spend).on_error("fail", timeout="5s")
    with pytest.raises(JobFailedError, match="time limit") as caught:
        stream.execute_and_collect()
    assert caught.value.code == "node.timeout"
    assert caught.value.sample == 6


def test_expressions_have_no_limit(clock: Clock) -> None:
    env = LocalEnvironment("limits", backend="inline")
    stream = env.from_collection([1, 6]).map(Inline("item + 1")).on_error("skip", timeout="1ms")
    assert stream.execute_and_collect() == [2, 7]
