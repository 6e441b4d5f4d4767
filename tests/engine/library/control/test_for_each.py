"""For each: order, concurrency, and what becomes of records that fail."""

import random
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.library.control.stage import FAILURE, Stage, on_stage
from weft_engine.library.control.for_each import AHEAD, ForEach
from weft_engine.nodes.node_type import SKIP


def go(node: ForEach, items: list[Any], outcome: Any, seed: int = 0) -> Stage:
    """Let scopes end in any order; `outcome` says of each item how."""
    stage, chance = on_stage(node, items=items), random.Random(seed)
    while stage.under_way and stage.error is None:
        name = chance.choice(sorted(stage.under_way))
        found = outcome(stage.under_way[name]["item"])
        if found is FAILURE:
            stage.end(name, "failed")
        else:
            stage.end(name, result=found)
    return stage


@given(
    items=st.lists(st.integers(0, 9), max_size=30),
    concurrency=st.integers(1, 8),
    seed=st.integers(0, 1000),
    policy=st.sampled_from(["skip", "null", "collect"]),
)
def test_any_order_of_ends_gives_the_results_in_the_order_of_the_items(
    items: list[int], concurrency: int, seed: int, policy: Any
) -> None:
    def outcome(item: int) -> Any:
        return FAILURE if item == 3 else SKIP if item == 5 else item * 2

    stage = go(ForEach(concurrency=concurrency, on_item_error=policy), items, outcome, seed)

    expected = [None if n == 3 else n * 2 for n in items if n != 5 and (n != 3 or policy == "null")]
    assert stage.results == expected
    errors = [(value["index"], value["item"]) for port, value in stage.emitted if port == "errors"]
    assert errors == [(at, n) for at, n in enumerate(items) if n == 3 and policy == "collect"]
    assert stage.most <= concurrency
    assert stage.result == {}
    assert stage.told[-1] == (len(items), len(items), items.count(3))


@given(seed=st.integers(0, 1000))
def test_without_order_results_come_as_they_are_ready(seed: int) -> None:
    stage = go(ForEach(concurrency=4, ordered=False), list(range(20)), lambda item: item, seed)

    assert sorted(stage.results) == list(range(20))
    assert stage.most == 4


def test_each_scope_is_given_its_item_and_number() -> None:
    stage = on_stage(ForEach(concurrency=3), items=["a", "b"])

    assert stage.under_way == {
        "body:0": {"item": "a", "index": 0},
        "body:1": {"item": "b", "index": 1},
    }


class TestFailures:
    def test_a_failed_item_fails_the_whole(self) -> None:
        stage = on_stage(ForEach(concurrency=2), items=["a", "b", "c"])
        stage.end("1", "failed")

        assert stage.failure == FAILURE
        assert stage.begun == ["body:0", "body:1"], "nothing more was started"

    def test_collected_failures_say_which_item_and_why(self) -> None:
        stage = on_stage(ForEach(on_item_error="collect"), items=["a"])
        stage.end("0", "failed")

        assert stage.emitted == [("errors", {"index": 0, "item": "a", "failure": FAILURE})]

    @pytest.mark.parametrize("policy", ["fail", "skip", "null", "collect"])
    def test_a_cancelled_item_is_no_failed_one(self, policy: Any) -> None:
        stage = on_stage(ForEach(on_item_error=policy), items=["a", "b"])
        stage.end("0", "cancelled")

        assert stage.failure == {"state": "cancelled"}
        assert stage.emitted == []


class TestStreams:
    def test_a_stream_is_read_as_it_is_needed(self) -> None:
        def endless() -> Iterator[int]:
            yield from count()

        stage = on_stage(ForEach(concurrency=3), items=endless())
        for number in range(1000):
            stage.end(str(number), result=number)

        assert stage.read == 1003
        assert len(stage.emitted) == 1000

    def test_what_is_ahead_of_a_slow_item_is_bounded(self) -> None:
        stage = on_stage(ForEach(concurrency=3), items=count())
        while len(stage.under_way) > 1:
            stage.end(max(stage.under_way), result=0)

        assert stage.read == 3 * AHEAD
        stage.end("0", result=0)
        assert len(stage.under_way) == 3

    def test_no_items_give_no_results(self) -> None:
        stage = on_stage(ForEach(), items=[])

        assert (stage.begun, stage.result) == ([], {})

    def test_items_that_were_skipped_skip_it(self) -> None:
        stage = on_stage(ForEach(), items=SKIP)

        assert stage.result == {"results": SKIP, "errors": SKIP}


def test_variables_of_a_record_are_gone_with_it() -> None:
    stage = on_stage(ForEach(), items=["a"])
    stage.end("0", variables={"seen": 1})

    assert stage.kept == {}


@given(ends=st.permutations(range(6)), stop=st.integers(0, 6))
def test_driven_anew_with_the_same_ends_it_asks_for_the_same(ends: list[int], stop: int) -> None:
    def play() -> Stage:
        stage = on_stage(ForEach(concurrency=6), items=list("abcdef"))
        for number in ends[:stop]:
            stage.end(str(number), result=number)
        return stage

    one, other = play(), play()
    assert (one.begun, one.emitted, one.told) == (other.begun, other.emitted, other.told)
