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


def must_be_interrupted(process: Process, run_id: str) -> None:
    run = process.get(f"/runs/{run_id}")
    assert run["state"] == "failed"
    assert run["failure"]["code"] == "run.interrupted"
    assert run["failure"]["hint"]
    assert run["ended_at"] is not None
    assert {node["state"] for node in run["nodes"].values()} <= {"idle", "cancelled"}
    events = process.get(f"/runs/{run_id}/events")["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert run["last_seq"] == len(events)
    assert events[-1]["type"] == "run_failed"
    assert events[-1]["failure"]["code"] == "run.interrupted"


def runs_to_its_end(process: Process, flow_id: str) -> dict[str, Any]:
    run: dict[str, Any] = process.post(f"/flows/{flow_id}/runs?wait=30")
    assert run["state"] == "completed"
    return run


def test_a_killed_server_finds_its_run_interrupted(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    other = process.post("/flows", {"flow": GREETING})["id"]
    ended = runs_to_its_end(process, other)
    run_id = begin(process, flow_id)
    engine = process.engine()
    process.kill()
    process.start()
    must_be_interrupted(process, run_id)
    assert process.get(f"/runs/{ended['id']}") == ended
    assert process.get(f"/flows/{flow_id}/definition")["nodes"].keys() == WAITING["nodes"].keys()
    assert runs_to_its_end(process, other)["number"] == 2
    assert process.get("/runs?state=running")["items"] == []
    wait_until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_engine_interrupts_its_runs_and_the_next_one_works(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    other = process.post("/flows", {"flow": GREETING})["id"]
    run_ids = [begin(process, flow_id), begin(process, flow_id)]
    process.engine().kill()
    for run_id in run_ids:
        wait_until(lambda run_id=run_id: process.get(f"/runs/{run_id}")["state"] == "failed")
        must_be_interrupted(process, run_id)
    runs_to_its_end(process, other)


def test_a_server_that_stops_ends_its_runs(process: Process) -> None:
    flow_id = process.post("/flows", {"flow": WAITING})["id"]
    run_id = begin(process, flow_id)
    engine = process.engine()
    assert process.stop() == 0
    assert not engine.is_running()
    process.start()
    must_be_interrupted(process, run_id)


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
    assert {run["state"] for run in runs} <= {"completed", "failed"}
