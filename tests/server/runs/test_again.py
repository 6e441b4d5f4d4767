"""Another attempt, or a fork, of the flow as it was and as it is now."""

from typing import Any

import pytest

from tests.server.runs.flows import GREETING, NUMBERS, Runner
from tests.server.support import Server

# Writes a file, then fails as long as the other is not there.
FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Mended",
    "inputs": {"who": {"type": "Text", "default": "Ann"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "note": {"type": "file.write", "settings": {"path": "note.txt"}},
        "read": {"type": "file.read_text", "settings": {"path": "gone.txt"}},
        "show": {"type": "show.text"},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "note", "target_port": "rows"},
        {"source": "read", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


@pytest.fixture
def runner(server: Server) -> Runner:
    runner = Runner(server)
    runner.file("here.txt").write_text("here")
    return runner


@pytest.fixture
def failed(runner: Runner) -> dict[str, Any]:
    """A run of which one branch failed."""
    run = runner.run(runner.create(FLOW), {"failure_policy": "continue_independent"})
    assert run["state"] == "failed"
    return run


def change(runner: Runner, flow_id: str, *ops: dict[str, Any]) -> None:
    answer = runner.client.post(f"/api/flows/{flow_id}/patches", json={"ops": list(ops)})
    assert answer.is_success, answer.text


def mend(runner: Runner, run: dict[str, Any]) -> None:
    op = {"op": "set_setting", "node": "read", "path": ["path"], "value": "here.txt"}
    change(runner, run["flow_id"], op)


def retry(runner: Runner, run: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = runner.client.post(f"/api/runs/{run['id']}/retry", json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_of_the_flow_as_it_is_now_only_what_changed_runs_again(
    runner: Runner, failed: dict[str, Any]
) -> None:
    mend(runner, failed)
    runner.file("note.txt").unlink()
    expected = {
        "taken_over": ["note", "who"],
        "again": [
            {"node": "read", "reason": "changed", "because": None, "kept": 0},
            {"node": "show", "reason": "before_changed", "because": "read", "kept": 0},
        ],
        "effects": [],
    }
    answer = runner.client.get(f"/api/runs/{failed['id']}/retry", params={"flow": "current"})
    plan = answer.json()
    assert plan | {"taken_over": sorted(plan["taken_over"])} == expected
    again = retry(runner, failed, flow="current")
    assert again["taking_over"] == plan
    ended = runner.ended(again["id"])
    assert (ended["state"], ended["taking_over"]) == ("completed", None)
    assert not runner.file("note.txt").exists()
    events = runner.client.get(f"/api/runs/{again['id']}/events").json()["items"]
    assert {event["node"] for event in events if event.get("restored")} == {"who", "note"}


def test_of_the_flow_as_it_was_the_change_does_not_count(
    runner: Runner, failed: dict[str, Any]
) -> None:
    mend(runner, failed)
    again = retry(runner, failed)
    reasons = {each["node"]: each["reason"] for each in again["taking_over"]["again"]}
    assert reasons == {"read": "failed", "show": "before_failed"}
    assert runner.ended(again["id"])["state"] == "failed"


def test_effects_that_would_be_repeated_are_named(runner: Runner, failed: dict[str, Any]) -> None:
    op = {"op": "set_setting", "node": "note", "path": ["path"], "value": "other.txt"}
    change(runner, failed["flow_id"], op)
    answer = runner.client.get(f"/api/runs/{failed['id']}/retry", params={"flow": "current"})
    assert answer.json()["effects"] == [{"node": "note", "times": 1}]


def test_a_flow_that_is_not_valid_now_is_not_tried_again(
    runner: Runner, failed: dict[str, Any]
) -> None:
    change(runner, failed["flow_id"], {"op": "unset_setting", "node": "read", "path": ["path"]})
    answer = runner.client.post(f"/api/runs/{failed['id']}/retry", json={"flow": "current"})
    assert (answer.status_code, answer.json()["code"]) == (422, "flow.invalid")
    answer = runner.client.get(f"/api/runs/{failed['id']}/retry")
    assert answer.status_code == 200


def test_inputs_that_the_flow_has_no_more_are_left_out(runner: Runner) -> None:
    run = runner.run(
        runner.create(FLOW),
        {"inputs": {"who": "Bob"}, "failure_policy": "continue_independent"},
    )
    mend(runner, run)
    change(
        runner,
        run["flow_id"],
        {"op": "remove_node", "id": "who"},
        {"op": "remove_node", "id": "note"},
        {"op": "set_flow", "field": "inputs", "value": {"other": {"type": "Text"}}},
    )
    answer = runner.client.post(f"/api/runs/{run['id']}/retry", json={"flow": "current"})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.missing_input")
    change(runner, run["flow_id"], {"op": "set_flow", "field": "inputs", "value": {}})
    ended = runner.ended(retry(runner, run, flow="current")["id"])
    assert (ended["state"], ended["inputs"]) == ("completed", {})


def test_a_fork_of_the_flow_as_it_is_now(runner: Runner) -> None:
    runner.file("numbers.csv").write_text("n\n5\n15\n25\n")
    run = runner.run(runner.create(NUMBERS))
    op = {"op": "set_setting", "node": "keep", "path": ["where"], "value": "item.n > 20"}
    change(runner, run["flow_id"], op)
    runner.file("numbers.csv").unlink()
    body = {"from_node": "table", "flow": "current"}
    plan = runner.client.post(f"/api/runs/{run['id']}/fork/plan", json=body).json()
    assert [each["node"] for each in plan["again"]] == ["keep", "table"]
    assert plan["taken_over"] == ["read"]
    fork = runner.client.post(f"/api/runs/{run['id']}/fork", json=body).json()
    assert fork["taking_over"] == plan
    assert runner.ended(fork["id"])["state"] == "completed"
    page = runner.client.get(f"/api/runs/{fork['id']}/nodes/keep?side=output").json()
    assert page["outputs"]["rows"]["records"] == [{"n": 25}]


def test_only_those_who_may_run_the_flow_are_told(runner: Runner, failed: dict[str, Any]) -> None:
    viewer, stranger = runner.invite("viewer"), runner.invite(None)
    for path in ("retry", "retry?flow=current"):
        assert viewer.client.get(f"/api/runs/{failed['id']}/{path}").status_code == 403
        assert stranger.client.get(f"/api/runs/{failed['id']}/{path}").status_code == 404
    body = {"from_node": "read"}
    fork = f"/api/runs/{failed['id']}/fork/plan"
    assert viewer.client.post(fork, json=body).status_code == 403
    assert stranger.client.post(fork, json=body).status_code == 404


def test_whoever_sees_a_run_sees_the_flow_as_it_was(runner: Runner, failed: dict[str, Any]) -> None:
    mend(runner, failed)
    where = f"/api/runs/{failed['id']}/definition"
    seen = runner.invite("viewer").client.get(where).json()
    assert seen["nodes"]["read"]["settings"] == {"path": "gone.txt"}
    assert (seen["format"], len(seen["edges"])) == ("weft/1", 2)
    assert runner.invite(None).client.get(where).status_code == 404


def test_a_run_that_completed_is_not_tried_again(runner: Runner) -> None:
    run = runner.run(runner.create(GREETING))
    for answer in (
        runner.client.get(f"/api/runs/{run['id']}/retry"),
        runner.client.post(f"/api/runs/{run['id']}/retry", json={"flow": "current"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "run.not_failed")


def test_outputs_that_were_given_for_the_run_hold_in_another_attempt(runner: Runner) -> None:
    rows = {"type": "data.generate", "settings": {"count": 2}}
    note = {"type": "file.write", "settings": {"path": "note.csv"}}
    edges = [{"source": "rows", "source_port": "rows", "target": "note", "target_port": "rows"}]
    nodes = {"rows": rows, "note": note, "read": FLOW["nodes"]["read"]}
    flow_id = runner.create({"format": "weft/1", "name": "Given", "nodes": nodes, "edges": edges})
    pins = {"rows": {"rows": [{"n": 5}]}}
    asked = {"pins": pins, "failure_policy": "continue_independent"}
    run = runner.run(flow_id, asked)
    assert (run["state"], runner.file("note.csv").read_text().split()) == ("failed", ["n", "5"])
    mend(runner, run)
    other = {"op": "set_setting", "node": "note", "path": ["path"], "value": "other.csv"}
    change(runner, flow_id, other)
    again = runner.ended(retry(runner, run, flow="current")["id"])
    assert again["state"] == "completed", again["failure"]
    assert runner.file("other.csv").read_text().split() == ["n", "5"]
    definition = runner.client.get(f"/api/flows/{flow_id}/definition").json()
    assert "pinned" not in definition["nodes"]["rows"]


def test_outputs_of_a_node_that_is_gone_are_given_no_more(runner: Runner) -> None:
    flow_id = runner.create(FLOW)
    asked = {"pins": {"who": {"value": "Bob"}}, "failure_policy": "continue_independent"}
    run = runner.run(flow_id, asked)
    mend(runner, run)
    gone = [{"op": "remove_node", "id": node} for node in ("note", "who")]
    change(runner, flow_id, *gone)
    again = runner.ended(retry(runner, run, flow="current")["id"])
    assert again["state"] == "completed", again["failure"]
