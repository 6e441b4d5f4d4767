"""`queue_capacity`: how many records wait in front of a node of a live run."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.streaming import nodes as own
from tests.engine.runs.streaming.live import Live, flow_of

COUNT = 6_000


def held_up(live: Live, node: str) -> int:
    """How many records wait in front of a node once what is before it can send no more."""
    live.until(
        lambda event: (
            event.type == "node_progress"
            and event.node == "rows"
            and event.data.get("blocked", 0) > 0.9
        )
    )
    assert live._run._work is not None
    metrics = live._run._work.job.metrics()
    (stage,) = [each for each in metrics.stages if any(node in uid for uid in each.operators)]
    return stage.queue_records


@pytest.fixture
def gate() -> Any:
    own.GATE.clear()
    yield own.GATE
    own.GATE.set()


@pytest.mark.parametrize("capacity", [1, 7, 100])
@pytest.mark.parametrize("behind", [False, True], ids=["called", "keyed"])
def test_only_so_many_wait(tmp_path: Path, gate: Any, capacity: int, behind: bool) -> None:
    nodes: dict[str, Any] = {
        "rows": {"type": "data.generate", "settings": {"count": COUNT}},
        "count": {"type": "stream.running", "settings": {"by": ["number"]}},
        "held": {"type": "x.held"},
        "write": {"type": "stream.write", "settings": {"folder": "out", "format": "jsonl"}},
    }
    bounded = "count" if behind else "held"
    nodes[bounded]["queue_capacity"] = capacity
    if behind:  # what it gives waits for what is held
        nodes["held"]["queue_capacity"] = 1
    wires = ["rows.rows>count.rows", "count.rows>held.row", "held.out>write.rows"]
    live = Live(tmp_path, flow_of(nodes, wires), catalogue=own.catalogue())
    found = held_up(live, "count/" if behind else "records/")
    assert 0 < found <= capacity
    gate.set()
    assert live.end().type == "run_completed"
    assert len(live.parts("out").splitlines()) == COUNT
