"""Runs give what the reference gives, for any seed, concurrency, batch size and cut into units."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.compiler.flows import flow_of
from tests.engine.flows.reference import Outcome, interpret
from tests.engine.flows.running import engine
from tests.engine.flows.strategies import CATALOGUE, flows
from weft_engine.flow.model import Flow

SIZES = st.sampled_from([1, 2, 1024])
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def plain(value: Any) -> Any:
    """Of failures what happened to what; where and in which attempt is tested elsewhere."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict) and "chain" in value:
        return {key: value.get(key) for key in ("code", "message", "item")}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def agrees(flow: Flow, **how: Any) -> Outcome:
    """Run a flow and hold every output against the reference."""
    expected = interpret(flow, CATALOGUE)
    ran = engine(flow, **how)
    assert ran.state == expected.state, ran.result.failure
    if expected.state == "completed":
        names = flow.outputs
        assert plain({name: ran.outputs.get(name, {}) for name in names}) == plain(
            {name: expected.outputs.get(name, {}) for name in names}
        )
    return expected


@settings(max_examples=50, **SLOW)
@given(flow=flows(containers=False), size=SIZES, seed=st.integers(0, 99))
def test_flows_without_containers(flow: Flow, size: int, seed: int) -> None:
    assert agrees(flow, batch_size=size, seed=seed).state == "completed"


@settings(max_examples=80, **SLOW)
@given(flow=flows(), size=SIZES, seed=st.integers(0, 99), parallelism=st.sampled_from([1, 2, 64]))
def test_flows_with_containers(flow: Flow, size: int, seed: int, parallelism: int) -> None:
    how = {"batch_size": size, "seed": seed, "parallelism": parallelism}
    assert agrees(flow, **how).state == "completed"


@settings(max_examples=80, **SLOW)
@given(flow=flows(may_fail=True), seed=st.integers(0, 99))
def test_flows_that_may_fail(flow: Flow, seed: int) -> None:
    agrees(flow, seed=seed)


@settings(max_examples=60, **SLOW)
@given(flow=flows(), data=st.data())
def test_how_a_flow_is_cut_into_units_changes_nothing(flow: Flow, data: st.DataObject) -> None:
    paths = [_path(flow, name) for name in flow.nodes]
    isolate = data.draw(st.frozensets(st.sampled_from(paths)))
    agrees(flow, isolate=isolate)


def _path(flow: Flow, name: str) -> str:
    parent = flow.nodes[name].parent
    return name if parent is None else f"{_path(flow, parent)}/{name}"


def test_more_stretches_than_may_be_under_way_take_turns() -> None:
    nodes = {f"n{at}": "t.texts" for at in range(5)}
    flow = flow_of(nodes, [], outputs=sorted(nodes))

    agrees(flow, parallelism=1)
