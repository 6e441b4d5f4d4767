"""How the local backend behaves: memory, fairness, ends, failures, cancellation."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from weft_engine.errors import NodeError
from weft_engine.kernel.backends.base import JobCancelledError, OperatorError
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.kernel.graph import Ref
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.stream import DataStream


class Reading:
    """A source that knows how far it was read, and whether it was closed."""

    def __init__(self, count: int, log: list[str] | None = None, name: str = "") -> None:
        self.count = count
        self.read = 0
        self.closed = 0
        self.log = log
        self.name = name

    def __call__(self) -> Iterator[int]:
        try:
            for number in range(self.count):
                self.read += 1
                if self.log is not None:
                    self.log.append(f"{self.name}{number}")
                yield number
        finally:
            self.closed += 1


class Probe:
    """An operator that knows what was done with it."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def process(self, record: Any) -> list[Any]:
        if record == self.fail_at:
            raise ValueError("no good")
        return [record]

    def finish(self) -> list[Any]:
        self.calls.append("finish")
        return []

    def close(self) -> None:
        self.calls.append("close")


def with_policy(env: LocalEnvironment, policy: Policy) -> Any:
    return env.graph.owned("node", policy)


def errors_of(env: LocalEnvironment, stream: DataStream[Any]) -> DataStream[Any]:
    return DataStream(env.graph, Ref(stream.ref.operator, 1))


# Memory


def test_a_source_is_never_read_further_than_a_batch_ahead() -> None:
    source = Reading(5000)
    furthest = 0

    def look(record: int) -> int:
        nonlocal furthest
        furthest = max(furthest, source.read - record)
        return record

    env = LocalEnvironment(batch_size=64)
    env.run(env.from_source(source).map(lambda n: n).flat_map(lambda n: [n]).map(look))
    assert furthest <= 64


def test_one_record_that_becomes_many_is_read_bit_by_bit() -> None:
    source = Reading(100_000)
    env = LocalEnvironment(batch_size=100)
    taken = env.run(env.from_collection(["x"]).flat_map(lambda _: source()).limit(50))
    assert taken == list(range(50))
    assert source.read <= 200


def test_fan_out_leads_each_batch_to_every_branch_before_the_next() -> None:
    source = Reading(1000)
    ahead: list[int] = []
    env = LocalEnvironment(batch_size=10)
    numbers = env.from_source(source)

    def look(n: int) -> int:
        ahead.append(source.read - n)
        return n

    a, b = numbers.map(look), numbers.filter(lambda n: n % 2).map(look)
    assert env.run(a, b) == [list(range(1000)), list(range(1, 1000, 2))]
    assert max(ahead) <= 10


def test_the_probing_side_of_a_join_is_not_read_before_the_other_is_complete() -> None:
    log: list[str] = []
    env = LocalEnvironment(batch_size=4)
    left = env.from_source(Reading(6, log, "left"))
    right = env.from_source(Reading(6, log, "right"))
    pairs = env.run(left.join(right, lambda n: n, lambda n: n, lambda a, b: (a, b)))
    assert pairs == [(n, n) for n in range(6)]
    assert log == [f"right{n}" for n in range(6)] + [f"left{n}" for n in range(6)]


def test_concat_reads_the_second_stream_after_the_first() -> None:
    log: list[str] = []
    env = LocalEnvironment(batch_size=2)
    first, second = env.from_source(Reading(3, log, "a")), env.from_source(Reading(3, log, "b"))
    assert env.run(second.concat(first)) == [0, 1, 2, 0, 1, 2]
    assert log == ["b0", "b1", "b2", "a0", "a1", "a2"]


def test_one_source_may_feed_both_sides_of_a_join() -> None:
    env = LocalEnvironment(batch_size=3)
    numbers = env.from_collection(range(10))
    even = numbers.filter(lambda n: n % 2 == 0)
    joined = env.run(numbers.join(even, lambda n: n, lambda n: n, lambda a, b: (a, b), how="left"))
    assert joined == [(n, n if n % 2 == 0 else None) for n in range(10)]


# Fairness


def test_sources_take_turns() -> None:
    log: list[str] = []
    env = LocalEnvironment(batch_size=1)
    a, b = env.from_source(Reading(4, log, "a")), env.from_source(Reading(4, log, "b"))
    env.run(a.union(b))
    assert [entry[0] for entry in log] == list("abababab")


