"""Starting runs over REST."""

import pytest

from tests.server.runs.flows import BROKEN, GREETING, NUMBERS, Runner
from tests.server.support import Server


def test_a_run_answers_when_it_has_ended_if_asked_to_wait(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    run = runner.run(flow_id, {"inputs": {"who": "Ada"}})
    assert run["id"].startswith("run_")
    assert run["number"] == 1
    assert run["flow_id"] == flow_id
    assert run["state"] == "completed"
    assert run["started_by"] == {"id": runner.person.id, "name": runner.person.name}
    assert run["failure"] is None
    assert run["duration_ms"] >= 0
    assert run["created_at"] <= run["started_at"] <= run["ended_at"]
    assert set(run["nodes"]) == {"who", "greet", "show"}
    greet = run["nodes"]["greet"]
    assert greet["state"] == "completed"
    assert greet["count_in"] == 1
    assert greet["count_out"] == {"text": 1}
    assert greet["duration_ms"] >= 0
    assert runner.info(run["id"]) == run


def test_a_run_answers_at_once_if_not_asked_to_wait(server: Server) -> None:
    runner = Runner(server)
    answer = runner.start(runner.create(GREETING))
    assert answer.status_code == 202
    assert answer.json()["state"] in {"ready", "running", "completed"}
    assert runner.ended(answer.json()["id"])["state"] == "completed"


def test_waiting_ends_when_its_time_is_up(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    answer = runner.start(flow_id, wait=0.000001)
    assert answer.status_code == 202
    runner.ended(answer.json()["id"])


@pytest.mark.parametrize("wait", ["-1", "301", "soon", "nan"])
def test_a_wait_out_of_range_is_refused(server: Server, wait: str) -> None:
    runner = Runner(server)
    answer = runner.client.post(
        f"/api/flows/{runner.create(GREETING)}/runs", json={}, params={"wait": wait}
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.invalid"
    assert runner.client.get("/api/runs").json()["items"] == []


def test_runs_of_a_flow_are_numbered_one_by_one(server: Server) -> None:
    runner = Runner(server)
    first, second = runner.create(GREETING), runner.create(GREETING)
    numbers = [runner.run(flow)["number"] for flow in (first, first, second, first)]
    assert numbers == [1, 2, 1, 3]


def test_runs_started_at_once_all_end_with_numbers_of_their_own(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    started = [runner.start(flow_id, {"inputs": {"who": str(n)}}).json() for n in range(20)]
    ended = [runner.ended(run["id"]) for run in started]
    assert {run["state"] for run in ended} == {"completed"}
    assert [run["number"] for run in ended] == list(range(1, 21))


def test_a_flow_with_errors_is_not_started(server: Server) -> None:
    runner = Runner(server)
    answer = runner.start(runner.create(BROKEN), wait=10)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "flow.invalid"
    found = {one["code"]: one for one in problem["problems"]}
    assert found["check.missing_input"]["node"] == "keep"
    assert found["check.missing_input"]["hint"]
    assert all(one["severity"] == "error" for one in problem["problems"])
    assert runner.client.get("/api/runs").json()["items"] == []


def test_a_flow_that_was_mended_runs(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    setting = {"op": "set_setting", "node": "greet", "path": "template"}
    broken = {**setting, "value": "Hello {{ item"}
    assert runner.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [broken]}).is_success
    assert runner.start(flow_id).status_code == 422
    mended = {**setting, "value": "Good day {{ item }}"}
    assert runner.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [mended]}).is_success
    run = runner.run(flow_id)
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/greet").json()
    assert page["outputs"]["text"]["value"] == "Good day world"


@pytest.mark.parametrize("field", ["from_node", "to_node"])
@pytest.mark.parametrize("name", ["shout", "try/shout"])
def test_a_part_of_a_flow_is_not_a_part_of_a_container(
    server: Server, field: str, name: str
) -> None:
    runner = Runner(server)
    shout = {"type": "text.template", "parent": "try", "settings": {"template": "{{ item }}!"}}
    flow = {
        **GREETING,
        "nodes": {**GREETING["nodes"], "try": {"type": "control.try"}, "shout": shout},
        "edges": [
            *GREETING["edges"],
            {"source": "greet", "source_port": "text", "target": "try", "target_port": "item"},
            {"source": "try", "source_port": "item", "target": "shout", "target_port": "item"},
            {"source": "shout", "source_port": "text", "target": "try", "target_port": "result"},
        ],
    }
    answer = runner.start(runner.create(flow), {field: name})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.inside_container")
    assert answer.json()["params"]["container"] == "try"
    assert answer.json()["fields"][0]["field"] == field


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"inputs": {"whom": "Ada"}}, "run.unknown_input", id="unknown input"),
        pytest.param({"from_node": "gret"}, "run.unknown_node", id="unknown first node"),
        pytest.param({"to_node": "nowhere"}, "run.unknown_node", id="unknown last node"),
        pytest.param({"inputs": []}, "request.invalid", id="inputs are no object"),
        pytest.param({"env": "moon"}, "request.invalid", id="unknown environment"),
        pytest.param({"input": {}}, "request.invalid", id="unknown field"),
    ],
)
def test_what_a_run_cannot_be_asked_for(server: Server, body: dict[str, object], code: str) -> None:
    runner = Runner(server)
    answer = runner.start(runner.create(GREETING), body)
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert runner.client.get("/api/runs").json()["items"] == []


