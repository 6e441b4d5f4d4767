"""Records whose key cannot be found follow the error policy of the operator behind `key_by`."""

from collections import Counter
from typing import Any

import pytest

from weft_engine.kernel import JobFailedError, LocalEnvironment, ProcessFunction, Tumbling

COUNT = 200
BAD = [n for n in range(COUNT) if n % 10 in (3, 4)]


def key(n: int) -> Any:
    if n % 10 == 3:
        raise ValueError("no key")
    return [n] if n % 10 == 4 else n % 5


class Passing(ProcessFunction[int, int]):
    def process(self, value: int, context: Any) -> list[int]:
        return [value]


def windowed(stream: Any) -> Any:
    timed = stream.assign_timestamps(lambda n: n, max_out_of_orderness=COUNT)
    return timed.key_by(key).window(Tumbling(COUNT)).process(lambda key, window, found: found)


BUILD: dict[str, Any] = {
    "map": lambda stream: stream.key_by(key).map(lambda n: n),
    "count": lambda stream: stream.key_by(key).count(),
    "process": lambda stream: stream.key_by(key).process(Passing()),
    "window": windowed,
    "connected": lambda stream: (
        stream.filter(lambda n: n % 2)
        .connect(stream.filter(lambda n: n % 2 == 0))
        .key_by(key, key)
        .co_flat_map(lambda n: [n], lambda n: [n])
    ),
}


@pytest.mark.parametrize("kind", BUILD)
@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("backend", ["inline", "threads", "processes"])
def test_they_are_led_aside(backend: str, parallelism: int, kind: str) -> None:
    config = {"parallelism": parallelism, "workers": 2, "batch.size": 16, "queue.records": 32}
    env = LocalEnvironment("keys", config, backend=backend)
    numbers = env.from_collection(range(COUNT)).map(lambda n: n)
    keyed = BUILD[kind](numbers).on_error("route")
    kept = keyed.collect()
    failed = keyed.dead_letters().collect()
    env.submit()
    assert sorted(letter["item"] for letter in failed.get()) == BAD
    assert len({letter["message"] for letter in failed.get() if letter["item"] % 10 == 3}) == 1
    if kind == "count":
        assert Counter(item[0] for item in kept.get()) == {0: 40, 1: 40, 2: 40, 3: 20, 4: 20}
    else:
        assert sorted(kept.get()) == [n for n in range(COUNT) if n not in BAD]


@pytest.mark.parametrize("policy", ["skip", "continue"])
def test_they_are_left_out(policy: Any) -> None:
    """There is no null in their place: it would have no key."""
    env = LocalEnvironment("keys", {"parallelism": 2, "buffer.timeout": "1ms"})
    kept = env.from_collection(range(COUNT)).key_by(key).map(lambda n: n).on_error(policy)
    assert sorted(kept.execute_and_collect()) == [n for n in range(COUNT) if n not in BAD]


def test_all_of_them_may_fail() -> None:
    env = LocalEnvironment("keys", {"parallelism": 2, "queue.records": 8, "batch.size": 4})
    keyed = env.from_collection([3] * 500).key_by(key).map(lambda n: n).on_error("route")
    kept, failed = keyed.collect(), keyed.dead_letters().collect()
    env.submit()
    assert kept.get() == []
    assert len(failed.get()) == 500


@pytest.mark.parametrize("parallelism", [1, 3])
def test_otherwise_the_job_fails(parallelism: int) -> None:
    env = LocalEnvironment("keys", {"parallelism": parallelism})
    with pytest.raises(JobFailedError, match="no key") as caught:
        env.from_collection(range(COUNT)).key_by(key).count().execute_and_collect()
    assert caught.value.sample == 3