def test_union_keeps_the_order_of_each_stream() -> None:
    env = LocalEnvironment(batch_size=3)
    small, large = env.from_collection(range(10)), env.from_collection(range(100, 110))
    merged = env.run(small.union(large))
    assert [n for n in merged if n < 100] == list(range(10))
    assert [n for n in merged if n >= 100] == list(range(100, 110))


# Ends


def test_limit_stops_what_nobody_else_needs() -> None:
    source = Reading(100_000)
    env = LocalEnvironment(batch_size=16)
    assert env.run(env.from_source(source).map(lambda n: n).limit(5)) == [0, 1, 2, 3, 4]
    assert source.read <= 32
    assert source.closed == 1


def test_limit_does_not_stop_what_others_need() -> None:
    env = LocalEnvironment(batch_size=16)
    numbers = env.from_collection(range(1000))
    few, all_ = env.run(numbers.limit(5), numbers)
    assert (len(few), len(all_)) == (5, 1000)


def test_a_sink_sees_everything_even_when_a_limit_hangs_behind_the_same_source() -> None:
    written: list[int] = []

    class Sink:
        def open(self) -> None:
            pass

        def write(self, batch: list[int]) -> None:
            written.extend(batch)

        def finish(self) -> int:
            return len(written)

        def close(self) -> None:
            pass

    env = LocalEnvironment(batch_size=16)
    numbers = env.from_collection(range(1000))
    done = numbers.into(Sink)
    few, said = env.run(numbers.limit(2), done)
    assert (few, said, len(written)) == ([0, 1], [1000], 1000)


def test_operators_are_opened_and_closed_once() -> None:
    probe = Probe()
    env = LocalEnvironment(batch_size=2)
    env.run(env.from_collection(range(5)).operate(lambda: probe))
    assert probe.calls == ["open", "finish", "close"]


@pytest.mark.parametrize("size", [1, 1024])
def test_an_empty_stream_is_a_stream(size: int) -> None:
    env = LocalEnvironment(batch_size=size)
    nothing: DataStream[int] = env.from_collection([])
    results = env.run(
        nothing.map(lambda n: n), nothing.to_list(), nothing.sort(), nothing.fold(int, max)
    )
    assert results == [[], [[]], [], [0]]


# Failures


def test_a_failure_names_operator_record_and_cause() -> None:
    env = LocalEnvironment()
    rows = env.from_collection([{"n": 1}, {"n": 0}, {"n": 2}])
    with pytest.raises(OperatorError) as caught:
        env.run(rows.map(lambda row: 1 / row["n"], name="invert"))
    error = caught.value
    assert error.vertex.name == "invert"
    assert error.record == {"n": 0}
    assert isinstance(error.cause, ZeroDivisionError)
    assert error.code == "node.crashed"


def test_a_failure_closes_everything() -> None:
    source, good, bad = Reading(100), Probe(), Probe(fail_at=40)
    env = LocalEnvironment(batch_size=8)
    stream = env.from_source(source).operate(lambda: good).operate(lambda: bad)
    with pytest.raises(OperatorError):
        env.run(stream)
    assert good.calls == ["open", "close"]
    assert bad.calls == ["open", "close"]
    assert source.closed == 1


def test_a_close_that_fails_does_not_hide_the_failure() -> None:
    class Stubborn(Probe):
        def close(self) -> None:
            raise RuntimeError("will not close")

    env = LocalEnvironment()
    other = Probe()
    stream = env.from_collection([1]).operate(lambda: other).operate(lambda: Stubborn(fail_at=1))
    with pytest.raises(OperatorError, match="no good"):
        env.run(stream)
    assert other.calls[-1] == "close"


OPERATORS: dict[str, Callable[[DataStream[Any], Callable[[Any], Any]], DataStream[Any]]] = {
    "map": lambda s, fn: s.map(fn),
    "filter": lambda s, fn: s.filter(lambda n: fn(n) is not None),
    "flat_map": lambda s, fn: s.flat_map(lambda n: [fn(n)]),
    "distinct": lambda s, fn: s.distinct(fn),
    "split": lambda s, fn: s.partition(lambda n: fn(n) is not None)[0],
    "sort": lambda s, fn: s.sort(fn),
    "aggregate": lambda s, fn: s.key_by(fn).aggregate(int, lambda a, n: n, lambda k, n: n),
    "async_map": lambda s, fn: s.async_map(lambda n: _later(fn, n), concurrency=2),
    "join": lambda s, fn: s.join(s, fn, fn, lambda a, b: a),
}


