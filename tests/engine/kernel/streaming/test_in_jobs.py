"""The operators in whole programs, on the backends of one process."""

import asyncio
from collections import Counter

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.windows import Count, Session, Sliding, Tumbling, Window

BACKENDS = pytest.mark.parametrize("backend", ["inline", "threads"])
EVENTS = [(n % 5, n * 7 % 400, n) for n in range(400)]  # key, time, value


def environment(backend, parallelism=2):
    config = {"parallelism": parallelism, "seed": 7} if backend == "inline" else {"parallelism": 2}
    return LocalEnvironment("test", config, backend=backend)


def timed(env, events=EVENTS):
    return env.from_collection(events).assign_timestamps(
        lambda event: event[1], max_out_of_orderness=1000
    )


@BACKENDS
@pytest.mark.parametrize("window", [Tumbling(50), Sliding(60, 20), Session(3), Count(7)])
def test_windows(backend, window):
    env = environment(backend)
    counts = timed(env).key_by(lambda event: event[0]).window(window).count()
    found = Counter()
    for key, count in env.execute_and_collect(counts):
        found[key] += count
    times = window.size // window.slide if isinstance(window, Sliding) else 1
    assert found == dict.fromkeys(range(5), 80 * times)


@BACKENDS
def test_joins(backend):
    env = environment(backend)
    left = timed(env).key_by(lambda event: event[0])
    right = timed(env, EVENTS[::3]).key_by(lambda event: event[0])
    near = left.interval_join(right, -5, 10, lambda a, b: (a, b))
    expected = Counter(
        (a, b) for a in EVENTS for b in EVENTS[::3] if a[0] == b[0] and -5 <= b[1] - a[1] <= 10
    )
    assert Counter(env.execute_and_collect(near)) == expected
    env = environment(backend)
    left = timed(env).key_by(lambda event: event[0])
    right = timed(env, EVENTS[::3]).key_by(lambda event: event[0])
    same = left.window_join(right, Tumbling(20), lambda a, b: (a, b))
    expected = Counter(
        (a, b) for a in EVENTS for b in EVENTS[::3] if a[0] == b[0] and a[1] // 20 == b[1] // 20
    )
    assert Counter(env.execute_and_collect(same)) == expected


@BACKENDS
@pytest.mark.parametrize("ordered", [True, False])
def test_async_map(backend, ordered):
    async def slowly(value):
        await asyncio.sleep(0.001 if value % 10 == 0 else 0)
        return value * 2

    env = environment(backend)
    stream = env.from_collection(range(300)).async_map(slowly, concurrency=8, ordered=ordered)
    assert sorted(env.execute_and_collect(stream)) == [value * 2 for value in range(300)]


@BACKENDS
@pytest.mark.parametrize("parallelism", [1, 2])
def test_loops(backend, parallelism):
    def body(stream):
        halved = stream.map(lambda value: value // 2)
        return halved.filter(lambda value: value > 0), halved.filter(lambda value: value == 0)

    env = environment(backend, parallelism)
    left = env.from_collection(range(1, 500)).iterate(body)
    assert env.execute_and_collect(left) == [0] * 499


@BACKENDS
def test_whole_streams(backend):
    env = environment(backend)
    stream = env.from_collection([3, 1, 2, 3, 1])
    assert env.execute_and_collect(stream.sort()) == [1, 1, 2, 3, 3]
    env = environment(backend)
    stream = env.from_collection([3, 1, 2, 3, 1])
    assert sorted(env.execute_and_collect(stream.distinct())) == [1, 2, 3]
    env = environment(backend)
    sums = env.from_collection(range(10)).key_by(lambda v: v % 3).reduce_all(lambda a, b: a + b)
    assert sorted(env.execute_and_collect(sums)) == [12, 15, 18]
    env = environment(backend)
    left, right = env.from_collection([1, 2, 3]), env.from_collection([2, 3, 4])
    pairs = left.join(right, lambda v: v, lambda v: v, lambda a, b: (a, b), how="outer")
    assert set(env.execute_and_collect(pairs)) == {(1, None), (2, 2), (3, 3), (None, 4)}


@BACKENDS
def test_a_window_knows_its_bounds(backend):
    env = environment(backend)
    windows = (
        timed(env)
        .key_by(lambda event: event[0])
        .window(Tumbling(100))
        .process(lambda key, window, records: [(key, window, len(records))])
    )
    found = env.execute_and_collect(windows)
    assert {window for _, window, _ in found} == {Window(at, at + 100) for at in (0, 100, 200, 300)}
    assert sum(count for _, _, count in found) == 400


class FailsOnce:
    """Fails on one record, the first time that it is asked."""

    def __init__(self, at):
        self.at, self.failed = at, False

    def __call__(self, value):
        if value == self.at and not self.failed:
            self.failed = True
            raise OSError("once")
        return value


def recovering(backend, folder):
    config = {
        "parallelism": 2,
        "checkpoint.dir": str(folder),
        "checkpoint.interval": "5ms",
        "restart.strategy": "fixed-delay",
        "restart.attempts": 3,
        "restart.delay": "1ms",
        "batch.size": 16,
        "seed": 3,
    }
    return LocalEnvironment("test", config, backend=backend)


@BACKENDS
def test_results_are_exact_after_a_failure(backend, tmp_path):
    env = recovering(backend, tmp_path)
    ordered = sorted(EVENTS, key=lambda event: event[1])
    fails = FailsOnce(ordered[300])
    counts = (
        timed(env, ordered)
        .map(lambda event: fails(event))  # not copied for every attempt
        .key_by(lambda event: event[0])
        .window(Sliding(60, 20))
        .count()
    )
    found = Counter()
    for key, count in env.execute_and_collect(counts):
        found[key] += count
    assert fails.failed
    assert found == dict.fromkeys(range(5), 240)


@BACKENDS
def test_calls_and_loops_are_exact_after_a_failure(backend, tmp_path):
    async def slowly(value):
        await asyncio.sleep(0.001 if value % 50 == 0 else 0)
        return value

    def body(stream):
        less = stream.map(lambda value: value - 64)
        return less.filter(lambda value: value >= 64), less.filter(lambda value: value < 64)

    env = recovering(backend, tmp_path)
    fails = FailsOnce(63)
    left = (
        env.from_collection(range(64, 1000))
        .async_map(slowly, concurrency=8)
        .iterate(body)
        .map(lambda value: fails(value))
    )
    found = Counter(env.execute_and_collect(left))
    assert fails.failed
    assert found == Counter(value % 64 for value in range(64, 1000))
