"""A real server: a run stops at breakpoints, values are replaced, steps are made, it goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.runs.flows import Runner, wait_until
from tests.server.runs.process import Process
from tests.server.support import Server

PRICES: dict[str, Any] = {
    "format": "weft/1",
    "name": "Prices",
    "nodes": {
        "prices": {
            "type": "data.generate",
            "settings": {"count": 3, "fields": [{"name": "eur", "expression": "item * 10"}]},
        },
        "loop": {"type": "control.for_each"},
        "label": {
            "type": "text.template",
            "parent": "loop",
            "settings": {"template": "{{ item.eur }} EUR"},
        },
        "end": {
            "type": "text.template",
            "parent": "loop",
            "settings": {"template": "<{{ item }}>"},
        },
    },
    "edges": [
        {"source": "prices", "source_port": "rows", "target": "loop", "target_port": "items"},
        {"source": "loop", "source_port": "item", "target": "label", "target_port": "item"},
        {"source": "label", "source_port": "text", "target": "end", "target_port": "item"},
        {"source": "end", "source_port": "text", "target": "loop", "target_port": "result"},
    ],
    "outputs": ["loop"],
}
POINT = {"node": "loop/label", "condition": "item.eur == 10"}


@pytest.fixture
def runner(server: Server) -> Runner:
    return Runner(server)


def told(runner: Runner, run_id: str, what: str, body: Any = None) -> Any:
    return runner.client.post(f"/api/runs/{run_id}/{what}", json=body or {})


def stands(runner: Runner, run_id: str, at: str) -> dict[str, Any]:
    """Wait until the run stands there, and nothing else is under way."""

    def there() -> bool:
        info = runner.info(run_id)
        return info["state"] == "paused" and [stop["at"] for stop in info["stopped"]] == [at]

    wait_until(there)
    (stop,) = runner.info(run_id)["stopped"]
    return dict(stop)


def looked_at(runner: Runner, run_id: str, node: str, scope: str) -> dict[str, Any]:
    answer = runner.client.get(f"/api/runs/{run_id}/nodes/{node}", params={"scope": scope})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def results(runner: Runner, run_id: str) -> Any:
    page = runner.client.get(f"/api/runs/{run_id}/nodes/loop").json()
    return page["outputs"]["results"]["records"]


def test_rows_tell_which_values_were_replaced(runner: Runner) -> None:
    points = [POINT, {**POINT, "when": "after", "condition": "index == 2"}]
    run_id = runner.start(runner.create(PRICES), {"breakpoints": points}).json()["id"]
    stands(runner, run_id, "loop/label@loop:1")
    body = {"at": "loop/label@loop:1", "port": "item", "value": {"eur": 99}}
    assert told(runner, run_id, "edit", body).status_code == 202
    assert told(runner, run_id, "resume").status_code == 202
    stands(runner, run_id, "loop/label@loop:2")
    body = {"at": "loop/label@loop:2", "port": "text", "value": "free"}
    assert told(runner, run_id, "edit", body).status_code == 202
    assert told(runner, run_id, "resume").status_code == 202
    assert runner.ended(run_id)["state"] == "completed"
    assert results(runner, run_id) == ["<0 EUR>", "<99 EUR>", "<free>"]
    rows = runner.client.get(f"/api/runs/{run_id}/activations").json()["items"]
    edited = {(row["node"], row["scope"]): row["edited"] for row in rows if row["edited"]}
    assert edited == {
        ("loop/label", "loop:1"): {"before": ["item"]},
        ("loop/label", "loop:2"): {"after": ["text"]},
    }


def test_a_run_that_waits_is_paused_and_steps(runner: Runner) -> None:
    flow: dict[str, Any] = {
        "format": "weft/1",
        "name": "Waits",
        "inputs": {"who": {"type": "Text", "default": "Ada"}},
        "nodes": {
            "who": {"type": "flow.input", "settings": {"name": "who"}},
            "wait": {"type": "control.signal", "settings": {"name": "go"}},
            "show": {"type": "text.template", "settings": {"template": "{{ item }}!"}},
        },
        "edges": [
            {"source": "who", "source_port": "value", "target": "wait", "target_port": "item"},
            {"source": "wait", "source_port": "received", "target": "show", "target_port": "item"},
        ],
    }
    run_id = runner.start(runner.create(flow)).json()["id"]

    def paused(reason: str) -> bool:
        info = runner.info(run_id)
        return (info["state"], info["pause_reason"]) == ("paused", reason) and bool(info["waits"])

    wait_until(lambda: paused("waiting"))
    refused = told(runner, run_id, "step", {"kind": "over"})
    assert (refused.status_code, refused.json()["code"]) == (409, "run.not_stopped")
    assert told(runner, run_id, "pause").status_code == 202
    wait_until(lambda: paused("asked"))
    assert told(runner, run_id, "signals", {"name": "go", "payload": "now"}).is_success
    assert runner.info(run_id)["pause_reason"] == "asked"
    assert told(runner, run_id, "step", {"kind": "over"}).status_code == 202
    assert stands(runner, run_id, "show@")["reason"] == "step"
    assert told(runner, run_id, "resume").status_code == 202
    assert runner.ended(run_id)["state"] == "completed"


def test_stop_edit_step_and_go_on(runner: Runner) -> None:
    started = runner.start(runner.create(PRICES), {"breakpoints": [POINT]}).json()
    run_id = started["id"]
    stop = stands(runner, run_id, "loop/label@loop:1")
    assert (stop["when"], stop["reason"], stop["hit"]) == ("before", "breakpoint", 1)
    assert runner.info(run_id)["pause_reason"] == "breakpoint"
    held = looked_at(runner, run_id, "loop/label", "loop:1")
    assert (held["state"], held["outputs"]) == ("paused", {})
    assert held["inputs"]["item"]["value"] == {"number": 1, "eur": 10}
    edit = {"at": stop["at"], "port": "item", "value": {"eur": 99}}
    assert told(runner, run_id, "edit", edit).status_code == 202
    wait_until(lambda: runner.info(run_id)["stopped"][0]["edited"] == ["item"])
    held = looked_at(runner, run_id, "loop/label", "loop:1")
    assert held["inputs"]["item"]["value"] == {"eur": 99}
    assert told(runner, run_id, "step", {"kind": "over"}).status_code == 202
    assert stands(runner, run_id, "loop/end@loop:1")["reason"] == "step"
    assert told(runner, run_id, "step", {"kind": "out"}).status_code == 202
    assert runner.ended(run_id)["state"] == "completed"
    assert results(runner, run_id) == ["<0 EUR>", "<99 EUR>", "<20 EUR>"]


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("edit", {"at": "end@", "port": "item", "value": 1}, 409, "run.not_stopped"),
        ("edit", {"at": "loop@", "port": "no", "value": 1}, 409, "run.no_such_port"),
        ("edit", {"at": "loop@", "port": "items", "value": 5}, 422, "run.bad_value"),
        ("step", {"kind": "over", "at": "end@"}, 409, "run.not_stopped"),
    ],
)
def test_what_cannot_be_done_is_refused(
    runner: Runner, what: str, body: Any, status: int, code: str
) -> None:
    run_id = runner.start(runner.create(PRICES), {"breakpoints": [{"node": "loop"}]}).json()["id"]
    stands(runner, run_id, "loop@")
    answer = told(runner, run_id, what, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["hint"]
    assert told(runner, run_id, "cancel").is_success
    assert runner.ended(run_id)["state"] == "cancelled"


def test_a_bad_condition_is_refused_when_it_is_set(runner: Runner) -> None:
    flow_id = runner.create(PRICES)
    bad = {"node": "loop/label", "condition": "item.eur >"}
    answer = runner.start(flow_id, {"breakpoints": [bad]})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.bad_breakpoint"), answer.text
    run_id = runner.start(flow_id, {"breakpoints": [{"node": "loop"}]}).json()["id"]
    stands(runner, run_id, "loop@")
    path = f"/api/runs/{run_id}/breakpoints"
    for condition in ("item.eur >", "unknown == 3"):
        body = {"breakpoints": [{**bad, "condition": condition}]}
        answer = runner.client.put(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "run.bad_breakpoint")
    assert runner.client.put(path, json={"breakpoints": [POINT]}).is_success
    assert told(runner, run_id, "resume").status_code == 202
    stands(runner, run_id, "loop/label@loop:1")
    assert told(runner, run_id, "resume").status_code == 202
    assert runner.ended(run_id)["state"] == "completed"


def test_conditions_cost_little_and_are_told_to_those_who_may_run(
    runner: Runner, server: Server
) -> None:
    flow_id = runner.create(PRICES)
    names = ", ".join(f"n{number}" for number in range(45))
    # Compiled once for each name, these would take a minute.
    many = [{"node": "loop/label", "condition": f"[{names}] == {n}"} for n in range(60)]
    assert runner.start(flow_id, {"breakpoints": many}).status_code == 202
    long = [{"node": "loop/label", "condition": f"item.eur == {'1' * 3_000}"}] * 7
    answer = runner.start(flow_id, {"breakpoints": long})
    assert (answer.status_code, answer.json()["code"]) == (422, "run.bad_breakpoint")
    stranger = server.client(server.make_user("stranger@example.org", None))
    bad = {"breakpoints": [{"node": "loop", "condition": "item >"}]}
    for flow in (flow_id, "flw_none"):
        answer = stranger.post(f"/api/flows/{flow}/runs", json=bad)
        assert (answer.status_code, answer.json()["code"]) == (404, "flow.not_found")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path / "data")
    try:
        running.set_up()
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("victim", ["engine", "server"])
def test_it_stands_there_again_when_its_process_was_killed(process: Process, victim: str) -> None:
    flow_id = process.post("/flows", {"flow": PRICES})["id"]
    run_id = process.post(f"/flows/{flow_id}/runs", {"breakpoints": [POINT]})["id"]
    at = "loop/label@loop:1"

    def stopped() -> list[Any]:
        info = process.get(f"/runs/{run_id}")
        return [stop for stop in info["stopped"] if info["state"] == "paused"]

    wait_until(lambda: [stop["at"] for stop in stopped()] == [at])
    process.post(f"/runs/{run_id}/edit", {"at": at, "port": "item", "value": {"eur": 7}})
    wait_until(lambda: stopped() and stopped()[0]["edited"] == ["item"])
    known = process.get(f"/runs/{run_id}")["last_seq"]
    if victim == "engine":
        process.engine().kill()
    else:
        process.kill()
        process.start()
    wait_until(lambda: process.get(f"/runs/{run_id}")["last_seq"] > known and bool(stopped()))
    assert stopped()[0]["edited"] == ["item"]
    process.post(f"/runs/{run_id}/resume")
    wait_until(lambda: process.get(f"/runs/{run_id}")["ended_at"] is not None)
    assert process.get(f"/runs/{run_id}")["state"] == "completed"
    given = process.get(f"/runs/{run_id}/nodes/loop")["outputs"]["results"]["records"]
    assert given == ["<0 EUR>", "<7 EUR>", "<20 EUR>"]
