"""What fused operators do beside computing."""

import itertools
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.codegen.stages import Running, spec
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.codegen.build import make_operators
from weft_engine.kernel.codegen.running import Running as RunningTable
from weft_engine.kernel.functions import (
    AggregateFunction,
    FunctionContext,
    MapFunction,
    ReduceFunction,
)
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.physical import Stage
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import StateSpec


def tenth(value: int) -> int:
    return value % 10


def inverse(value: int) -> float:
    return 1 / value


# Failures


@pytest.mark.parametrize("variant", ["fast", "instrumented", "stepping"])
@pytest.mark.parametrize("fn", [inverse, Inline("1 / item")])
def test_failures_name_operator_and_record(variant: Any, fn: Any) -> None:
    chain = spec("map", abs, uid="a"), spec("map", fn, uid="b"), spec("map", abs, uid="c")
    with pytest.raises(OperatorFailure) as caught:
        Running(*chain, variant=variant).push([2, 0, 3])
    assert (caught.value.uid, caught.value.record) == ("b", 0)
    assert isinstance(caught.value.cause, ZeroDivisionError)
    assert caught.value.__cause__ is caught.value.cause


def broken_halfway(value: int) -> Iterator[int]:
    yield value
    raise ValueError(value)


@pytest.mark.parametrize(
    ("kind", "params", "key", "record"),
    [
        ("filter", {"fn": inverse}, None, 0),
        ("for_each", {"fn": inverse}, None, 0),
        ("flat_map", {"fn": inverse}, None, 2),
        ("flat_map", {"fn": broken_halfway}, None, 2),
        ("route", {"fn": inverse}, None, 2),
        ("reduce_running", {"fn": lambda a, b: a / 0}, lambda x: None, 0),
        ("reduce_running", {"fn": max}, inverse, 0),
        ("reduce_running", {"fn": max}, lambda x: [], 2),
        ("aggregate_running", {"create": inverse, "add": max}, abs, 2),
        ("aggregate_running", {"create": int, "add": inverse}, abs, 2),
        ("map_batch", {"fn": inverse}, None, [2, 0]),
    ],
)
@pytest.mark.parametrize("variant", ["fast", "instrumented"])
def test_every_kind_is_found(
    kind: str, params: dict[str, Any], key: Any, record: Any, variant: Any
) -> None:
    chain = spec("map", uid="before", fn=abs), spec(kind, uid="it", key=key, **params)
    with pytest.raises(OperatorFailure) as caught:
        Running(*chain, variant=variant).push([2, 0])
    assert (caught.value.uid, caught.value.record) == ("it", record)


def test_tracebacks_show_the_generated_line() -> None:
    with pytest.raises(OperatorFailure) as caught:
        Running(spec("map", Inline("item / 0"), uid="divide")).push([1])
    text = "".join(traceback.format_exception(caught.value.cause))
    assert "<weft chain:'divide'" in text
    assert "_v1 = (_v0 / 0)" in text


def test_what_fails_behind_the_loop_is_not_blamed_on_it() -> None:
    running = Running(spec("map", abs, uid="a"))

    class FullError(Exception):
        pass

    def full(batch: Batch, output: int = 0) -> None:
        raise FullError

    running.contexts[0].emit = full  # type: ignore[assignment]
    with pytest.raises(FullError):
        running.push([1])


def test_retries_wait_longer_and_longer() -> None:
    attempts = itertools.count()

    def third_time(value: int) -> int:
        if next(attempts) < 2:
            raise OSError("no")
        return value

    policy = Policy(max_attempts=3, delay_s=1.0, backoff=2.0)
    running = Running(spec("map", third_time, policy=policy)).push([7])
    assert running.out() == [7]
    assert running.contexts[0].counters == {"retries": 2}
    assert running.contexts[0].clock == 3000


def test_a_flat_map_is_not_tried_again_once_it_has_emitted() -> None:
    calls: list[int] = []

    def broken_late(value: int) -> Iterator[int]:
        calls.append(value)
        yield from range(5)
        raise ValueError

    policy = Policy(max_attempts=3, on_error="skip", delay_s=0)
    running = Running(spec("flat_map", broken_late, policy=policy), batch_size=2).push([1])
    assert (running.out(), calls) == ([0, 1, 2, 3], [1])


def test_names_cannot_become_code() -> None:
    uid = "a'\"\n    raise SystemExit\n#\u2028\x0c{}"
    running = Running(
        spec("map", abs, uid=uid), spec("map", abs, uid=uid + "b"), variant="stepping"
    )
    assert running.push([-1]).out() == [1]


