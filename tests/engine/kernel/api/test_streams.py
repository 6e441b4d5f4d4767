"""What the methods of streams compute, on backends without processes and with several subtasks."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from weft_engine.kernel import (
    AggregateFunction,
    CoMapFunction,
    CoProcessFunction,
    Count,
    DataStream,
    FunctionContext,
    Inline,
    JobFailedError,
    LocalEnvironment,
    ProcessFunction,
    ProgramError,
    Session,
    Sliding,
    Tumbling,
    Window,
)

CASES = [("inline", 1), ("inline", 3), ("threads", 1), ("threads", 3)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def env(request: pytest.FixtureRequest) -> LocalEnvironment:
    backend, parallelism = request.param
    return LocalEnvironment("test", {"parallelism": parallelism}, backend=backend)


def run(stream: DataStream[Any]) -> list[Any]:
    return sorted(stream.execute_and_collect(), key=repr)


def timed(env: LocalEnvironment, times: Iterable[int], **options: Any) -> DataStream[int]:
    """Records that are their own event times, read by one subtask in their order."""
    source = env.from_source(lambda: iter(times))
    return source.assign_timestamps(_self, **options).set_parallelism(1)


def _self(record: Any) -> Any:
    return record


def test_record_by_record(env: LocalEnvironment) -> None:
    stream = env.from_collection(range(20)).map(lambda n: n + 1).filter(lambda n: n % 2)
    words = stream.flat_map(lambda n: [n, -n]).map(Inline("item * factor", factor=10))
    assert run(words) == sorted((s * n * 10 for n in range(1, 21, 2) for s in (1, -1)), key=repr)


def test_null_is_a_record(env: LocalEnvironment) -> None:
    stream = env.from_collection([None, 0, None]).map(lambda record: record)
    assert run(stream) == [0, None, None]
    generated = env.from_source(lambda: iter([None, 1, None]))
    assert run(generated) == [1, None, None]


def test_a_stream_that_is_read_twice(env: LocalEnvironment) -> None:
    numbers = env.from_collection(range(10))
    evens, odds = numbers.partition(lambda n: n % 2 == 0)
    both = evens.map(lambda n: ("even", n)).union(odds.map(lambda n: ("odd", n)), numbers)
    assert len(run(both)) == 20


def test_running_results_by_key(env: LocalEnvironment) -> None:
    keyed = env.from_collection(range(100)).key_by(lambda n: n % 3)
    assert Counter(key for key, _ in run(keyed.count())) == {0: 34, 1: 33, 2: 33}
    assert max(total for key, total in run(keyed.sum()) if key == 1) == sum(range(1, 100, 3))
    assert min(value for _, value in run(keyed.min(lambda n: -n))) == -99
    assert max(run(keyed.reduce(lambda held, n: held + n))) == sum(range(0, 100, 3))
    assert max(run(keyed.max())) == (2, 98)


def test_falsy_keys_stay_together(env: LocalEnvironment) -> None:
    stream = env.from_collection([0, 1] * 50).key_by(lambda n: n)
    assert max(run(stream.count())) == (1, 50)
    assert (0, 50) in run(stream.count())


def test_results_at_the_end(env: LocalEnvironment) -> None:
    numbers = env.from_collection(range(100))
    totals = numbers.key_by(lambda n: n % 7).aggregate(int, lambda total, n: total + n)
    assert dict(run(totals)) == {key: sum(range(key, 100, 7)) for key in range(7)}
    assert run(numbers.fold(int, lambda total, n: total + n)) == [4950]
    assert numbers.sort(descending=True).execute_and_collect() == list(range(99, -1, -1))
    assert run(numbers.map(lambda n: [n % 4]).distinct()) == [[0], [1], [2], [3]]
    assert len(run(numbers.limit(5))) == 5


def test_join_of_whole_streams(env: LocalEnvironment) -> None:
    left = env.from_collection(range(6))
    right = env.from_collection([(2, "two"), (4, "four"), (9, "nine")])
    joined = left.join(
        right, lambda n: n, lambda pair: pair[0], lambda n, pair: (n, pair and pair[1]), how="left"
    )
    assert dict(run(joined)) == {0: None, 1: None, 2: "two", 3: None, 4: "four", 5: None}


class Deduplicate(ProcessFunction[int, int]):
    """The first of every key; the others go to a side output."""

    def open(self, context: FunctionContext) -> None:
        self.seen = context.state.value("seen", False)

    def process(self, value: int, context: FunctionContext) -> Iterable[int] | None:
        if self.seen.value():
            context.emit(value, side="again")
            return None
        self.seen.update(True)
        return [value]


def test_process_with_state_and_side_output(env: LocalEnvironment) -> None:
    first = env.from_collection([1, 2, 1, 3, 1, 2]).key_by(lambda n: n).process(Deduplicate)
    again = first.side_output("again")
    assert run(first) == [1, 2, 3]
    assert run(again) == [1, 1, 2]


def test_side_output_after_dead_letters(env: LocalEnvironment) -> None:
    class Odd(Deduplicate):
        def process(self, value: int, context: FunctionContext) -> Iterable[int] | None:
            if value < 0:
                raise ValueError("negative")
            return super().process(value, context)

    first = env.from_collection([1, -5, 1]).key_by(abs).process(Odd).on_error("route")
    letters = first.dead_letters().map(lambda letter: letter["item"])
    again = first.side_output("again")
    assert run(letters) == [-5]
    assert run(again) == [1]


def test_errors_are_raised_skipped_and_retried(env: LocalEnvironment) -> None:
    numbers = env.from_collection([4, 2, 0, 1])
    with pytest.raises(JobFailedError) as caught:
        numbers.map(lambda n: 8 // n, name="divide").execute_and_collect()
    assert (caught.value.operator, caught.value.sample) == ("divide", 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert run(numbers.map(lambda n: 8 // n).on_error("skip")) == [2, 4, 8]
    assert run(numbers.map(lambda n: 8 // n).on_error("continue")) == [2, 4, 8, None]
    tries: Counter[int] = Counter()

    def flaky(n: int) -> int:
        tries[n] += 1
        if tries[n] < 3:
            raise OSError("not now")
        return n

    assert run(numbers.map(flaky).on_error("fail", retries=2, delay="1ms")) == [0, 1, 2, 4]


def test_tumbling_and_sliding_windows(env: LocalEnvironment) -> None:
    keyed = timed(env, range(0, 100, 10)).key_by(lambda t: t % 20 == 0)
    counts = keyed.window(Tumbling(50)).count()
    assert run(counts) == [(False, 2), (False, 3), (True, 2), (True, 3)]
    sums = keyed.window(Sliding("50ms", "25ms")).sum()
    expected = Counter[Any]()
    for t in range(0, 100, 10):
        for start in range(-50, 100, 25):
            if start <= t < start + 50:
                expected[(t % 20 == 0, start)] += t
    assert run(sums) == sorted(((key, total) for (key, _), total in expected.items()), key=repr)


def test_windows_of_sessions_and_of_counts(env: LocalEnvironment) -> None:
    clicks = timed(env, [1, 3, 5, 100, 101, 300])

    def summary(key: str, window: Window, records: list[int]) -> Iterable[Any]:
        return [(window.start, window.end, sorted(records))]

    sessions = clicks.key_by(lambda t: "me").window(Session(50)).process(summary)
    assert run(sessions) == [(1, 55, [1, 3, 5]), (100, 151, [100, 101]), (300, 350, [300])]
    counted = clicks.key_by(lambda t: "me").window(Count(2)).sum()
    assert run(counted) == sorted([("me", 4), ("me", 105), ("me", 401)], key=repr)
    highest = clicks.window_all(Tumbling(100)).max()
    assert run(highest) == [(None, 101), (None, 300), (None, 5)]


class Mean(AggregateFunction[int, tuple[int, int], float]):
    def create(self) -> tuple[int, int]:
        return (0, 0)

    def add(self, accumulator: tuple[int, int], value: int) -> tuple[int, int]:
        return (accumulator[0] + value, accumulator[1] + 1)

    def result(self, accumulator: tuple[int, int]) -> float:
        return accumulator[0] / accumulator[1]


def test_windows_with_functions_of_ones_own(env: LocalEnvironment) -> None:
    window = timed(env, [0, 10, 20, 60]).key_by(lambda t: "k").window(Tumbling(50))
    assert run(window.aggregate(Mean)) == [("k", 10.0), ("k", 60.0)]
    assert run(window.reduce(max)) == [20, 60]
    folded = window.fold(list, lambda held, t: [*held, t], result=lambda k, w, v: (w.end, v))
    assert run(folded) == [(100, [60]), (50, [0, 10, 20])]


def test_late_records(env: LocalEnvironment) -> None:
    env.configure(**{"batch.size": 1})  # time goes on from batch to batch
    times = [10, 120, 20, 130]  # 20 comes when its window is over
    result = timed(env, times).key_by(lambda t: 0).window(Tumbling(100)).late_output().count()
    late = result.side_output("late")
    assert run(result) == [(0, 1), (0, 2)]
    assert run(late) == [20]
    patient = timed(env, times, max_out_of_orderness=100).key_by(lambda t: 0)
    assert run(patient.window(Tumbling(100)).count()) == [(0, 2), (0, 2)]


def test_joins_over_time(env: LocalEnvironment) -> None:
    orders = timed(env, [10, 50, 90]).key_by(lambda t: "k")
    payments = timed(env, [15, 52, 300]).key_by(lambda t: "k")
    near = orders.interval_join(payments, 0, "10ms", lambda o, p: (o, p))
    assert run(near) == [(10, 15), (50, 52)]
    joined = orders.window_join(payments, Tumbling(100), lambda o, p: (o, p), how="outer")
    expected = [(o, p) for o in (10, 50, 90) for p in (15, 52)] + [(None, 300)]
    assert run(joined) == sorted(expected, key=repr)


def test_window_joins_wait_for_late_records(env: LocalEnvironment) -> None:
    """A watermark from elsewhere closes the window before its second record comes."""
    env.configure(**{"batch.size": 1})
    left = timed(env, [1, 30, 2, 60, 3]).key_by(lambda n: 0)
    right = timed(env, [4, 31, 61, 5, 6]).key_by(lambda n: 0)
    open_ = left.window_join(
        right, Tumbling(10), lambda a, b: (a, b), allowed_lateness=1000, late_output=True
    )
    assert {(a, b) for a in (1, 2, 3) for b in (4, 5, 6)} <= set(run(open_))
    assert run(open_.side_output("late")) == []
    strict = left.window_join(right, Tumbling(10), lambda a, b: (a, b), late_output=True)
    late, pairs = run(strict.side_output("late")), run(strict)
    assert set(late) <= {1, 2, 3, 4, 5, 6}
    assert set(pairs) <= set(run(open_))
    with pytest.raises(ProgramError, match="lateness"):
        left.window_join(right, Count(2), lambda a, b: (a, b), allowed_lateness="1s")


class Label(CoMapFunction[int, str, str]):
    def map1(self, value: int) -> str:
        return f"number {value}"

    def map2(self, value: str) -> str:
        return f"text {value}"


class Rules(CoProcessFunction[str, str, str]):
    """Words that are on a list of the same key; words wait until there is one."""

    def open(self, context: FunctionContext) -> None:
        self.allowed = context.state.value("allowed")
        self.waiting = context.state.list("waiting")

    def process1(self, value: str, context: FunctionContext) -> Iterable[str] | None:
        if self.allowed.value() is None:
            self.waiting.add(value)
            return None
        return [value] if value == self.allowed.value() else None

    def process2(self, value: str, context: FunctionContext) -> Iterable[str] | None:
        self.allowed.update(value)
        words, _ = self.waiting.get(), self.waiting.clear()
        return [word for word in words if word == value]


def test_connected_streams(env: LocalEnvironment) -> None:
    numbers, texts = env.from_collection([1, 2]), env.from_collection(["a"])
    labelled = numbers.connect(texts).co_map(Label)
    assert run(labelled) == ["number 1", "number 2", "text a"]
    third = env.from_collection([0.5])
    mapped = numbers.connect(texts, third).co_map(lambda n: -n, str.upper, lambda f: f * 2)
    assert run(mapped) == sorted([-1, -2, "A", 1.0], key=repr)
    flat = numbers.connect(texts).co_flat_map(lambda n: range(n), lambda t: [])
    assert run(flat) == [0, 0, 1]


def test_connected_streams_share_state_by_key(env: LocalEnvironment) -> None:
    words = env.from_collection(["apple", "avocado", "banana", "apple"])
    rules = env.from_collection(["apple", "blueberry"])
    connected = words.connect(rules).key_by(lambda w: w[0], lambda r: r[0])
    assert run(connected.co_process(Rules())) == ["apple", "apple"]


def test_async_map(env: LocalEnvironment) -> None:
    async def double(n: int) -> int:
        return n * 2

    numbers = env.from_collection(range(50))
    assert sorted(numbers.async_map(double, concurrency=7).execute_and_collect()) == list(
        range(0, 100, 2)
    )
    unordered = numbers.async_map(double, ordered=False, timeout="30s", retry=1)
    assert sorted(unordered.execute_and_collect()) == list(range(0, 100, 2))


def test_iterate(env: LocalEnvironment) -> None:
    def collatz(numbers: DataStream[Any]) -> tuple[DataStream[Any], DataStream[Any]]:
        stepped = numbers.map(
            lambda pair: (pair[0] // 2 if pair[0] % 2 == 0 else 3 * pair[0] + 1, pair[1] + 1)
        )
        return stepped.partition(lambda pair: pair[0] != 1)

    starts = env.from_collection([(6, 0), (7, 0), (27, 0)])
    steps = starts.iterate(collatz, max_rounds=1000).map(lambda pair: pair[1])
    assert sorted(steps.execute_and_collect()) == [8, 16, 111]


def test_exchanges(env: LocalEnvironment) -> None:
    numbers = env.from_collection(range(30))
    copies = numbers.broadcast().map(lambda n: n)
    assert len(run(copies)) == 30 * env.settings.parallelism
    assert run(numbers.rebalance().map(lambda n: n)) == sorted(range(30), key=repr)
    assert run(numbers.gather().map(lambda n: n)) == sorted(range(30), key=repr)
    assert run(numbers.partition_custom(lambda n: n).map(lambda n: n)) == sorted(
        range(30), key=repr
    )


def test_collect_and_submit_again(env: LocalEnvironment) -> None:
    numbers = env.from_collection(range(5))
    collected = numbers.map(lambda n: n * n).collect()
    with pytest.raises(ProgramError, match="nothing has been collected"):
        collected.get()
    for _ in range(2):
        job = env.submit()
        assert job.state == "finished"
        assert sorted(collected.get()) == [0, 1, 4, 9, 16]


def test_only_what_is_submitted_runs(env: LocalEnvironment) -> None:
    seen: list[Any] = []
    numbers = env.from_collection(range(5))
    mine = numbers.map(lambda n: -n).sink(seen.append)
    numbers.sink(lambda n: seen.append("other"))
    env.submit(mine)
    assert sorted(seen) == [-4, -3, -2, -1, 0]


def test_a_handle_keeps_to_jobs_with_its_stream(env: LocalEnvironment) -> None:
    numbers = env.from_collection(range(3))
    collected = numbers.collect()
    other = numbers.sink(_self)
    env.submit()
    env.submit(other)
    assert sorted(collected.get()) == [0, 1, 2]


def test_names_uids_and_settings_of_operators(env: LocalEnvironment) -> None:
    stream = env.from_collection([1]).map(_self).name("same").uid("mine").set_parallelism(2)
    vertex = stream.disable_chaining().place_on("gpu").vertex
    assert (vertex.name, vertex.uid, vertex.parallelism) == ("same", "mine", 2)
    assert (vertex.chain, vertex.placement) == (False, "gpu")
    with pytest.raises(ProgramError, match="belongs to the operator 'same'"):
        stream.map(_self, uid="mine")
