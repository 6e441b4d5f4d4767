"""Live runs in this process: their life, what they say, what they keep."""

import json
from pathlib import Path

import pytest

from tests.engine.runs.streaming.live import Live, flow_of

NUMBERS = {
    "numbers": {"type": "data.generate", "settings": {"count": 500}},
    "label": {"type": "text.template", "settings": {"template": "n{{ item.number }}"}},
    "write": {"type": "stream.write", "settings": {"folder": "out", "format": "text"}},
}
WIRES = ["numbers.rows>label.item", "label.text>write.rows"]


@pytest.mark.parametrize("env", ["local", "processes"])
def test_a_bounded_stream_ends_by_itself(tmp_path: Path, env: str) -> None:
    live = Live(tmp_path, flow_of(NUMBERS, WIRES), env=env)
    assert live.end().type == "run_completed"
    assert live.parts("out").split() == [f"n{n}" for n in range(500)]
    ended = {e.node: e.data["counts"] for e in live.events if e.type == "node_completed"}
    assert ended["label"] == {"in": 500, "out": {"text": 500}}
    assert ended["write"]["in"] == 500
    shown = [e for e in live.events if e.type == "node_output" and e.node == "label"][-1]
    assert shown.data["ref"]["inline"][-1] == "n499"
    assert shown.data["count"] == 500


def test_a_clock_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    nodes = {
        "clock": {"type": "stream.clock", "settings": {"every": "5ms"}},
        "write": {"type": "stream.write", "settings": {"folder": "out"}},
    }
    flow = flow_of(nodes, ["clock.ticks>write.rows"], checkpoint={"interval_s": 0.2, "keep": 2})
    live = Live(tmp_path, flow)
    live.until_out("clock", "ticks", 20)
    live.until_type("checkpoint_completed")
    live.until_type("checkpoint_completed")
    assert live.cancel().type == "run_cancelled"
    rows = [json.loads(line) for line in live.parts("out").splitlines()]
    assert [row["number"] for row in rows] == list(range(len(rows)))
    assert rows
