"""A stream that ends gives what the same flow gives as a batch, however many subtasks there are."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.runs.streaming.live import CATALOGUE, Live, flow_of
from weft_engine.flow.model import Flow
from weft_engine.nodes.context import Files
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.runner import run_flow

STEPS: Mapping[str, dict[str, Any]] = {
    "filter": {"type": "data.filter", "settings": {"where": "item.number % 3 != 1"}},
    "columns": {
        "type": "data.map",
        "settings": {"fields": [{"name": "half", "expression": "item.number / 2"}], "keep": True},
    },
    "unique": {"type": "data.unique", "settings": {"by": ["number"]}},
}
ENDS: Mapping[str, dict[str, Any]] = {
    "group": {
        "type": "data.group",
        "settings": {
            "by": ["key"],
            "aggregates": [{"op": "count"}, {"op": "sum", "field": "number"}],
        },
    },
    "tumbling": {
        "type": "stream.window",
        "settings": {
            "size": "10s",
            "by": ["key"],
            "time_column": "at",
            "disorder": "1h",
            "aggregates": [{"op": "count"}, {"op": "max", "field": "number"}],
        },
    },
    "sliding": {
        "type": "stream.window",
        "settings": {
            "window": "sliding",
            "size": "10s",
            "slide": "5s",
            "time_column": "at",
            "disorder": "1h",
        },
    },
    "session": {
        "type": "stream.window",
        "settings": {
            "window": "session",
            "gap": "2s",
            "by": ["key"],
            "time_column": "at",
            "disorder": "1h",
            "aggregates": [{"op": "count"}, {"op": "sum", "field": "number"}],
        },
    },
    "count": {
        "type": "stream.window",
        "settings": {"window": "count", "count": 4, "by": ["key"]},
    },
    "running": {"type": "stream.running", "settings": {"by": ["key"]}},
    "none": {"type": "data.filter", "settings": {"where": "true"}},
}


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    """Rows, some steps, two ways that meet again, and an end."""
    keys = draw(st.integers(1, 7))
    stride = draw(st.sampled_from([1, 3, 7]))
    nodes: dict[str, Any] = {
        "rows": {
            "type": "data.generate",
            "settings": {
                "count": draw(st.integers(0, 60)),
                "fields": [
                    {"name": "key", "expression": f"item % {keys}"},
                    {"name": "at", "expression": f"1741608000 + item * {stride} % 41"},
                ],
            },
        }
    }
    edges: list[str] = []
    last = "rows.rows"
    for name in draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=3, unique=True)):
        nodes[name] = STEPS[name]
        edges.append(f"{last}>{name}.rows")
        last = f"{name}.rows"
    if draw(st.booleans()):
        nodes["if"] = {"type": "control.if", "settings": {"condition": "item.number % 2 == 0"}}
        nodes["merge"] = {"type": "control.merge"}
        edges += [f"{last}>if.item", "if.true>merge.inputs", "if.false>merge.inputs"]
        last = "merge.out"
    end = draw(st.sampled_from(sorted(ENDS)))
    nodes["end"] = ENDS[end]
    nodes["text"] = {"type": "text.template", "settings": {"template": "{{ item }}"}}
    nodes["write"] = {"type": "stream.write", "settings": {"folder": "out", "format": "text"}}
    edges += [f"{last}>end.rows", "end.rows>text.item", "text.text>write.rows"]
    return flow_of(nodes, edges)


def batch(flow: dict[str, Any], folder: Path) -> list[str]:
    """What the flow writes as a batch."""
    files: Files = LocalFiles(folder, confined=True)
    result = run_flow(
        Flow.model_validate({**flow, "mode": "batch"}),
        CATALOGUE,
        run_id="batch",
        files=files,
        emit=lambda event: None,
        store=OutputStore(folder / "data"),
    )
    assert result.state == "completed", result.failure
    return sorted("".join(p.read_text() for p in (folder / "out").glob("part-*")).splitlines())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows(), parallelism=st.sampled_from([1, 3]))
def test_live_and_batch_agree(flow: dict[str, Any], parallelism: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "batch").mkdir()
        live = Live(folder, flow, parallelism=parallelism)
        assert live.end().type == "run_completed", live.events[-1]
        assert sorted(live.parts("out").splitlines()) == batch(flow, folder / "batch")
