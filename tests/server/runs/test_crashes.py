"""What is left of a run when the server, or its engine, dies under it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.server.runs.flows import GREETING, WAITING, wait_until
from tests.server.runs.process import Process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path / "data")
    try:
        running.set_up()
        yield running
    finally:
        running.stop()


def begin(process: Process, flow_id: str) -> str:
    """A run that is under way."""
    run_id = str(process.post(f"/flows/{flow_id}/runs")["id"])
    wait_until(lambda: process.get(f"/runs/{run_id}")["nodes"].get("wait"))
    wait_until(lambda: process.get(f"/runs/{run_id}")["nodes"]["wait"]["state"] == "running")
    return run_id


def gate(process: Process) -> Path:
    """The file that runs which wait try to read."""
    (workspace,) = process.get("/workspaces")["items"]
    folder = process.data / "files" / workspace["id"]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "gate.txt"


def goes_on_to_its_end(process: Process, run_id: str) -> None:
    """It ends when the gate opens, and its events have no gap."""
    gate(process).write_text("open")
    wait_until(lambda: process.get(f"/runs/{run_id}")["ended_at"] is not None)
    run = process.get(f"/runs/{run_id}")
    assert run["state"] == "completed", run["failure"]
    assert {node["state"] for node in run["nodes"].values()} == {"completed"}
    events = process.get(f"/runs/{run_id}/events")["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert run["last_seq"] == len(events)
    kinds = [event["type"] for event in events]
    assert kinds.count("run_started") == kinds.count("run_completed") == 1
    assert "run_resumed" in kinds


def kinds_of(process: Process, run_id: str) -> list[str]:
    return [event["type"] for event in process.get(f"/runs/{run_id}/events")["items"]]


def runs_to_its_end(process: Process, flow_id: str) -> dict[str, Any]:
    run: dict[str, Any] = process.post(f"/flows/{flow_id}/runs?wait=30")
    assert run["state"] == "completed"
    return run


def test_a_run_of_a_killed_server_goes_on_with_the_next_one(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    other = process.post("/flows", {"flow": GREETING})["id"]
    ended = runs_to_its_end(process, other)
    run_id = begin(process, flow_id)
    engine = process.engine()
    process.kill()
    process.start()
    goes_on_to_its_end(process, run_id)
    assert process.get(f"/runs/{ended['id']}") == ended
    assert process.get(f"/flows/{flow_id}/definition")["nodes"].keys() == WAITING["nodes"].keys()
    assert runs_to_its_end(process, other)["number"] == 2
    assert process.get("/runs?state=running")["items"] == []
    wait_until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)


def test_runs_of_a_killed_engine_go_on_with_the_next_one(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    other = process.post("/flows", {"flow": GREETING})["id"]
    run_ids = [begin(process, flow_id), begin(process, flow_id)]
    process.engine().kill()
    for run_id in run_ids:
        wait_until(lambda run_id=run_id: "run_resumed" in kinds_of(process, run_id))
        assert process.get(f"/runs/{run_id}")["ended_at"] is None
    for run_id in run_ids:
        goes_on_to_its_end(process, run_id)
    runs_to_its_end(process, other)


def test_runs_of_a_server_that_stops_go_on_with_the_next_one(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    run_id = begin(process, flow_id)
    engine = process.engine()
    assert process.stop() == 0
    assert not engine.is_running()
    process.start()
    goes_on_to_its_end(process, run_id)


def test_a_run_whose_journal_is_gone_is_interrupted(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    run_id = begin(process, flow_id)
    process.stop()
    for path in (process.data / "engine").glob("journal.db*"):
        path.unlink()
    process.start()
    wait_until(lambda: process.get(f"/runs/{run_id}")["ended_at"] is not None)
    run = process.get(f"/runs/{run_id}")
    assert (run["state"], run["failure"]["code"]) == ("failed", "run.interrupted")
    assert run["failure"]["hint"]
    events = process.get(f"/runs/{run_id}/events")["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


SIGNALLED: dict[str, Any] = {
    "format": "weft/1",
    "name": "Signalled",
    "inputs": {"who": {"type": "Text", "default": "world"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "go": {"type": "control.signal", "settings": {"name": "go"}},
        "greet": {"type": "text.template", "settings": {"template": "Hello {{ item }}"}},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "go", "target_port": "item"},
        {"source": "go", "source_port": "received", "target": "greet", "target_port": "item"},
    ],
}


@pytest.mark.parametrize("killed", ["server", "engine"])
def test_a_parked_run_stays_parked_until_its_signal(process: Process, killed: str) -> None:
    flow_id = process.post("/flows", {"flow": SIGNALLED})["id"]
    run_id = str(process.post(f"/flows/{flow_id}/runs")["id"])
    wait_until(lambda: process.get(f"/runs/{run_id}")["state"] == "paused")
    if killed == "server":
        process.kill()
        process.start()
    else:
        process.engine().kill()
    run = process.get(f"/runs/{run_id}")
    assert (run["state"], run["pause_reason"]) == ("paused", "waiting")
    assert [(wait["node"], wait["kind"], wait["signal"]) for wait in run["waits"]] == [
        ("go", "signal", "go")
    ]
    signal = {"id": "s1", "name": "go", "payload": "you"}
    assert process.post(f"/runs/{run_id}/signals", signal) == {"id": "s1", "accepted": True}
    wait_until(lambda: process.get(f"/runs/{run_id}")["state"] == "completed")
    page = process.get(f"/runs/{run_id}/nodes/greet?side=output")
    assert page["outputs"]["text"]["value"] == "Hello you"
    events = process.get(f"/runs/{run_id}/events")["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_a_run_cancelled_before_the_server_stopped_stays_cancelled(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    run_id = begin(process, flow_id)
    process.post(f"/runs/{run_id}/cancel")
    process.stop()
    process.start()
    assert process.get(f"/runs/{run_id}")["state"] == "cancelled"


def test_a_server_killed_again_and_again_keeps_every_run(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": GREETING})["id"]
    acknowledged: list[dict[str, Any]] = []
    for _ in range(3):
        acknowledged += [runs_to_its_end(process, flow_id) for _ in range(5)]
        process.post(f"/flows/{flow_id}/runs")
        process.kill()
        process.start()
    for run in acknowledged:
        assert process.get(f"/runs/{run['id']}") == run
    runs = process.get(f"/runs?flow={flow_id}&limit=200")["items"]
    assert [run["number"] for run in runs] == list(range(18, 0, -1))
    wait_until(lambda: process.get("/runs?state=running")["items"] == [])
    runs = process.get(f"/runs?flow={flow_id}&limit=200")["items"]
    assert {run["state"] for run in runs} <= {"completed", "ready"}


CALLED: dict[str, Any] = {
    "format": "weft/1",
    "name": "Called",
    "nodes": {
        "rows": {"type": "data.generate", "settings": {"count": 1}},
        "write": {"type": "file.write", "settings": {"path": "once.jsonl", "format": "jsonl"}},
        "wait": {**WAITING["nodes"]["wait"]},
        "text": {"type": "text.template", "settings": {"template": "{{ item }}"}},
    },
    "edges": [
        {"source": "rows", "source_port": "rows", "target": "write", "target_port": "rows"},
        {"source": "wait", "source_port": "text", "target": "text", "target_port": "item"},
    ],
    "outputs": ["text"],
}
CALLING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Calling",
    "nodes": {
        "call": {"type": "flow.call", "settings": {"flow": "Called", "isolated": True}},
    },
}


@pytest.mark.parametrize("killed", ["server", "engine"])
def test_a_called_run_goes_on_and_does_nothing_twice(process: Process, killed: str) -> None:
    process.post("/flows", {"flow": CALLED})
    flow_id = process.post("/flows", {"flow": CALLING})["id"]
    run_id = str(process.post(f"/flows/{flow_id}/runs")["id"])
    wait_until(lambda: process.get(f"/runs/{run_id}/children")["items"])
    (child,) = (one["id"] for one in process.get(f"/runs/{run_id}/children")["items"])
    wait_until(
        lambda: process.get(f"/runs/{child}")["nodes"].get("write", {}).get("state") == "completed"
    )
    written = gate(process).with_name("once.jsonl")
    written.unlink()  # were it written again, it would be there again
    if killed == "server":
        process.kill()
        process.start()
    else:
        process.engine().kill()
    wait_until(lambda: "run_resumed" in kinds_of(process, run_id))
    gate(process).write_text("open")
    wait_until(lambda: process.get(f"/runs/{run_id}")["ended_at"] is not None)
    runs = [process.get(f"/runs/{name}") for name in (run_id, child)]
    assert [run["state"] for run in runs] == ["completed", "completed"], runs
    assert not written.exists()
    for run in runs:
        events = process.get(f"/runs/{run['id']}/events")["items"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert {node["state"] for node in run["nodes"].values()} == {"completed"}
    (again,) = process.get(f"/runs/{run_id}/children")["items"]
    assert (again["id"], again["state"]) == (child, "completed")
