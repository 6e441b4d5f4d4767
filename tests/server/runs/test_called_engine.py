"""Runs that call others, with the engine: seen, told, and killed."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.server.runs.flows import Runner, wait_until
from tests.server.support import Server

INNER: dict[str, Any] = {
    "format": "weft/1",
    "name": "Shout",
    "inputs": {"text": {"type": "Text", "default": "hello"}},
    "nodes": {
        "text": {"type": "flow.input", "settings": {"name": "text"}},
        "loud": {"type": "text.template", "settings": {"template": "{{ upper(item) }}!"}},
    },
    "edges": [
        {"source": "text", "source_port": "value", "target": "loud", "target_port": "item"},
    ],
}


def calling(name: str, **inner: Any) -> dict[str, Any]:
    """Calls a flow for each of three words."""
    arguments = [{"name": "text", "value": "item.word"}]
    settings = {"flow": name, "arguments": arguments, "isolated": True}
    fields = [{"name": "word", "expression": "['one', 'two', 'three'][item]"}]
    return {
        "format": "weft/1",
        "name": f"Calls {name}",
        "nodes": {
            "words": {"type": "data.generate", "settings": {"count": 3, "fields": fields}},
            "each": {"type": "control.for_each", "settings": {"concurrency": 1}},
            "call": {"type": "flow.call", "parent": "each", "settings": settings},
            "show": {"type": "show.text"},
        },
        "edges": [
            {"source": "words", "source_port": "rows", "target": "each", "target_port": "items"},
            {"source": "each", "source_port": "item", "target": "call", "target_port": "item"},
            {"source": "call", "source_port": "result", "target": "each", "target_port": "result"},
            {"source": "each", "source_port": "results", "target": "show", "target_port": "text"},
        ],
    }


@pytest.fixture
def runner(server: Server) -> Runner:
    return Runner(server)


def made(runner: Runner) -> tuple[str, str]:
    """A flow, and one that calls it."""
    called = runner.create(INNER)
    return called, runner.create(calling("Shout"))


def get(runner: Runner, path: str, status: int = 200) -> Any:
    answer = runner.client.get(f"/api{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def post(runner: Runner, path: str, body: Any = None, status: int = 202) -> Any:
    answer = runner.client.post(f"/api{path}", json=body or {})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_they_are_found_below_the_run_that_called_them(runner: Runner) -> None:
    called, flow = made(runner)
    run = runner.run(flow)
    assert run["state"] == "completed", run
    assert get(runner, f"/runs/{run['id']}")["children"] == 3
    items = get(runner, f"/runs/{run['id']}/children")["items"]
    assert items == get(runner, f"/runs?parent={run['id']}")["items"]
    assert [(one["number"], one["flow_id"], one["state"]) for one in items] == [
        (number, called, "completed") for number in (1, 2, 3)
    ]
    assert [one["parent"] for one in items] == [
        {"run": run["id"], "node": "each/call", "scope": f"each:{at}"} for at in range(3)
    ]
    first = get(runner, f"/runs/{run['id']}/children?limit=2")
    assert [one["number"] for one in first["items"]] == [1, 2]
    rest = get(runner, f"/runs/{run['id']}/children?limit=2&cursor={first['next_cursor']}")
    assert ([one["number"] for one in rest["items"]], rest["next_cursor"]) == ([3], None)
    of_node = get(runner, f"/runs/{run['id']}/children?node=each/call")["items"]
    assert of_node == items
    of_one = get(runner, f"/runs/{run['id']}/children?node=each/call&scope=each:1")["items"]
    assert of_one == [items[1]]
    assert get(runner, f"/runs/{run['id']}/children?node=each")["items"] == []
    assert get(runner, f"/runs?flow={called}")["items"] == []
    assert [one["id"] for one in get(runner, "/runs")["items"]] == [run["id"]]
    child = get(runner, f"/runs/{items[1]['id']}")
    assert child["inputs"] == {"text": "two"}
    data = get(runner, f"/runs/{child['id']}/nodes/loud")
    assert data["outputs"]["text"]["value"] == "TWO!"
    events = get(runner, f"/runs/{child['id']}/events")["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("run_started", "run_completed")


def test_only_those_see_them_who_may_see_both_flows(runner: Runner) -> None:
    called, flow = made(runner)
    run = runner.run(flow)
    (child, *_) = get(runner, f"/runs/{run['id']}/children")["items"]
    for shared, seen, there in ((flow, 200, 0), (called, 404, None)):
        guest = Runner(runner.server)
        given = {"items": [{"email": guest.person.email, "role": "editor"}]}
        assert runner.client.put(f"/api/flows/{shared}/shares", json=given).is_success
        answer = guest.client.get(f"/api/runs/{run['id']}/children")
        assert answer.status_code == seen
        if there is not None:
            assert len(answer.json()["items"]) == there
        assert guest.client.get(f"/api/runs/{child['id']}").status_code == 404
        assert guest.client.get(f"/api/runs?parent={run['id']}").status_code == seen


def test_what_can_be_done_with_whole_runs_only_is_refused(runner: Runner) -> None:
    _, flow = made(runner)
    run = runner.run(flow)
    (child, *_) = get(runner, f"/runs/{run['id']}/children")["items"]
    for path, body in (("retry", None), ("fork", {"from_node": "loud"})):
        answer = post(runner, f"/runs/{child['id']}/{path}", body, 409)
        assert (answer["code"], answer["params"]["parent"]) == ("run.is_called", run["id"])


def test_it_is_debugged_from_within_and_from_outside(runner: Runner) -> None:
    """A breakpoint in the called flow stops there; both rooms tell it, and both let it go on."""
    _, flow = made(runner)
    point = {"node": "each/call/loud", "condition": 'item != "one"'}
    run = runner.start(flow, {"breakpoints": [point]}).json()["id"]
    with runner.listen(f"/ws/runs/{run}") as events:
        hit = next(event for event in events if event["type"] == "breakpoint_hit")
        assert (hit["node"], hit["stop"]) == (
            "each/call/loud",
            "each/call/loud@each:1/call:0",
        )
        next(event for event in events if event["type"] == "run_paused")
    child = hit["child_run"]
    wait_until(lambda: get(runner, f"/runs/{child}")["stopped"])
    (stop,) = get(runner, f"/runs/{child}")["stopped"]
    assert (stop["at"], stop["ports"]) == ("loud@", ["item"])
    assert get(runner, f"/runs/{run}")["stopped"][0]["at"] == hit["stop"]
    answer = post(runner, f"/runs/{child}/cancel", None, 409)
    assert answer["code"] == "run.is_called"
    post(runner, f"/runs/{child}/edit", {"at": "loud@", "port": "item", "value": "other"})
    post(runner, f"/runs/{child}/step", {"kind": "over", "at": "loud@"})

    def stands_at() -> str:
        stops = get(runner, f"/runs/{run}")["stopped"]
        return stops[0]["at"] if stops else ""

    wait_until(lambda: stands_at() == "each/call@each:2")
    post(runner, f"/runs/{run}/resume")
    wait_until(lambda: stands_at() == "each/call/loud@each:2/call:0")
    answer = runner.client.put(f"/api/runs/{run}/breakpoints", json={"breakpoints": []})
    assert answer.status_code == 200, answer.text
    post(runner, f"/runs/{run}/resume")
    assert runner.ended(run)["state"] == "completed"
    shown = get(runner, f"/runs/{run}/nodes/each")["outputs"]["results"]["records"]
    assert shown == ["ONE!", "OTHER!", "THREE!"]
    assert get(runner, f"/runs/{child}")["state"] == "completed"


def test_breakpoints_of_a_called_run_are_those_of_the_node_that_calls(runner: Runner) -> None:
    _, flow = made(runner)
    body = {"breakpoints": [{"node": "each/call/text"}, {"node": "show"}]}
    run = runner.start(flow, body).json()["id"]
    with runner.listen(f"/ws/runs/{run}") as events:
        hit = next(event for event in events if event["type"] == "breakpoint_hit")
    child = hit["child_run"]
    wait_until(lambda: get(runner, f"/runs/{child}")["stopped"])
    points = {"breakpoints": [{"node": "loud"}]}
    answer = runner.client.put(f"/api/runs/{child}/breakpoints", json=points)
    assert answer.status_code == 200, answer.text
    said = get(runner, f"/runs/{run}")["breakpoints"]
    assert [point["node"] for point in said] == ["show", "each/call/loud"]
    post(runner, f"/runs/{run}/cancel")
    assert runner.ended(run)["state"] == "cancelled"
    wait_until(lambda: get(runner, f"/runs/{child}")["state"] == "cancelled")


ASKING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Asks",
    "inputs": {"text": {"type": "Text", "default": "hello"}},
    "nodes": {
        "text": {"type": "flow.input", "settings": {"name": "text"}},
        "ask": {"type": "control.approval", "settings": {"message": "Go on?"}},
    },
    "edges": [
        {"source": "text", "source_port": "value", "target": "ask", "target_port": "item"},
    ],
}


def test_cancelling_a_run_that_waits_ends_what_it_called(runner: Runner) -> None:
    """Also in the journal of the engine, where nobody holds them meanwhile."""
    runner.create(ASKING)
    run = runner.start(runner.create(calling("Asks"))).json()["id"]
    path = runner.server.settings.data / "engine" / "journal.db"

    def statuses() -> list[str]:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT status FROM runs WHERE id >= ? AND id < ?", (run, f"{run}/"))
            return [status for (status,) in rows]

    wait_until(lambda: get(runner, f"/runs/{run}")["state"] == "paused")
    wait_until(lambda: statuses() == ["parked"] * 2)
    (child,) = get(runner, f"/runs/{run}/children")["items"]
    assert child["state"] != "cancelled"
    post(runner, f"/runs/{run}/cancel")
    assert runner.ended(run)["state"] == "cancelled"
    wait_until(lambda: get(runner, f"/runs/{child['id']}")["state"] == "cancelled")
    wait_until(lambda: statuses() == ["cancelled"] * 2)
