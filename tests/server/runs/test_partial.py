"""Runs of a part of a flow, and how many runs are kept."""

from typing import Any

import pytest

from tests.server.runs.flows import GREETING, NUMBERS, WAITING, Runner, wait_until
from tests.server.support import Server


@pytest.fixture
def runner(server: Server) -> Runner:
    runner = Runner(server)
    runner.file("numbers.csv").write_text("n\n5\n15\n25\n")
    return runner


def test_a_run_up_to_a_node_leaves_the_rest_out(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS), {"to_node": "keep"})
    assert run["state"] == "completed"
    assert run["to_node"] == "keep"
    assert {name for name, node in run["nodes"].items() if node["state"] == "completed"} == {
        "read",
        "keep",
    }


def test_a_run_from_a_node_uses_what_was_there(runner: Runner) -> None:
    flow_id = runner.create(NUMBERS)
    runner.run(flow_id)
    runner.file("numbers.csv").unlink()
    run = runner.run(flow_id, {"from_node": "keep"})
    assert run["state"] == "completed", run
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/table").json()
    assert [row["n"] for row in page["outputs"]["view"]["records"]] == [15, 25]
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/keep", params={"side": "input"}).json()
    assert page["inputs"]["rows"]["count"] == 3


def test_a_run_from_a_node_without_earlier_outputs_runs_what_it_needs(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS), {"from_node": "keep"})
    assert run["state"] == "completed"
    assert run["nodes"]["read"]["state"] == "completed"


def test_problems_of_nodes_that_take_no_part_do_not_matter(runner: Runner) -> None:
    flow = {**NUMBERS, "nodes": {**NUMBERS["nodes"], "lost": {"type": "data.filter"}}}
    flow_id = runner.create(flow)
    assert runner.start(flow_id).json()["code"] == "flow.invalid"
    assert runner.run(flow_id, {"to_node": "table"})["state"] == "completed"