# Functions with a life


class Tagged(MapFunction[Any, Any]):
    opened = 0
    closed = 0

    def open(self, context: FunctionContext) -> None:
        type(self).opened += 1

    def process(self, value: Any) -> Any:
        return value, self.context.name, self.context.key, self.context.timestamp

    def close(self) -> None:
        type(self).closed += 1


@pytest.mark.parametrize("fn", [Tagged, Tagged()])
def test_functions_know_key_and_time(fn: Any) -> None:
    Tagged.opened = Tagged.closed = 0
    chain = spec("map", abs, timed=True), spec("map", fn, uid="tag", key=tenth, timed=True)
    running = Running(*chain).push([-13], [5])
    assert running.out() == [(13, "tag", 3, 5)]
    running.close()
    assert (Tagged.opened, Tagged.closed) == (1, 1)


def test_one_that_fails_to_open_is_closed() -> None:
    class Never(Tagged):
        def open(self, context: FunctionContext) -> None:
            raise OSError("no")

    Never.closed = 0
    with pytest.raises(OSError, match="no"):
        Running(spec("map", Never))
    assert Never.closed == 1


class Total(ReduceFunction[int]):
    def process(self, held: int, value: int) -> int:
        return held + value


class Mean(AggregateFunction[int, tuple[int, int], float]):
    def create(self) -> tuple[int, int]:
        return 0, 0

    def add(self, accumulator: tuple[int, int], value: int) -> tuple[int, int]:
        return accumulator[0] + value, accumulator[1] + 1

    def result(self, accumulator: tuple[int, int]) -> float:
        return accumulator[0] / accumulator[1]


def test_running_results_by_objects() -> None:
    running = Running(spec("reduce_running", Total, key=tenth))
    assert running.push([1, 11, 2]).push([21]).out() == [1, 12, 2, 33]
    running = Running(spec("aggregate_running", Mean(), key=tenth))
    assert running.push([1, 11, 2, 21]).out() == [1, 6, 2, 11]


def test_results_may_know_their_key() -> None:
    params = {"create": int, "add": lambda held, _: held + 1, "result": lambda key, n: f"{key}:{n}"}
    assert Running(spec("aggregate_running", key=tenth, **params)).push([1, 11, 2]).out() == [
        "1:1",
        "1:2",
        "2:1",
    ]


# Keys


def test_keys_of_the_sender_are_used() -> None:
    running = Running(spec("reduce_running", max, key=inverse))
    assert running.push([0, 5, 3], keys=["a", "b", "a"]).out() == [0, 5, 3]
    assert running.batches()[0].keys is None


def test_keys_of_another_operator_are_not_taken_for_ones_own() -> None:
    chain = (
        spec("reduce_running", Total, uid="one", key=abs),
        spec("reduce_running", Total, uid="two", key=lambda value: "same"),
    )
    assert Running(*chain).push([1, 2], keys=["x", "y"]).out() == [1, 3]


def test_values_none_and_keys_none_count() -> None:
    running = Running(spec("reduce_running", lambda a, b: (a, b), key=lambda value: None))
    assert running.push([None, None]).push([None]).out() == [
        None,
        (None, None),
        ((None, None), None),
    ]


def test_state_is_written_back_before_snapshots_and_when_there_is_much() -> None:
    running = Running(spec("reduce_running", Total, key=abs))
    table = running.contexts[0].state.table(StateSpec("running"))
    running.push([1, 2, 1])
    running.operators[0].snapshot(1)
    assert dict(table.items()) == {1: 2, 2: 2}
    running.push(range(70_000))
    assert dict(table.items())[69_999] == 69_999
    assert running.push([1]).out()[-1] == 4