async def _later(fn: Callable[[Any], Any], record: Any) -> Any:
    return fn(record)


def _odd(n: int) -> int:
    if n % 2 == 0:
        raise ValueError(f"{n} is even")
    return n


@pytest.mark.parametrize("size", [1, 3, 1024])
@pytest.mark.parametrize("operator", OPERATORS)
def test_skip_leaves_failed_records_out(operator: str, size: int) -> None:
    env = LocalEnvironment(batch_size=size)
    numbers = env.from_collection(range(1, 10))
    with with_policy(env, Policy(on_error="skip")):
        stream = OPERATORS[operator](numbers, _odd)
    assert env.run(stream) == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("size", [1, 3, 1024])
def test_continue_puts_null_in_the_place(size: int) -> None:
    env = LocalEnvironment(batch_size=size)
    numbers = env.from_collection(range(1, 6))
    with with_policy(env, Policy(on_error="continue")):
        stream = numbers.map(_odd)
    assert env.run(stream) == [1, None, 3, None, 5]


@pytest.mark.parametrize("size", [1, 3, 1024])
@pytest.mark.parametrize("operator", ["map", "filter", "flat_map", "async_map"])
def test_route_sends_failures_to_the_error_output(operator: str, size: int) -> None:
    env = LocalEnvironment(batch_size=size)
    numbers = env.from_collection(range(1, 6))
    with with_policy(env, Policy(on_error="route")):
        stream = OPERATORS[operator](numbers, _odd)
    good, bad = env.run(stream, errors_of(env, stream))
    assert good == [1, 3, 5]
    assert [(failure["item"], failure["node"]) for failure in bad] == [(2, "node"), (4, "node")]
    assert bad[0]["message"] == "2 is even"


def test_failures_hide_secrets_in_their_sample() -> None:
    env = LocalEnvironment()
    row = {"user": "kim", "password": "p", "api": {"accessKey": "k", "token_id": "t"}, "monkey": 1}
    rows = env.from_collection([row])
    with with_policy(env, Policy(on_error="route")):
        stream = rows.map(lambda row: 1 / 0)
    ((failure,)) = env.run(errors_of(env, stream))
    assert failure["sample"] == {
        "user": "kim",
        "password": "•••",
        "api": {"accessKey": "•••", "token_id": "•••"},
        "monkey": 1,
    }


@pytest.mark.parametrize("policy", ["skip", "continue", "route"])
def test_a_source_that_breaks_keeps_what_it_gave(policy: Any) -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise NodeError("torn", code="node.failed")

    env = LocalEnvironment()
    with with_policy(env, Policy(on_error=policy)):
        source = env.from_source(broken)
    good, bad = env.run(source, errors_of(env, source))
    assert good == [1, 2]
    assert [failure["message"] for failure in bad] == (["torn"] if policy == "route" else [])


def test_a_sink_that_breaks_ends_alone_when_told_to() -> None:
    class Full:
        def open(self) -> None:
            pass

        def write(self, batch: list[int]) -> None:
            raise OSError(28, "no space")

        def finish(self) -> str:
            return "done"

        def close(self) -> None:
            pass

    env = LocalEnvironment()
    numbers = env.from_collection(range(3))
    with with_policy(env, Policy(on_error="skip")):
        done = numbers.into(Full)
    assert env.run(done, numbers) == [[], [0, 1, 2]]


# Trying again


def test_records_are_tried_again_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(
        "weft_engine.kernel.backends.local.LocalJob._pause", lambda self, s: pauses.append(s)
    )
    left = {3: 2, 5: 9}

    def flaky(n: int) -> int:
        if left.get(n, 0):
            left[n] -= 1
            raise OSError("busy")
        return n

    env = LocalEnvironment()
    numbers = env.from_collection(range(6))
    policy = Policy(max_attempts=4, delay_s=1, backoff=3, max_delay_s=5, on_error="skip")
    with with_policy(env, policy):
        stream = numbers.map(flaky)
    assert env.run(stream) == [0, 1, 2, 3, 4]
    assert pauses == [1, 3, 1, 3, 5]


def test_a_source_is_tried_again_while_it_gave_nothing() -> None:
    attempts = 0

    def flaky() -> Iterator[int]:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError("busy")
        yield from range(3)

    env = LocalEnvironment()
    with with_policy(env, Policy(max_attempts=3, delay_s=0.001)):
        source = env.from_source(flaky)
    assert env.run(source) == [0, 1, 2]
    assert attempts == 3


