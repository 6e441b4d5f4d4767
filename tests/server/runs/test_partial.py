"""Runs of a part of a flow, and how many runs are kept."""

from dataclasses import replace

import pytest

from tests.server.runs.flows import NUMBERS, Runner, wait_until
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


def test_the_newest_runs_are_kept(runner: Runner) -> None:
    runs = runner.server.app.state.runs
    runs._settings = replace(runs._settings, keep=3)
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