class Seen(StreamOperator):
    """Stands behind a loop."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def process(self, port: int, batch: Batch) -> None:
        self.batches.append(batch)


@pytest.mark.parametrize(
    "before", [spec("map", abs), spec("map_batch", list), spec("flat_map", lambda value: [value])]
)
def test_keys_are_filled_for_a_keyed_operator_behind_the_loop(before: Any) -> None:
    behind = spec("process_function", uid="behind", key=tenth, fn=Tagged)
    running = Running(before, behind)
    running.contexts[0].next_one = seen = Seen()
    running.push([15, 27])
    assert seen.batches == [Batch([15, 27], None, [5, 7])]


def test_keys_are_filled_between_two_operators_without_a_loop() -> None:
    one, two = (spec("process_function", Tagged, uid=uid, key=tenth) for uid in "ab")
    _, second = make_operators(Stage(0, "stage", (one, two), 1))
    seen = Seen()
    second.operator = seen  # type: ignore[attr-defined]
    second.process(0, Batch([13], None, ["old"]))
    assert seen.batches == [Batch([13], None, [3])]


def spoil(value: list[int]) -> list[int]:
    value.append(0)
    return value


@pytest.mark.parametrize("kind", ["map", "map_batch"])
def test_records_are_copied_where_that_is_asked_for(kind: str) -> None:
    fn: Any = spoil if kind == "map" else lambda values: [spoil(value) for value in values]
    first, second = spec("map", Inline("item"), uid="a"), spec(kind, fn, uid="b")
    record = [1]
    assert Running(first, replace(second, copies=True)).push([record]).out() == [[1, 0]]
    assert record == [1]
    Running(first, second).push([record])
    assert record == [1, 0]


def test_an_operator_without_a_loop_gets_copies_too() -> None:
    one = spec("process_function", Tagged, uid="a")
    _, second = make_operators(Stage(0, "stage", (one, replace(one, copies=True)), 1))
    seen = Seen()
    second.operator = seen  # type: ignore[attr-defined]
    record = [1]
    second.process(0, Batch([record]))
    assert seen.batches == [Batch([[1]])]
    assert seen.batches[0].values[0] is not record


class Counted:
    """A table that tells how it is read."""

    batched = True

    def __init__(self) -> None:
        self.entries: dict[Any, Any] = {1: 10}
        self.begun: list[set[Any]] = []

    def begin(self, keys: Any) -> dict[Any, Any]:
        self.begun.append(set(keys))
        return self.entries

    def done(self, keys: Any) -> None:
        pass

    def get(self, key: Any, default: Any = None) -> Any:
        raise AssertionError("read one by one")


def test_what_is_better_read_at_once_is() -> None:
    running = Running(spec("reduce_running", Total, key=tenth))
    table = Counted()
    running.fused.part.running = RunningTable(table)  # type: ignore[arg-type]
    assert running.push([1, 2, 1], keys=[1, 2, 1]).out() == [11, 2, 12]
    assert running.push([5, 5], keys=[2, 3]).out()[3:] == [7, 5]
    running.end()
    assert table.begun == [{1, 2}, {3}, {1, 2, 3}]
    assert table.entries == {1: 12, 2: 7, 3: 5}


class Edge:
    """A hash edge to three subtasks."""

    def __init__(self, key: Any) -> None:
        self.key = key
        self.targets = 3
        self.cache: dict[Any, int] = {}
        self.sent: list[Sequence[Batch | None]] = []

    def target_of(self, key: Any) -> int:
        self.cache[key] = key % 3
        return self.cache[key]

    def send_parts(self, parts: Sequence[Batch | None]) -> None:
        self.sent.append(parts)


@pytest.mark.parametrize("key", [tenth, Inline("item % 10")])
def test_a_loop_distributes_over_a_hash_edge(key: Any) -> None:
    edge = Edge(key)
    running = Running(spec("map", abs, timed=True), edge=edge).push([-13, 4, 25], [1, 2, 3])
    assert edge.sent == [[Batch([13], [1], [3]), Batch([4], [2], [4]), Batch([25], [3], [5])]]
    assert running.out() == []
    assert running.contexts[0].shares[1] == 3


def test_a_hash_edge_gets_bounded_batches_too() -> None:
    edge = Edge(tenth)
    Running(spec("flat_map", lambda n: range(n)), edge=edge, batch_size=4).push([10])
    assert [[part.values if part else None for part in parts] for parts in edge.sent] == [
        [[0, 3], [1], [2]],
        [[6], [4, 7], [5]],
        [[9], None, [8]],
    ]


@pytest.mark.parametrize("backend", ["heap", "disk"])
def test_both_state_backends_give_the_same(backend: Any, tmp_path: Path) -> None:
    keys = [n * n % 7001 for n in range(20_000)]
    running = Running(spec("aggregate_running", create=int, add=lambda n, _: n + 1, key=abs))
    store = make_store(Settings(state_backend=backend), range(128), 128, "op", lambda: 0, tmp_path)
    running.fused.part.running = RunningTable(store.table(StateSpec("running")), int)
    counts: Counter[int] = Counter()
    for start in range(0, len(keys), 100):
        batch = keys[start : start + 100]
        running.push(batch, keys=batch)
        if start % 3000 == 0:
            running.operators[0].snapshot(start)
    wanted = [(key, counts.update([key]) or counts[key]) for key in keys]
    assert running.out() == wanted
    running.end()
    assert dict(store.table(StateSpec("running")).items()) == counts
    store.close()


# Batches


def test_a_flat_map_of_a_million_keeps_batches_short() -> None:
    longest = 0
    running = Running(
        spec("flat_map", lambda n: iter(range(n))), spec("filter", Inline("item % 2"))
    )

    def emit(batch: Batch, output: int = 0) -> None:
        nonlocal longest
        longest = max(longest, len(batch))

    running.contexts[-1].emit = emit  # type: ignore[assignment]
    running.push([1_000_000])
    assert longest == 1024


def test_many_flat_maps_nest() -> None:
    chain = [spec("flat_map", Inline("[item, item]"), uid=f"f{n}") for n in range(10)]
    chain.append(spec("flat_map", Inline("[]"), uid="none"))
    chain += [spec("flat_map", Inline("[item]"), uid=f"g{n}") for n in range(20)]
    assert Running(*chain[:10], *chain[11:]).push([1]).out() == [1] * 1024
    assert Running(*chain).push([1]).out() == []


def test_the_batch_that_came_in_is_not_changed() -> None:
    batch = Batch([3, 1, 2])
    Running(spec("map_batch", lambda xs: xs.sort() or xs)).operators[0].process(0, batch)
    Running(spec("identity")).operators[0].process(0, batch)
    assert batch == Batch([3, 1, 2])


def test_times_of_a_batch_that_grows() -> None:
    running = Running(spec("map_batch", lambda xs: [*xs, 9], timed=True)).push([1, 2], [7, 5])
    assert (running.out(), running.times()) == ([1, 2, 9], [7, 7, 7])


def test_a_route_that_does_not_exist() -> None:
    chain = spec("map", abs), spec("route", Inline("item"), uid="route", outputs=2)
    assert Running(*chain).push([1, 0, -1]).out(1, 1) == [1, 1]
    with pytest.raises(OperatorFailure) as caught:
        Running(*chain).push([2])
    assert caught.value.uid == "route"
    assert "there are 2" in str(caught.value)


def test_a_batch_given_to_the_middle_goes_on_from_there() -> None:
    chain = [spec("map", Inline("item * 10 + n", n=n), uid=f"m{n}") for n in (1, 2, 3)]
    running = Running(*chain)
    running.operators[1].process(0, Batch([7]))
    assert running.out() == [723]


# Variants


def test_every_step_can_be_seen_and_changed() -> None:
    steps: list[tuple[str, str, Any]] = []

    def hook(uid: str, phase: str, value: Any) -> Any:
        steps.append((uid, phase, value))
        return 40 if (uid, phase) == ("filter", "in") else value

    chain = (
        spec("map", Inline("item + 1")),
        spec("filter", Inline("item > 9")),
        spec("for_each", abs),
    )
    running = Running(*chain, variant="stepping")
    running.fused.hook = hook
    running.push([1])
    assert steps == [
        ("map", "in", 1),
        ("map", "out", 2),
        ("filter", "in", 2),
        ("filter", "out", 40),
        ("for_each", "in", 40),
    ]


def test_the_variant_may_change_between_batches() -> None:
    seen: list[Any] = []
    running = Running(spec("map", abs), spec("reduce_running", max, key=tenth)).push([1])
    running.fused.hook = lambda uid, phase, value: seen.append(value) or value
    running.fused.variant = "stepping"
    running.push([11])
    running.fused.variant = "fast"
    assert running.push([5, 1]).out() == [1, 11, 5, 11]
    assert seen == [11, 11, 11, 11]


def test_records_and_time_are_shared_out() -> None:
    chain = spec("map", abs), spec("filter", Inline("item % 4 == 0")), spec("map", abs, uid="last")
    running = Running(*chain)
    for start in range(0, 60_000, 100):
        running.push(range(start, start + 100))
    running.end()
    shares = [context.shares for context in running.contexts]
    assert [share[:2] for share in shares] == [[0, 60_000], [60_000, 15_000], [15_000, 0]]
    assert sum(share[2] for share in shares) == 0
    assert shares[1][2] > 0
    assert shares[2][2] > 0


def test_code_is_compiled_once() -> None:
    one, other = (Running(spec("map", abs, uid="same")).push([1]).fused for _ in range(2))
    codes = [next(iter(each._chains.values())).loops[0][1].run.__code__ for each in (one, other)]
    assert codes[0] is codes[1]