def test_a_source_that_gave_something_is_not_read_twice() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("torn")

    env = LocalEnvironment()
    with with_policy(env, Policy(max_attempts=5, delay_s=0.001)):
        source = env.from_source(broken)
    with pytest.raises(OperatorError, match="torn"):
        env.run(source)


def test_a_sink_that_cannot_be_opened_is_tried_again() -> None:
    opened = 0

    class Busy(Probe):
        def open(self) -> None:
            nonlocal opened
            opened += 1
            if opened < 3:
                raise OSError("locked")

    env = LocalEnvironment()
    numbers = env.from_collection(range(2))
    with with_policy(env, Policy(max_attempts=3, delay_s=0.001)):
        stream = numbers.operate(Busy)
    assert env.run(stream) == [0, 1]
    assert opened == 3


def test_what_was_not_opened_is_not_closed() -> None:
    calls: list[str] = []

    class Part(Probe):
        def __init__(self, name: str, fails: bool) -> None:
            super().__init__()
            self.name, self.fails = name, fails

        def open(self) -> None:
            calls.append(f"open {self.name}")
            if self.fails:
                raise OSError("locked")

        def close(self) -> None:
            calls.append(f"close {self.name}")

    env = LocalEnvironment()
    first = env.from_collection(range(2)).operate(lambda: Part("a", fails=False))
    with pytest.raises(OperatorError):
        env.run(first.operate(lambda: Part("b", fails=True)).operate(lambda: Part("c", fails=True)))
    assert calls == ["open a", "open b", "close b", "close a"]


def test_an_operator_on_a_whole_stream_has_a_time_limit() -> None:
    env = LocalEnvironment(batch_size=10)
    numbers = env.from_source(lambda: itertools.count())
    with with_policy(env, Policy(timeout_s=0.02)):
        stream = numbers.map(lambda n: n).sort()
    with pytest.raises(OperatorError) as caught:
        env.run(stream)
    assert caught.value.code == "node.timeout"


# Waiting


