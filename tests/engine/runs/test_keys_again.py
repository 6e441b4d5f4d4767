"""The idempotency keys of another attempt: of what is the same they are those of the run before."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.attempts import Engine, chain, effect, loop, opened, rounds, tried
from tests.engine.runs.engine.harness import seen
from weft_engine.flow.model import Flow
from weft_engine.runs.identities import Identity, handed_on, identity_of


def keys() -> dict[str, list[str]]:
    """The keys with which effects were called in the last run."""
    return {
        name.removesuffix(".keys"): list(calls)
        for name, calls in seen.calls.items()
        if name.endswith(".keys")
    }


def half(fail: int = 1, first: Any = 1, **more: Any) -> Flow:
    """A value, and an effect that fails after it was begun; one beside them."""
    return chain(**{"first": first, "bad": 0, "send": effect("send", fail=fail), **more})


def half_of_each(bad: int = 1, **more: Any) -> Flow:
    """For each of three numbers an effect that fails after it was begun."""
    nodes = loop(bad=9, **more).model_dump(exclude_defaults=True)["nodes"]
    nodes["send"]["settings"]["fail"] = bad
    return Flow.model_validate({**loop().model_dump(mode="json"), "nodes": nodes})


def caught(bad: Any = 1) -> Flow:
    """An effect that catches a failure fails after it was begun."""
    nodes = tried(bad).model_dump(exclude_defaults=True)["nodes"]
    nodes["v"]["settings"]["value"] = bad
    nodes["sorry"]["settings"]["fail"] = 9
    return Flow.model_validate({**tried(bad).model_dump(mode="json"), "nodes": nodes})


@dataclass
class Case:
    """A flow that fails in an effect, the flow as it is then, and which keys stay."""

    before: Flow
    now: Flow
    stay: set[str]
    """Effects all of whose keys of the attempt are of the run before."""
    new: set[str] = field(default_factory=set)
    """Those none of whose keys are."""


CASES = {
    "nothing was changed": Case(half(), half(), {"send"}),
    "something beside it was changed": Case(
        half(), half(beside=effect("beside", fail=5)), {"send"}, {"beside"}
    ),
    "its name was changed": Case(
        half(), half(send=("e.effect", {"name": "send", "fail": 1}, {"name": "Send"})), {"send"}
    ),
    "what lies before it was changed": Case(half(), half(first=3), set(), {"pay", "send"}),
    "itself was changed": Case(half(), half(fail=2), set(), {"send"}),
    "a round failed": Case(half_of_each(), half_of_each(), {"send"}),
    "a loop does more at once": Case(half_of_each(), half_of_each(concurrency=2), {"send"}),
    "other records": Case(half_of_each(), half_of_each(numbers=[4, 5]), set(), {"pay", "send"}),
    "what catches a failure": Case(caught(), caught(), {"sorry"}),
    "what catches another failure": Case(caught(), caught(bad=5), set(), {"sorry"}),
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path) as engine:
        yield engine


@pytest.mark.parametrize("name", CASES)
def test_what_is_the_same_keeps_its_keys(engine: Engine, name: str) -> None:
    case = CASES[name]
    failed, _ = engine.run(engine.request(case.before, "one"))
    assert failed.state == "failed"
    before = keys()
    engine.run(engine.request(case.now, "two", forked_from="one", retry=True))
    after = keys()
    for effect_, found in after.items():
        if effect_ in case.stay:
            assert set(found) <= set(before[effect_]), effect_
        if effect_ in case.new:
            assert set(found).isdisjoint(before[effect_]), effect_
    assert case.stay | case.new <= after.keys()


def test_as_it_was_has_the_keys_of_the_first_attempt(engine: Engine) -> None:
    engine.run(engine.request(half(fail=9), "one"))
    first = keys()["send"]
    for run, former in (("two", "one"), ("three", "two")):
        again = {"forked_from": former, "retry": True, "identity": "one"}
        engine.run(engine.request(half(fail=9), run, **again))
        assert keys() == {"send": first}


def test_a_chain_of_attempts_keeps_keys_until_something_changes(engine: Engine) -> None:
    def again(flow: Flow, run: str, former: str, identity: str = "") -> list[str]:
        request = {"forked_from": former, "retry": True, "identity": identity}
        engine.run(engine.request(flow, run, **request))
        return keys()["send"]

    engine.run(engine.request(half(fail=7), "one"))
    first = keys()["send"]
    assert again(half(fail=7), "two", "one") == first
    assert again(half(fail=7), "three", "two") == first
    assert again(half(fail=7), "four", "three", "three") == first  # as it was
    other = again(half(fail=8), "five", "four")
    assert other != first
    assert again(half(fail=8), "six", "five") == other
    assert again(half(fail=7), "seven", "six") not in (first, other)


def test_the_first_round_alone_is_the_same_where_rounds_follow_from_each_other(
    engine: Engine,
) -> None:
    def flow(by: float, fail: int) -> Flow:
        nodes = rounds(bad=[]).model_dump(exclude_defaults=True)["nodes"]
        nodes["twice"]["settings"]["by"] = 2
        nodes["pay"]["settings"]["fail"] = fail
        nodes["check"]["settings"]["value"] = by
        return Flow.model_validate({**rounds().model_dump(mode="json"), "nodes": nodes})

    engine.run(engine.request(flow(77, 1), "one"))
    (first,) = keys()["pay"]
    engine.run(engine.request(flow(78, 1), "two", forked_from="one", retry=True))
    assert keys()["pay"] == [first]
    nodes = engine.executor.store.entry("two")  # type: ignore[union-attr]
    assert nodes is not None
    assert nodes.request.identities["loop/pay"] == [Identity("one", ("loop",))]


NESTED = {
    "outside of all": ("x", "", {}, "own"),
    "any round": ("a/x", "a:7", {"a/x": [Identity("one")]}, "one"),
    "the first round": ("a/x", "a:0", {"a/x": [Identity("one", ("a",))]}, "one"),
    "its second attempt": ("a/x", "a:0~2", {"a/x": [Identity("one", ("a",))]}, "one"),
    "of a record there": ("a/x", "a:0#5", {"a/x": [Identity("one", ("a",))]}, "one"),
    "a later round": ("a/x", "a:1", {"a/x": [Identity("one", ("a",))]}, "own"),
    "the first of two that holds": (
        "a/b/x", "a:2/b:0", {"a/b/x": [Identity("one", ("a",)), Identity("two", ("b",))]}, "two"
    ),
    "a later round of the inner": (
        "a/b/x", "a:0/b:3", {"a/b/x": [Identity("one", ("a",)), Identity("two", ("b",))]}, "one"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_whose_key_it_is(name: str) -> None:
    path, scope, identities, expected = NESTED[name]
    assert identity_of(identities, path, scope, "own") == expected


def test_what_holds_in_first_rounds_is_handed_on_with_what_held_before() -> None:
    former = {"a/x": [Identity("one", ("a",))], "y": [Identity("one")]}
    assert handed_on(former, "two", {"a/x": ["b"], "y": [], "z": []}) == {
        "a/x": [Identity("one", ("a", "b")), Identity("two", ("b",))],
        "y": [Identity("one")],
        "z": [Identity("two")],
    }
