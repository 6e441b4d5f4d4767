"""Lists of runs and of their events."""

import pytest
from sqlmodel import select

from tests.server.runs.flows import GREETING, NUMBERS, Runner, wait_until
from tests.server.support import Server
from weft_server.runs.tables import RunEventRow


def test_runs_come_newest_first_page_by_page(server: Server) -> None:
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    made = [runner.run(flow_id)["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = runner.client.get("/api/runs", params=params).json()
        seen += [run["id"] for run in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert cursor is None


def test_runs_are_filtered_by_flow_and_state(server: Server) -> None:
    runner = Runner(server)
    good, bad = runner.create(GREETING), runner.create(NUMBERS)
    completed, failed = runner.run(good)["id"], runner.run(bad)["id"]

    def listed(**params: str) -> list[str]:
        items = runner.client.get("/api/runs", params=params).json()["items"]
        return [run["id"] for run in items]

    assert listed() == [failed, completed]
    assert listed(flow=good) == [completed]
    assert listed(state="failed") == [failed]
    assert listed(flow=good, state="failed") == []


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"cursor": "run_1' OR 1"}, 400, "request.bad_cursor"),
        ({"limit": "0"}, 422, "request.invalid"),
        ({"limit": "201"}, 422, "request.invalid"),
        ({"state": "lost"}, 422, "request.invalid"),
        ({"flow": "flw_none"}, 404, "flow.not_found"),
    ],
)
def test_what_a_list_cannot_be_asked_for(
    server: Server, params: dict[str, str], status: int, code: str
) -> None:
    answer = Runner(server).client.get("/api/runs", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_events_are_stored_in_order_without_gaps(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    path = f"/api/runs/{run['id']}/events"
    events = runner.client.get(path).json()["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "run_completed"
    assert events[-1]["seq"] == run["last_seq"]
    types = [event["type"] for event in events]
    assert types.index("run_started") < types.index("node_started") < types.index("node_output")
    assert {event["run"] for event in events} == {run["id"]}
    completed = [event["node"] for event in events if event["type"] == "node_completed"]
    assert completed == ["who", "greet", "show"]
    output = next(event for event in events if event["type"] == "node_output")
    assert output["node"] == "who"
    assert (output["port"], output["count"]) == ("value", 1)
    assert "ref" not in output


def test_events_are_read_page_by_page(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    path = f"/api/runs/{run['id']}/events"
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = runner.client.get(path, params={"after": after, "limit": 3}).json()
        seen += [event["seq"] for event in page["items"]]
        after = page["next_after"]
    assert seen == list(range(1, run["last_seq"] + 1))


@pytest.mark.parametrize("number", ["-1", "9223372036854775808", "9" * 30, "9" * 5_000])
@pytest.mark.parametrize("path", ["events?after=", "nodes/greet?offset="])
def test_numbers_that_no_run_reaches(server: Server, path: str, number: str) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    answer = runner.client.get(f"/api/runs/{run['id']}/{path}{number}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


def test_old_runs_go_some_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.app.state.runs._retention, "_keep", 2)
    runner = Runner(server)
    flow_id = runner.create(GREETING)
    made = [runner.run(flow_id)["id"] for _ in range(4)]

    def kept() -> list[str]:
        page = runner.client.get("/api/runs", params={"flow": flow_id}).json()
        return [run["id"] for run in page["items"]]

    wait_until(lambda: kept() == [made[3], made[2]])
    with server.database.read() as session:
        left = session.exec(select(RunEventRow).where(RunEventRow.run_id == made[0])).all()
    assert left == []


def test_lists_leave_out_what_runs_were_started_with(server: Server) -> None:
    """A page of runs with large inputs would be larger than any answer should be."""
    runner = Runner(server)
    run = runner.run(runner.create(GREETING), {"inputs": {"who": "x" * 100_000}})
    page = runner.client.get("/api/runs")
    assert [item["inputs"] for item in page.json()["items"]] == [{}]
    assert len(page.content) < 10_000
    assert runner.info(run["id"])["inputs"] == {"who": "x" * 100_000}


def ids(runner: Runner, **params: str) -> list[str]:
    answer = runner.client.get("/api/runs", params=params)
    assert answer.status_code == 200, answer.text
    return [run["id"] for run in answer.json()["items"]]


def test_runs_are_found_by_who_started_them_when_and_for_what(server: Server) -> None:
    runner = Runner(server)
    colleague = runner.invite("editor")
    flow_id = runner.create(GREETING)
    other = runner.create({**NUMBERS, "name": "Count the sheep"})
    first = runner.run(flow_id)
    second = colleague.run(flow_id)
    failed = runner.run(other)
    assert failed["state"] == "failed"
    assert ids(runner, started_by="me") == [failed["id"], first["id"]]
    assert ids(colleague, started_by="me") == [second["id"]]
    assert ids(runner, started_by=colleague.person.id) == [second["id"]]
    assert ids(runner, **{"from": second["created_at"]}) == [failed["id"], second["id"]]
    assert ids(runner, to=second["created_at"]) == [first["id"]]
    assert ids(runner, q="sheep") == [failed["id"]]
    assert ids(runner, q="SHEEP count") == [failed["id"]]
    assert ids(runner, q="sheep wolf") == []
    assert ids(runner, q="numbers.csv") == [failed["id"]], "in the failure"
    assert ids(runner, q="#2", flow=flow_id) == [second["id"]]
    assert ids(runner, q="100%_") == []
    assert ids(runner, trigger="any") == []
    assert ids(runner, trigger="none") == [failed["id"], second["id"], first["id"]]


def test_activations_are_listed_in_pages(server: Server) -> None:
    runner = Runner(server)
    run = runner.run(runner.create(GREETING))
    path = f"/api/runs/{run['id']}/activations"
    seen: list[dict[str, object]] = []
    cursor = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = runner.client.get(path, params=params).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [(one["node"], one["scope"], one["state"]) for one in seen] == [
        ("who", "", "completed"),
        ("greet", "", "completed"),
        ("show", "", "completed"),
    ]
    assert seen[1]["outputs"] == {"text": {"type": "Text", "count": 1}}
    assert runner.client.get(path, params={"state": "failed"}).json()["items"] == []
    only = runner.client.get(path, params={"node": "greet"}).json()["items"]
    assert [one["node"] for one in only] == ["greet"]
    for wrong in ("x", "9" * 15):  # what no database takes as a number
        answer = runner.client.get(path, params={"cursor": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "request.bad_cursor")