def test_the_newest_runs_are_kept(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.server.app.state.runs._retention, "_keep", 3)
    flow_id, other = runner.create(NUMBERS), runner.create(NUMBERS)
    first = runner.run(other)
    made = [runner.run(flow_id) for _ in range(6)]

    def numbers() -> list[int]:
        listed = runner.client.get("/api/runs", params={"flow": flow_id}).json()
        return [run["number"] for run in listed["items"]]

    wait_until(lambda: len(numbers()) == 3)
    assert numbers() == [6, 5, 4]
    gone = runner.client.get(f"/api/runs/{made[0]['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "run.not_found")
    assert runner.info(first["id"]) == first
    assert runner.run(flow_id)["number"] == 7


def test_pinned_outputs_are_used_instead_of_running_a_node(runner: Runner) -> None:
    flow_id = runner.create(NUMBERS)
    pins = {"read": {"rows": [{"n": 5}, {"n": 50}]}}
    run = runner.run(flow_id, {"pins": pins})
    assert run["state"] == "completed", run["failure"]
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/keep?side=output").json()
    assert page["outputs"]["rows"]["records"] == [{"n": 50}]
    answer = runner.start(flow_id, {"pins": {"lost": {"rows": []}}})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.unknown_node")
    answer = runner.start(flow_id, {"pins": {"read": {"row": []}}})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.unknown_port")
    assert answer.json()["hint"] == "Did you mean rows?"
    definition = runner.client.get(f"/api/flows/{flow_id}/definition").json()
    assert "pinned" not in definition["nodes"]["read"]


def test_a_failed_run_is_tried_again_from_what_failed(runner: Runner) -> None:
    flow = {
        **NUMBERS,
        "nodes": {
            **NUMBERS["nodes"],
            "late": {"type": "file.read_text", "settings": {"path": "late.txt"}},
        },
    }
    run = runner.run(runner.create(flow), {"failure_policy": "continue_independent"})
    assert run["state"] == "failed"
    again = runner.client.post(f"/api/runs/{run['id']}/retry").json()
    assert again["forked_from"] == run["id"]
    assert runner.ended(again["id"])["state"] == "failed"
    runner.file("late.txt").write_text("here")
    again = runner.client.post(f"/api/runs/{run['id']}/retry").json()
    ended = runner.ended(again["id"])
    assert ended["state"] == "completed", ended["failure"]
    events = runner.client.get(f"/api/runs/{again['id']}/events").json()["items"]
    restored = {event["node"] for event in events if event.get("restored")}
    assert restored == {"read", "keep", "table"}
    answer = runner.client.post(f"/api/runs/{again['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "run.not_failed")


def test_a_fork_begins_with_what_came_before_a_node(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS))
    runner.file("numbers.csv").write_text("n\n99\n")
    fork = runner.client.post(f"/api/runs/{run['id']}/fork", json={"from_node": "keep"}).json()
    ended = runner.ended(fork["id"])
    assert ended["state"] == "completed", ended["failure"]
    assert ended["forked_from"] == run["id"]
    assert given(runner, fork["id"], "keep", "rows")["records"] == [{"n": 15}, {"n": 25}]
    answer = runner.client.post(f"/api/runs/{run['id']}/fork", json={"from_node": "lost"})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.unknown_node")
    body = {"from_node": "keep", "overrides": {"keep": {"row": []}}}
    answer = runner.client.post(f"/api/runs/{run['id']}/fork", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "run.unknown_port")
    assert answer.json()["params"]["nearest"] == "rows"


def given(runner: Runner, run_id: str, node: str, port: str) -> dict[str, Any]:
    page = runner.client.get(f"/api/runs/{run_id}/nodes/{node}?side=output")
    output: dict[str, Any] = page.json()["outputs"][port]
    return output


def test_a_fork_runs_on_other_values(runner: Runner) -> None:
    run = runner.run(runner.create(GREETING), {"inputs": {"who": "Ann"}})
    body = {"from_node": "greet", "overrides": {"greet": {"item": "Bob"}}}
    fork = runner.client.post(f"/api/runs/{run['id']}/fork", json=body).json()
    ended = runner.ended(fork["id"])
    assert ended["state"] == "completed", ended["failure"]
    assert given(runner, fork["id"], "greet", "text")["value"] == "Hello Bob!"
    assert ended["nodes"]["who"]["state"] == "skipped"


def test_nodes_that_have_not_changed_do_not_run_again(runner: Runner) -> None:
    flow_id = runner.create(GREETING)
    first = runner.run(flow_id)
    patch = {"op": "set_setting", "node": "greet", "path": ["template"], "value": "Bye {{ item }}"}
    assert runner.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [patch]}).is_success
    again = runner.run(flow_id, {"only_changed": True})
    assert again["state"] == "completed", again["failure"]
    assert again["forked_from"] == first["id"]
    assert given(runner, again["id"], "greet", "text")["value"] == "Bye world"


def test_a_run_is_paused_and_goes_on(runner: Runner) -> None:
    run_id = runner.begin(runner.create(WAITING))
    assert runner.client.post(f"/api/runs/{run_id}/pause").status_code == 202
    runner.file("gate.txt").write_text("open")
    with runner.listen(f"/ws/runs/{run_id}") as events:
        paused = next(event for event in events if event["type"] == "run_paused")
    assert paused["reason"] == "asked"
    assert set(paused["by"]) == {"id", "name"}
    info = runner.info(run_id)
    assert (info["state"], info["pause_reason"]) == ("paused", "asked")
    step = runner.client.post(f"/api/runs/{run_id}/step", json={"at": "show@"})
    assert (step.status_code, step.json()["code"]) == (409, "run.not_stopped")
    fork = runner.client.post(f"/api/runs/{run_id}/fork", json={"from_node": "wait"})
    assert (fork.status_code, fork.json()["code"]) == (409, "run.still_active")
    assert runner.client.post(f"/api/runs/{run_id}/resume").status_code == 202
    assert runner.ended(run_id)["state"] == "completed"
    answer = runner.client.post(f"/api/runs/{run_id}/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "run.not_active")
