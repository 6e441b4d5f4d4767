"""A live run that ended is tried again: it goes on from its last checkpoint."""

from typing import Any

import pytest

from tests.server.runs.flows import wait_until
from tests.server.runs.test_live import FLOW, read
from tests.server.support import Server
from tests.server.triggers.flows import Armer


@pytest.fixture
def armer(server: Server) -> Armer:
    return Armer(server)


def ticks(pattern: str) -> dict[str, Any]:
    """The numbers of ticks, of which those that do not match end the run."""
    nodes = {**FLOW["nodes"]}
    nodes["digit"] = {
        "type": "text.extract",
        "settings": {"pattern": pattern, "no_match": "fail"},
    }
    return {**FLOW, "nodes": nodes, "restart": {"max_attempts": 1}}


ANY = r"n(?P<n>\d+)"
NOT_THE_FIRST = r"n(?P<n>[1-9]\d*)"


def arrived(armer: Armer, run: str) -> int:
    count: int = read(armer, run, "live")["nodes"].get("digit", {}).get("count_in", 0)
    return count


def stopped(armer: Armer, flow_id: str) -> str:
    """A live run that was cancelled after a checkpoint behind its first records."""
    run: str = armer.start(flow_id).json()["id"]
    wait_until(lambda: arrived(armer, run) > 2)
    known = next(iter(read(armer, run, "checkpoints")["items"]), {"id": 0})["id"]
    wait_until(lambda: read(armer, run, "checkpoints")["items"][:1] or None)
    wait_until(lambda: read(armer, run, "checkpoints")["items"][0]["id"] > known + 1)
    armer.client.post(f"/api/runs/{run}/cancel")
    assert armer.ended(run)["state"] == "cancelled"
    return run


def change(armer: Armer, flow_id: str, pattern: str) -> None:
    op = {"op": "set_setting", "node": "digit", "path": ["pattern"], "value": pattern}
    answer = armer.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [op]})
    assert answer.is_success, answer.text


@pytest.mark.parametrize("choice", ["as_it_was", "current"])
def test_it_goes_on_from_the_last_checkpoint(armer: Armer, choice: str) -> None:
    flow_id = armer.create(ticks(ANY))
    run = stopped(armer, flow_id)
    if choice == "current":
        change(armer, flow_id, NOT_THE_FIRST)  # of a run that begins anew the first one fails
    plan = armer.client.get(f"/api/runs/{run}/retry", params={"flow": choice})
    assert plan.status_code == 200, plan.text
    assert {each["node"]: each["reason"] for each in plan.json()["again"]} == dict.fromkeys(
        FLOW["nodes"], "goes_on"
    )
    answer = armer.client.post(f"/api/runs/{run}/retry", json={"flow": choice})
    assert answer.status_code == 202, answer.text
    again = answer.json()["id"]
    wait_until(lambda: arrived(armer, again) > 2 or armer.info(again)["state"] == "failed")
    assert armer.info(again)["state"] == "running"

    later = armer.client.post(f"/api/runs/{run}/retry")
    assert (later.status_code, later.json()["code"]) == (409, "run.live_went_on")
    armer.client.post(f"/api/runs/{again}/cancel")


def test_one_that_begins_anew_fails_on_the_first_record(armer: Armer) -> None:
    run: str = armer.start(armer.create(ticks(NOT_THE_FIRST))).json()["id"]
    assert armer.ended(run)["state"] == "failed"


def test_it_is_not_forked(armer: Armer) -> None:
    run = stopped(armer, armer.create(ticks(ANY)))
    for what in ("fork", "fork/plan"):
        answer = armer.client.post(f"/api/runs/{run}/{what}", json={"from_node": "digit"})
        assert (answer.status_code, answer.json()["code"]) == (409, "run.live_not_forked")


def test_a_flow_in_another_mode_is_not_tried_again(armer: Armer) -> None:
    flow_id = armer.create(ticks(ANY))
    run = stopped(armer, flow_id)
    op = {"op": "set_flow", "field": "mode", "value": "batch"}
    done = armer.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [op]})
    assert done.is_success, done.text
    answer = armer.client.post(f"/api/runs/{run}/retry", json={"flow": "current"})
    assert (answer.status_code, answer.json()["code"]) == (409, "run.other_mode")