def test_an_input_without_value_is_asked_for(server: Server) -> None:
    runner = Runner(server)
    flow = {**GREETING, "inputs": {"who": {"type": "Text"}}}
    answer = runner.start(runner.create(flow))
    assert answer.status_code == 422
    assert answer.json()["code"] == "run.missing_input"
    assert answer.json()["params"]["name"] == "who"


def test_a_failure_says_which_node_and_why(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(NUMBERS))
    assert run["state"] == "failed"
    assert run["failure"]["code"] == "file.not_found"
    assert run["failure"]["node"] == "read"
    assert run["failure"]["hint"]
    assert run["nodes"]["read"]["state"] == "failed"
    assert run["nodes"]["read"]["failure"]["code"] == "file.not_found"
    assert run["nodes"]["table"]["state"] not in {"completed", "running", "queued"}


@pytest.mark.parametrize("path", ["../other/secret.txt", "/etc/hostname"])
def test_a_flow_reaches_no_file_outside_its_workspace(server: Server, path: str) -> None:
    runner = Runner(server)
    flow = {
        **GREETING,
        "nodes": {"read": {"type": "file.read_text", "settings": {"path": path}}},
        "edges": [],
    }
    run = runner.run(runner.create(flow))
    assert run["state"] == "failed"
    assert run["failure"]["code"] == "file.outside_root"


def test_viewers_look_but_do_not_start(server: Server) -> None:
    owner = Runner(server)
    flow_id = owner.create(GREETING)
    run = owner.run(flow_id)
    viewer = owner.invite("viewer")
    answer = viewer.start(flow_id)
    assert answer.status_code == 403
    assert answer.json()["code"] == "auth.forbidden"
    assert viewer.info(run["id"]) == run
    cancel = viewer.client.post(f"/api/runs/{run['id']}/cancel")
    assert cancel.status_code == 403


def test_strangers_learn_nothing(server: Server) -> None:
    owner = Runner(server)
    flow_id = owner.create(GREETING)
    run = owner.run(flow_id)
    stranger = owner.invite(None)
    assert stranger.start(flow_id).json()["code"] == "flow.not_found"
    for path in ("", "/events", "/nodes/greet"):
        answer = stranger.client.get(f"/api/runs/{run['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")
    answer = stranger.client.post(f"/api/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")
    assert stranger.client.get("/api/runs").json()["items"] == []
    listed = stranger.client.get("/api/runs", params={"flow": flow_id})
    assert listed.json()["code"] == "flow.not_found"


def test_runs_of_a_deleted_flow_are_gone(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    run = runner.run(flow_id)
    assert runner.client.delete(f"/api/flows/{flow_id}").is_success
    answer = runner.client.get(f"/api/runs/{run['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")
    assert runner.client.get("/api/runs").json()["items"] == []


def test_the_list_of_flows_shows_the_last_run(server: Server) -> None:
    runner = Runner(server)
    flow_id, other = runner.create(GREETING), runner.create(GREETING)
    runner.run(flow_id)
    last = runner.run(flow_id)
    flows = {flow["id"]: flow for flow in runner.client.get("/api/flows").json()["items"]}
    assert flows[flow_id]["last_run"]["id"] == last["id"]
    assert flows[flow_id]["last_run"]["state"] == "completed"
    assert flows[other]["last_run"] is None
