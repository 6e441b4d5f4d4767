"""Drawn flows are valid, go through a file unharmed, and mean the same in any order of scopes."""

import random
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.engine.flows.reference import interpret
from tests.engine.flows.strategies import CATALOGUE, flows
from weft_engine.compiler.check import check
from weft_engine.flow.dump import dump
from weft_engine.flow.file import load
from weft_engine.flow.model import Flow

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(flow=flows(may_fail=True))
def test_they_are_valid(flow: Flow) -> None:
    problems = [p for p in check(flow, CATALOGUE) if p.severity == "error"]
    assert problems == []


@SLOW
@given(flow=flows(may_fail=True))
def test_a_file_of_a_flow_is_the_flow(flow: Flow) -> None:
    assert load(dump(flow), source="drawn.yaml") == flow
    assert load(dump(flow, kind="json"), source="drawn.json") == flow


@SLOW
@given(flow=flows(), seed=st.integers(0, 99))
def test_the_order_in_which_scopes_run_changes_nothing(flow: Flow, seed: int) -> None:
    chance = random.Random(seed)

    def pick(waiting: list[Any]) -> int:
        return chance.randrange(len(waiting))

    one, other = interpret(flow, CATALOGUE), interpret(flow, CATALOGUE, pick=pick)
    event(one.state)
    assert (one.outputs, one.variables) == (other.outputs, other.variables)
    assert one.state == other.state == "completed"
    assert sorted(one.calls) == sorted(other.calls)