class Gate:
    """Counts calls under way."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def call(self, n: int) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(n * 7 % 5):
            await asyncio.sleep(0)
        self.now -= 1
        return n


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("size", [1, 1024])
def test_calls_are_bounded_and_their_results_in_order(concurrency: int, size: int) -> None:
    gate = Gate()
    env = LocalEnvironment(batch_size=size)
    stream = env.from_collection(range(200)).async_map(gate.call, concurrency=concurrency)
    assert env.run(stream) == list(range(200))
    assert gate.most <= concurrency
    if size > 1:
        assert gate.most == concurrency


def test_calls_of_several_branches_wait_at_the_same_time() -> None:
    async def meet(n: int) -> int:
        await asyncio.to_thread(both.wait, 10)
        return n

    both = threading.Barrier(2)
    env = LocalEnvironment()
    a = env.from_collection([1]).async_map(meet)
    b = env.from_collection([2]).async_map(meet)
    assert env.run(a, b) == [[1], [2]]


def test_many_records_before_slow_calls_are_not_piled_up() -> None:
    source = Reading(2000)
    ahead: list[int] = []

    async def look(n: int) -> int:
        ahead.append(source.read - n)
        await asyncio.sleep(0)
        return n

    env = LocalEnvironment(batch_size=10)
    numbers = env.from_source(lambda: ["x"]).flat_map(lambda _: source())
    twice = numbers.async_map(look, concurrency=2).async_map(look, concurrency=2)
    assert env.run(twice) == list(range(2000))
    assert max(ahead) <= 100


def test_a_time_limit_ends_a_call() -> None:
    async def never(n: int) -> int:
        await asyncio.Event().wait()
        return n

    env = LocalEnvironment()
    numbers = env.from_collection([1])
    with with_policy(env, Policy(timeout_s=0.01)):
        stream = numbers.async_map(never)
    with pytest.raises(OperatorError) as caught:
        env.run(stream)
    assert caught.value.code == "node.timeout"


# Cancelling


def test_cancelling_stops_between_batches_and_closes() -> None:
    cancel, source, probe = threading.Event(), Reading(1_000_000), Probe()

    def look(n: int) -> int:
        if n == 100:
            cancel.set()
        return n

    env = LocalEnvironment(batch_size=16)
    stream = env.from_source(source).map(look).operate(lambda: probe)
    with pytest.raises(JobCancelledError):
        env.run(stream, cancel=cancel)
    assert source.read < 200
    assert source.closed == 1
    assert probe.calls[-1] == "close"


def test_cancelling_reaches_calls_under_way() -> None:
    cancel = threading.Event()
    ended: list[str] = []

    async def wait(n: int) -> int:
        cancel.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("let go")
        return n

    env = LocalEnvironment()
    with pytest.raises(JobCancelledError):
        env.run(env.from_collection([1]).async_map(wait), cancel=cancel)
    assert ended == ["let go"]


def test_cancelling_reaches_a_pause_between_attempts() -> None:
    cancel = threading.Event()

    def fail(n: int) -> int:
        cancel.set()
        raise OSError("busy")

    env = LocalEnvironment()
    numbers = env.from_collection([1])
    with with_policy(env, Policy(max_attempts=2, delay_s=3600)):
        stream = numbers.map(fail)
    with pytest.raises(JobCancelledError):
        env.run(stream, cancel=cancel)


# Looking


def test_every_operator_counts_what_goes_through_it() -> None:
    env = LocalEnvironment(batch_size=10)
    numbers = env.from_collection(range(100))
    kept = numbers.filter(lambda n: n % 4 == 0)
    env.run(kept.flat_map(lambda n: [n, n]))
    counts = {
        vertex.kind: (env.counters[vertex.id].records_in, env.counters[vertex.id].records_out)
        for vertex in env.graph.vertices
    }
    assert counts == {"source": (0, 100), "filter": (100, 25), "flat_map": (25, 50)}
    assert all(env.counters[vertex.id].busy_ns > 0 for vertex in env.graph.vertices)


def test_the_plan_puts_neighbours_into_one_chain() -> None:
    env = LocalEnvironment()
    numbers = env.from_collection(range(3)).map(lambda n: n).filter(bool)
    numbers.sort().map(lambda n: n)
    numbers.limit(1)
    described = env.plan().describe()
    kinds = [[operator["kind"] for operator in chain["operators"]] for chain in described["chains"]]
    assert kinds == [["source"], ["map", "filter"], ["sort"], ["map"], ["limit"]]


# Order


MIXED = [3, None, "b", 2.5, True, "a", float("nan"), None, [2], [1], {"a": 1}, b"x"]


def test_values_of_any_kind_have_one_order() -> None:
    env = LocalEnvironment()
    once = env.run(env.from_collection(MIXED).sort())
    again = env.run(env.from_collection(list(reversed(MIXED))).sort())
    assert [repr(v) for v in once] == [repr(v) for v in again]
    assert once[0] is True
    assert once[1:3] == [2.5, 3]
    assert once[4:6] == ["a", "b"]
    assert once[-2:] == [None, None]


def test_null_comes_last_whatever_the_direction() -> None:
    env = LocalEnvironment()
    rows = env.from_collection([1, None, 3, 2])
    assert env.run(rows.sort(), rows.sort(descending=True)) == [
        [1, 2, 3, None],
        [3, 2, 1, None],
    ]


def test_several_keys_have_their_own_direction() -> None:
    env = LocalEnvironment()
    rows = env.from_collection([("a", 1), ("b", 2), ("a", 2), ("b", 1), ("a", 1)])
    keys = [(lambda r: r[0], True), (lambda r: r[1], False)]
    assert env.run(rows.sort(keys)) == [("b", 1), ("b", 2), ("a", 1), ("a", 1), ("a", 2)]


def test_records_without_hash_can_be_keys() -> None:
    env = LocalEnvironment()
    rows = env.from_collection([[1], [2], [1], {"a": [1]}, {"a": [1]}])
    counted = rows.key_by(lambda r: r).aggregate(int, lambda n, _: n + 1)
    assert env.run(counted) == [([1], 2), ([2], 1), ({"a": [1]}, 2)]
    assert env.run(rows.distinct()) == [[1], [2], {"a": [1]}]


def test_streams_of_different_length_cannot_be_paired() -> None:
    env = LocalEnvironment()
    numbers = env.from_collection(range(3))
    with pytest.raises(OperatorError) as caught:
        env.run(numbers.zip(numbers.limit(2)))
    assert caught.value.code == "node.uneven_streams"


def test_streams_of_different_environments_do_not_mix() -> None:
    a, b = LocalEnvironment(), LocalEnvironment()
    with pytest.raises(ValueError, match="different environments"):
        a.from_collection([1]).union(b.from_collection([2]))
