"""Runs give what the reference gives, at any batch size."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.compiler.flows import given as gave
from tests.engine.compiler.flows import run
from tests.engine.flows.reference import Outcome, interpret
from tests.engine.flows.strategies import CATALOGUE, flows
from weft_engine.flow.model import Flow

SIZES = st.sampled_from([1, 2, 1024])


def plain(value: Any) -> Any:
    """Of failures what happened to what; where and in which attempt is tested elsewhere."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict) and "chain" in value:
        return {key: value.get(key) for key in ("code", "message", "item")}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def agrees(flow: Flow, size: int) -> Outcome:
    """Run a flow and hold every output against the reference."""
    expected = interpret(flow, CATALOGUE)
    with TemporaryDirectory() as folder:
        ran = run(flow, Path(folder), catalogue=CATALOGUE, batch_size=size)
        assert ran.state == expected.state, ran.result.failure
        if expected.state == "completed":
            got = {
                name: {port: gave(ran, name, port) for port in ports}
                for name, ports in ran.result.outputs.items()
                if ports and CATALOGUE.work_of(flow.nodes[name]).outputs
            }
            assert plain({name: got.get(name, {}) for name in flow.outputs}) == plain(
                {name: expected.outputs.get(name, {}) for name in flow.outputs}
            )
    return expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows(containers=False), size=SIZES)
def test_flows_without_containers(flow: Flow, size: int) -> None:
    assert agrees(flow, size).state == "completed"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows(containers=False, may_fail=True), size=SIZES)
def test_flows_that_may_fail(flow: Flow, size: int) -> None:
    agrees(flow, size)
