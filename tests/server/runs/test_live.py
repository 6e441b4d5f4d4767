"""What the REST API says of runs that live."""

from typing import Any

import pytest

from tests.server.runs.flows import wait_until
from tests.server.support import Server
from tests.server.triggers.flows import Armer
from weft_server.runs import live_rows

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Ticks",
    "mode": "streaming",
    "checkpoint": {"interval_s": 0.02, "keep": 1},
    "restart": {"max_attempts": 100, "delay_s": 0.01, "max_delay_s": 0.01},
    "nodes": {
        "clock": {"type": "stream.clock", "settings": {"every": "20ms"}},
        "minute": {
            "type": "stream.running",
            "settings": {"by": ["number"]},
        },
        "text": {"type": "text.template", "settings": {"template": "n{{ item.number }}"}},
        "digit": {
            "type": "text.extract",
            "settings": {"pattern": "n(?P<n>[0-2])", "no_match": "fail"},
        },
    },
    "edges": [
        {"source": "clock", "source_port": "ticks", "target": "minute", "target_port": "rows"},
        {"source": "minute", "source_port": "rows", "target": "text", "target_port": "item"},
        {"source": "text", "source_port": "text", "target": "digit", "target_port": "text"},
    ],
}


@pytest.fixture
def armer(server: Server) -> Armer:
    return Armer(server)


def start(armer: Armer, **more: Any) -> str:
    made = armer.client.post(
        "/api/flows", json={"workspace_id": armer.workspace_id, "flow": {**FLOW, **more}}
    )
    assert made.status_code == 201, made.text
    found = armer.client.post(f"/api/flows/{made.json()['id']}/runs")
    assert found.status_code == 202, found.text
    run: str = found.json()["id"]
    return run


def read(armer: Armer, run: str, what: str) -> dict[str, Any]:
    answer = armer.client.get(f"/api/runs/{run}/{what}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def lasting() -> dict[str, Any]:
    """Nodes that do not fail."""
    return {**FLOW["nodes"], "text": {"type": "text.template", "settings": {"template": "n1"}}}


def test_checkpoints_are_listed_and_thinned(armer: Armer) -> None:
    run = start(armer, nodes=lasting())
    wait_until(lambda: bool(read(armer, run, "checkpoints")["items"]))
    first = read(armer, run, "checkpoints")["items"][0]
    assert first["kind"] == "checkpoint"
    assert first["bytes"] > 0
    assert first["duration_ms"] >= first["pause_ms"] >= 0
    many = live_rows.KEPT + 3 * live_rows.EVERY
    wait_until(lambda: read(armer, run, "checkpoints")["items"][0]["id"] > many)
    items = read(armer, run, "checkpoints")["items"]
    assert len(items) == live_rows.KEPT
    ids = [item["id"] for item in items]
    assert ids == sorted(ids, reverse=True)
    events = armer.client.get(f"/api/runs/{run}/events").json()["items"]
    stored = [event for event in events if event["type"] == "checkpoint_completed"]
    assert live_rows.KEPT <= len(stored) < live_rows.KEPT + 2 * live_rows.EVERY
    armer.client.post(f"/api/runs/{run}/cancel")


def test_restarts_say_why(armer: Armer) -> None:
    run = start(armer)  # the fourth record fails, again and again
    wait_until(lambda: len(read(armer, run, "checkpoints")["restarts"]) > 1)
    again = read(armer, run, "checkpoints")["restarts"]
    assert again[0]["attempt"] > again[1]["attempt"]
    assert again[0]["failure"]["node"] == "digit"
    armer.client.post(f"/api/runs/{run}/cancel")


def test_nodes_tell_how_they_do_while_it_lives(armer: Armer) -> None:
    run = start(armer, nodes=lasting())
    wait_until(lambda: read(armer, run, "live")["nodes"].get("text", {}).get("count_in", 0) > 20)
    nodes = read(armer, run, "live")["nodes"]
    assert set(nodes) == {"clock", "minute", "text", "digit"}
    wait_until(lambda: read(armer, run, "live")["nodes"]["clock"]["out_per_s"] > 1)
    assert 0 <= nodes["text"]["busy"] <= 1
    assert 0 <= nodes["text"]["blocked"] <= 1
    armer.client.post(f"/api/runs/{run}/cancel")
    wait_until(lambda: read(armer, run, "live")["nodes"] == {})


@pytest.mark.parametrize("asked", [{"failure_policy": "best_effort"}, {"max_seconds": 5}], ids=str)
def test_what_a_live_run_does_not_have_is_refused(armer: Armer, asked: dict[str, Any]) -> None:
    flow_id = armer.create({**FLOW, "nodes": lasting()})
    answer = armer.start(flow_id, asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "run.not_for_streams")


@pytest.mark.parametrize("what", ["checkpoints", "live"])
def test_strangers_see_nothing(armer: Armer, server: Server, what: str) -> None:
    run = start(armer, nodes=lasting())
    stranger = Armer(server)
    answer = stranger.client.get(f"/api/runs/{run}/{what}")
    assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")
    armer.client.post(f"/api/runs/{run}/cancel")
    assert armer.client.get(f"/api/runs/run_{'0' * 26}/{what}").status_code == 404
