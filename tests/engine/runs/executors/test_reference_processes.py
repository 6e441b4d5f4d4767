"""Random flows give in worker processes what the reference gives."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.flows.reference import interpret
from tests.engine.flows.strategies import CATALOGUE, flows
from tests.engine.flows.test_reference import plain
from tests.engine.runs.engine.harness import flow_of
from tests.engine.runs.executors.harness import execute
from tests.engine.runs.executors.nodes import catalogue
from weft_engine.flow.model import Flow, Node
from weft_engine.runs.executors import remote_parts
from weft_engine.runs.executors.remote_crew import Crew


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(flow=flows(may_fail=True), parallelism=st.sampled_from([1, 2, 8]))
def test_flows_in_processes(
    processes: Crew, monkeypatch: pytest.MonkeyPatch, flow: Flow, parallelism: int
) -> None:
    monkeypatch.setattr(remote_parts, "LARGE", 2)
    expected = interpret(flow, CATALOGUE)
    with TemporaryDirectory() as folder:
        ran = execute(processes, flow, CATALOGUE, Path(folder), parallelism=parallelism)
    assert ran.state == expected.state, ran.result.failure
    if expected.state == "completed":
        found = {
            name: {port: ran.gave(name, port) for port in ran.outputs.get(name, {})}
            for name in flow.outputs
            if CATALOGUE.work_of(flow.nodes[name]).outputs
        }
        wanted = {name: expected.outputs.get(name, {}) for name in found}
        assert plain(found) == plain(wanted)


ROWS = flow_of(
    {
        "m": ("x.many", {"count": 400}),
        "b": "e.io",
        "f": ("data.filter", {"where": "item.n % 3 == 0"}),
        "c": ("data.columns", {"drop": ["t"]}),
        "j": "e.bad",
    },
    ["m.out>b.item", "b.out>f.rows", "f.rows>c.rows", "c.rows>j.item"],
    outputs=["j"],
)


@pytest.mark.parametrize("bad", [None, {"n": 300}], ids=["well", "with a failure"])
def test_parts_of_a_stream_give_and_tell_what_the_whole_does(
    processes: Crew, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad: Any
) -> None:
    flow = ROWS.replace(nodes={**ROWS.nodes, "j": Node(type="e.bad", settings={"value": bad})})
    monkeypatch.setattr(remote_parts, "LARGE", 40)
    begun: list[int] = []
    divided = remote_parts.Parts._divided

    def counted(parts: remote_parts.Parts) -> Any:
        for part in divided(parts):
            begun.append(part.count)
            yield part

    monkeypatch.setattr(remote_parts.Parts, "_divided", counted)

    here = execute(None, flow, catalogue(), tmp_path / "here")
    there = execute(processes, flow, catalogue(), tmp_path / "there", parallelism=4)

    assert begun == [100] * 4
    assert (there.state, there.states()) == (here.state, here.states())
    if bad is None:
        assert there.outputs == here.outputs
        assert there.result.counts == here.result.counts
        for kind in ("node_started", "node_output", "node_completed"):
            assert sorted(e.node or "" for e in there.of(kind)) == sorted(
                e.node or "" for e in here.of(kind)
            )
    else:
        assert there.result.failure == here.result.failure
        assert there.gave("j")[:80] == here.gave("j")[:80]
