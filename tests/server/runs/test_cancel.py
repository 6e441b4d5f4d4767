"""Cancelling runs."""

from datetime import datetime
from functools import partial
from typing import Any

from tests.server.runs.flows import GREETING, WAITING, Runner, wait_until
from tests.server.support import Server
from weft_server.runs.tables import RunRow


def test_a_running_run_is_cancelled_promptly_and_once(server: Server) -> None:
    runner = Runner(server)
    run_id = runner.begin(runner.create(WAITING))
    answers = [runner.client.post(f"/api/runs/{run_id}/cancel") for _ in range(2)]
    assert answers[0].status_code == 202
    assert answers[1].status_code in {202, 409}
    run = runner.ended(run_id)
    assert run["state"] == "cancelled"
    assert run["failure"] is None
    assert run["nodes"]["wait"]["state"] == "cancelled"
    again = runner.client.post(f"/api/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "run.not_active")
    events = runner.client.get(f"/api/runs/{run_id}/events").json()["items"]
    assert [event["type"] for event in events].count("run_cancelled") == 1


def test_a_run_that_is_not_cancelled_goes_on(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(WAITING)
    cancelled, kept = runner.begin(flow_id), runner.begin(flow_id)
    assert runner.client.post(f"/api/runs/{cancelled}/cancel").status_code == 202
    assert runner.ended(cancelled)["state"] == "cancelled"
    runner.file("gate.txt").write_text("open")
    assert runner.ended(kept)["state"] == "completed"


def test_a_run_that_waits_for_its_turn_is_cancelled(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(WAITING)
    under_way = [runner.begin(flow_id) for _ in range(4)]
    waiting = runner.start(flow_id).json()["id"]
    assert runner.client.post(f"/api/runs/{waiting}/cancel").status_code == 202
    assert runner.ended(waiting)["state"] == "cancelled"
    runner.file("gate.txt").write_text("open")
    assert {runner.ended(run_id)["state"] for run_id in under_way} == {"completed"}


def test_an_ended_run_cannot_be_cancelled(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    answer = runner.client.post(f"/api/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "run.not_active")
    assert runner.info(run["id"]) == run


def test_a_run_stops_with_its_flow(server: Server) -> None:
    """Nobody could see or stop it any more."""
    runner = Runner(server)
    flow_id = runner.create(WAITING)
    run_id = runner.begin(flow_id)
    assert runner.client.delete(f"/api/flows/{flow_id}").status_code == 204
    runs = server.app.state.runs
    wait_until(lambda: runs._recorder.get(run_id) is None)
    with server.database.read() as session:
        assert session.get_one(RunRow, run_id).state == "cancelled"


ASKING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Asks",
    "nodes": {
        "rows": {"type": "data.generate", "settings": {"count": 1}},
        "ask": {"type": "control.approval", "settings": {"message": "Go on?"}},
    },
    "edges": [{"source": "rows", "source_port": "rows", "target": "ask", "target_port": "item"}],
}


def waits(runner: Runner, run_id: str) -> bool:
    return bool(runner.info(run_id)["waits"])


def lasted(run: dict[str, Any]) -> float:
    times = (datetime.fromisoformat(run[key]) for key in ("started_at", "ended_at"))
    began, ended = times
    return (ended - began).total_seconds() * 1000


def test_what_a_run_took_has_its_waits(server: Server) -> None:
    """By the clock from its start to its end, whether it was answered or stopped meanwhile."""
    runner = Runner(server)
    flow_id = runner.create(ASKING)
    stopped, answered = runner.begin(flow_id), runner.begin(flow_id)
    for run_id in (stopped, answered):
        wait_until(partial(waits, runner, run_id))
    assert runner.client.post(f"/api/runs/{stopped}/cancel").status_code == 202
    (wait,) = runner.info(answered)["waits"]
    name = f"{wait['node']}@{wait['scope']}"
    given = {"id": "a1", "name": name, "payload": {"approved": True}}
    assert runner.client.post(f"/api/runs/{answered}/signals", json=given).is_success
    for run_id, state in ((stopped, "cancelled"), (answered, "completed")):
        run = runner.ended(run_id)
        assert (run["state"], run["duration_ms"] >= lasted(run) > 0) == (state, True), run
        listed = runner.client.get(f"/api/runs?flow={flow_id}").json()["items"]
        assert run["duration_ms"] in [one["duration_ms"] for one in listed]
