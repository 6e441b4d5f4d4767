"""What went through the nodes of a run."""

import pytest

from tests.server.runs.flows import GREETING, NUMBERS, Runner
from tests.server.support import Server

ROWS = 500


@pytest.fixture
def runner(server: Server) -> Runner:
    runner = Runner(server)
    lines = ["n,name", *(f"{n},name {n}" for n in range(1, ROWS + 1))]
    runner.file("numbers.csv").write_text("\n".join(lines))
    return runner


def test_outputs_are_read_page_by_page(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS))
    path = f"/api/runs/{run['id']}/nodes/keep"
    page = runner.client.get(path, params={"limit": 3, "side": "output"}).json()
    assert page["state"] == "completed"
    assert page["inputs"] == {}
    rows = page["outputs"]["rows"]
    assert rows["kind"] == "records"
    assert rows["type"] == "Stream[Row]"
    assert rows["count"] == ROWS - 10
    assert [row["n"] for row in rows["records"]] == [11, 12, 13]
    last = runner.client.get(path, params={"offset": ROWS - 12, "limit": 100}).json()
    rows = last["outputs"]["rows"]
    assert rows["offset"] == ROWS - 12
    assert [row["n"] for row in rows["records"]] == [ROWS - 1, ROWS]
    behind = runner.client.get(path, params={"offset": ROWS * 2}).json()
    assert behind["outputs"]["rows"]["records"] == []


def test_inputs_are_what_the_connected_ports_gave(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS))
    path = f"/api/runs/{run['id']}/nodes/table"
    page = runner.client.get(path, params={"side": "input", "limit": 2}).json()
    rows = page["inputs"]["rows"]
    assert rows["source"] == "keep.rows"
    assert rows["count"] == ROWS - 10
    assert [row["n"] for row in rows["records"]] == [11, 12]


def test_what_is_shown_is_the_view_of_a_node_without_outputs(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS))
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/table").json()
    assert page["outputs"]["view"]["count"] == ROWS - 10


def test_what_nests_too_deeply_to_be_shown_is_cut(runner: Runner) -> None:
    nested = "[" * 300 + "]" * 300
    fields = [{"name": "deep", "expression": f"parse_json('{nested}')"}]
    flow = {
        "format": "weft/1",
        "name": "Deep",
        "nodes": {"rows": {"type": "data.generate", "settings": {"count": 1, "fields": fields}}},
    }
    run = runner.run(runner.create(flow))
    assert run["state"] == "completed"
    answer = runner.client.get(f"/api/runs/{run['id']}/nodes/rows")
    assert answer.status_code == 200, answer.text
    rows = answer.json()["outputs"]["rows"]
    assert (rows["truncated"], rows["count"]) == (True, 1)
    assert "…" in str(rows["records"])


def test_one_port_alone(runner: Runner) -> None:
    run = runner.run(runner.create(NUMBERS))
    path = f"/api/runs/{run['id']}/nodes/keep"
    assert runner.client.get(path, params={"port": "nothing"}).json()["outputs"] == {}
    only = runner.client.get(path, params={"port": "rows"}).json()
    assert list(only["outputs"]) == ["rows"]


def test_a_single_value(runner: Runner) -> None:
    run = runner.run(runner.create(GREETING), {"inputs": {"who": "Grace"}})
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/greet").json()
    text = page["outputs"]["text"]
    assert (text["kind"], text["value"], text["type"]) == ("value", "Hello Grace!", "Text")
    assert page["inputs"]["item"]["value"] == "Grace"


def test_a_long_value_comes_whole(runner: Runner) -> None:
    long = "x" * 100_000
    run = runner.run(runner.create(GREETING), {"inputs": {"who": long}})
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/greet").json()
    assert page["outputs"]["text"]["value"] == f"Hello {long}!"


def test_a_node_that_failed_has_its_failure(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(NUMBERS))
    page = runner.client.get(f"/api/runs/{run['id']}/nodes/read").json()
    assert page["state"] == "failed"
    assert page["failure"]["code"] == "file.not_found"
    assert page["outputs"] == {}


def test_a_node_that_is_not_there(runner: Runner) -> None:
    run = runner.run(runner.create(GREETING))
    for path in ("nobody", "nobody/greet", "greet?scope=greet:1"):
        answer = runner.client.get(f"/api/runs/{run['id']}/nodes/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "run.node_not_found")


@pytest.mark.parametrize(
    "params",
    [{"limit": "1001"}, {"limit": "-1"}, {"offset": "-1"}, {"side": "left"}],
    ids=lambda params: next(f"{name}={value}" for name, value in params.items()),
)
def test_what_a_page_cannot_be_asked_for(runner: Runner, params: dict[str, str]) -> None:
    run = runner.run(runner.create(GREETING))
    answer = runner.client.get(f"/api/runs/{run['id']}/nodes/greet", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
