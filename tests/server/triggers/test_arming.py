"""Arming freezes a flow; what is drawn afterwards changes nothing until it is armed again."""

from itertools import pairwise
from typing import Any

import pytest

from tests.server.runs.flows import GREETING, wait_until
from tests.server.triggers.flows import Armer, started_by, waiting
from weft_server.database import Database
from weft_server.triggers.delivery import Delivery, Mark
from weft_server.triggers.tables import ArmedFlow


def change(armer: Armer, flow_id: str, *ops: dict[str, Any]) -> None:
    answer = armer.client.post(f"/api/flows/{flow_id}/patches", json={"ops": list(ops)})
    assert answer.status_code == 200, answer.text


def test_editing_an_armed_flow_changes_nothing_until_it_is_armed_again(armer: Armer) -> None:
    flow_id = armer.arm(started_by("webhook", "body", "Old {{ item.n }}"))
    assert armer.state(flow_id)["differs"] is False
    address = armer.address(flow_id)
    template = {"node": "say", "path": ["template"], "value": "New {{ item.n }}"}
    change(armer, flow_id, {"op": "set_setting", **template})
    state = armer.state(flow_id)
    assert (state["armed"], state["differs"]) == (True, True)
    assert armer.said(armer.hook(address, json={"n": 1}).json()["run"]) == "Old 1"
    again = armer.client.post(f"/api/flows/{flow_id}/arm").json()
    assert again["differs"] is False
    assert armer.said(armer.hook(address, json={"n": 2}).json()["run"]) == "New 2"


def test_moving_a_node_makes_no_difference(armer: Armer) -> None:
    flow_id = armer.arm(started_by("webhook", "body"))
    change(armer, flow_id, {"op": "move_node", "node": "say", "position": {"x": 500, "y": 90}})
    assert armer.state(flow_id)["differs"] is False


def test_a_trigger_that_is_no_longer_drawn_takes_events_until_the_flow_is_armed_again(
    armer: Armer,
) -> None:
    flow_id = armer.arm(started_by("webhook", "body"))
    address = armer.address(flow_id)
    schedule = {"type": "trigger.schedule", "settings": {}}
    change(
        armer,
        flow_id,
        {"op": "remove_node", "id": "event"},
        {"op": "add_node", "id": "nightly", "node": schedule},
        {"op": "add_edge", "source": "nightly", "source_port": "time", "target": "say",
         "target_port": "item"},
    )  # fmt: skip
    shown = {one["node"]: one for one in armer.state(flow_id)["triggers"]}
    assert (shown["event"]["active"], shown["event"]["in_flow"]) == (True, False)
    assert (shown["nightly"]["active"], shown["nightly"]["in_flow"]) == (False, True)
    assert len(shown["nightly"]["next_times"]) == 5
    assert armer.hook(address, json=1).status_code == 202
    armer.client.post(f"/api/flows/{flow_id}/arm")
    assert armer.hook(address, json=1).status_code == 404
    assert [one["node"] for one in armer.state(flow_id)["triggers"]] == ["nightly"]


def test_each_trigger_gives_its_own_events_and_skips_others(armer: Armer) -> None:
    flow = started_by("webhook", "body", "First {{ item.n }}")
    flow["nodes"] |= {
        "other": {"type": "trigger.webhook"},
        "too": {"type": "text.template", "settings": {"template": "Other {{ item.n }}"}},
    }
    edge = {"source": "other", "source_port": "body", "target": "too", "target_port": "item"}
    flow["edges"].append(edge)
    flow_id = armer.arm(flow)
    run = armer.ended(armer.hook(armer.address(flow_id), json={"n": 1}).json()["run"])
    states = {name: node["state"] for name, node in run["nodes"].items()}
    assert run["state"] == "completed"
    assert (states["say"], states["too"]) == ("completed", "skipped")
    run = armer.ended(armer.hook(armer.address(flow_id, "other"), json={"n": 2}).json()["run"])
    states = {name: node["state"] for name, node in run["nodes"].items()}
    assert (states["say"], states["too"]) == ("skipped", "completed")


def test_a_run_by_hand_uses_the_newest_event(armer: Armer) -> None:
    flow_id = armer.create(started_by("webhook", "body", "Got {{ item.n }}"))
    first = armer.run(flow_id)
    assert first["state"] == "failed"
    assert first["failure"]["code"] == "trigger.no_event"
    assert "sample" in first["failure"]["hint"]
    armer.client.post(f"/api/flows/{flow_id}/arm")
    for n in (1, 2):
        armer.ended(armer.hook(armer.address(flow_id), json={"n": n}).json()["run"])
    assert armer.said(armer.run(flow_id)["id"]) == "Got 2"


def test_a_run_by_hand_uses_the_sample_before_the_first_event(armer: Armer) -> None:
    flow_id = armer.create(started_by("webhook", "body", "Got {{ item.n }}", sample={"n": 5}))
    assert armer.said(armer.run(flow_id)["id"]) == "Got 5"


BROKEN = started_by("webhook", "body")
BROKEN["nodes"]["say"]["settings"] = {"template": "{{ item. }}"}
UNTYPED = started_by("schedule", "time", when="61 * * * *")
STREAMING = started_by("webhook", "body") | {"mode": "streaming"}


@pytest.mark.parametrize(
    ("flow", "status", "code"),
    [
        (GREETING, 422, "trigger.none"),
        (BROKEN, 422, "flow.invalid"),
        (UNTYPED, 422, "flow.invalid"),
        (started_by("flow_ended", "state", flow="flw_none"), 422, "trigger.unknown_flow"),
    ],
    ids=["no trigger", "broken", "bad cron", "unknown flow"],
)
def test_what_cannot_work_is_not_armed(
    armer: Armer, flow: dict[str, Any], status: int, code: str
) -> None:
    flow_id = armer.create(flow)
    answer = armer.client.post(f"/api/flows/{flow_id}/arm")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert armer.state(flow_id)["armed"] is False


def test_a_flow_does_not_wait_for_its_own_end(armer: Armer) -> None:
    flow_id = armer.create(started_by("flow_ended", "state", flow="later"))
    own = {"node": "event", "path": ["flow"], "value": flow_id}
    change(armer, flow_id, {"op": "set_setting", **own})
    answer = armer.client.post(f"/api/flows/{flow_id}/arm")
    assert (answer.status_code, answer.json()["code"]) == (422, "trigger.own_end")


def test_a_deleted_flow_takes_no_events(armer: Armer) -> None:
    flow_id = armer.arm(started_by("webhook", "body"))
    address = armer.address(flow_id)
    assert armer.client.delete(f"/api/flows/{flow_id}").status_code == 204
    assert armer.hook(address, json=1).status_code == 404


def test_events_are_listed_by_page_and_filter(armer: Armer) -> None:
    flow_id = armer.arm(started_by("webhook", "body"))
    address = armer.address(flow_id)
    sent = [armer.hook(address, json=n).json()["event"] for n in range(5)]
    armer.hook(address, "GET")
    path = f"/api/flows/{flow_id}/events"
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = armer.client.get(path, params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [event["id"] for event in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    assert seen[1:] == sent[::-1]
    assert [one["state"] for one in armer.events(flow_id, event_state="refused")] == ["refused"]
    assert armer.events(flow_id, node="other") == []
    wrong = armer.client.get(path, params={"cursor": "evt_1"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "request.bad_cursor")


def test_an_event_can_be_done_again(armer: Armer) -> None:
    flow_id = armer.arm(started_by("webhook", "body", "Got {{ item.n }}"))
    first = armer.hook(armer.address(flow_id), json={"n": 3}).json()
    answer = armer.client.post(f"/api/flows/{flow_id}/events/{first['event']}/replay")
    assert answer.status_code == 202, answer.text
    again = answer.json()
    assert again["first_id"] == first["event"]
    assert again["run_id"] not in {None, first["run"]}
    assert armer.said(again["run_id"]) == "Got 3"
    armer.client.post(f"/api/flows/{flow_id}/disarm")
    answer = armer.client.post(f"/api/flows/{flow_id}/events/{first['event']}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "trigger.not_armed")


def test_overlapping_events_run_side_by_side(armer: Armer) -> None:
    flow_id = armer.arm(waiting("webhook", "body", overlap="allow"))
    runs = [armer.hook(armer.address(flow_id), json=n).json()["run"] for n in range(2)]
    assert None not in runs
    armer.open_gate()
    assert {armer.ended(run)["state"] for run in runs} == {"completed"}


def test_overlapping_events_are_skipped(armer: Armer) -> None:
    flow_id = armer.arm(waiting("webhook", "body", overlap="skip"))
    first = armer.hook(armer.address(flow_id), json=1).json()
    second = armer.hook(armer.address(flow_id), json=2).json()
    assert (second["state"], second["run"]) == ("skipped", None)
    assert armer.events(flow_id)[1]["reason"] == "trigger.overlap"
    armer.open_gate()
    armer.ended(first["run"])
    assert armer.hook(armer.address(flow_id), json=3).json()["state"] == "started"


def test_overlapping_events_wait_their_turn(armer: Armer) -> None:
    flow_id = armer.arm(waiting("webhook", "body", overlap="queue"))
    told = [armer.hook(armer.address(flow_id), json=n).json() for n in range(4)]
    assert [one["state"] for one in told] == ["started", "received", "received", "received"]
    assert armer.trigger(flow_id)["waiting"] == 3
    armer.open_gate()
    events = armer.until(flow_id, 4)
    runs = [armer.ended(event["run_id"]) for event in events]
    assert [event["id"] for event in events] == [one["event"] for one in told]
    for before, after in pairwise(runs):
        assert before["ended_at"] <= after["created_at"]


def test_events_that_wait_are_not_run_once_the_flow_is_disarmed(armer: Armer) -> None:
    flow_id = armer.arm(waiting("webhook", "body", overlap="queue"))
    first = armer.hook(armer.address(flow_id), json=1).json()
    second = armer.hook(armer.address(flow_id), json=2).json()
    armer.client.post(f"/api/flows/{flow_id}/disarm")
    wait_until(lambda: armer.event(flow_id, second["event"])["state"] == "failed")
    assert armer.event(flow_id, second["event"])["reason"] == "trigger.not_armed"
    armer.client.post(f"/api/runs/{first['run']}/cancel")


def test_those_who_look_hear_of_events(armer: Armer) -> None:
    flow_id = armer.create(started_by("webhook", "body"))
    with armer.listen(f"/ws/workspaces/{armer.workspace_id}/events") as heard:
        armer.client.post(f"/api/flows/{flow_id}/arm")
        assert next(one for one in heard if one["type"] == "flow_armed")["flow"] == flow_id
        told = armer.hook(armer.address(flow_id), json=1).json()
        one = next(one for one in heard if one["type"] == "trigger_event"
                   and one["event_state"] == "started")  # fmt: skip
        assert (one["flow"], one["event"], one["node"]) == (flow_id, told["event"], "event")


class Ingress:
    """Takes events of streaming flows, as whoever keeps live runs does."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.records: list[dict[str, Any]] = []

    async def append(self, armed: ArmedFlow, trigger: dict[str, Any], mark: Mark) -> None:
        await self.database.run(mark)
        self.records.append(trigger)

    async def begin(self, principal: Any, flow_id: str) -> None:
        """Nothing is to be started."""

    async def end(self, flow_id: str) -> None:
        """Nothing is to be stopped."""


def test_events_of_a_stream_go_to_its_live_run_each_once(armer: Armer) -> None:
    delivery: Delivery = armer.server.app.state.trigger_delivery
    live, delivery.live = delivery.live, (ingress := Ingress(armer.server.database))
    try:
        flow_id = armer.arm(STREAMING)
        address = armer.address(flow_id)
        for _ in range(2):
            armer.hook(address, json={"n": 1}, headers={"Idempotency-Key": "a"})
    finally:
        delivery.live = live
    first, repeated = armer.events(flow_id)
    assert (first["state"], first["run_id"]) == ("appended", None)
    assert repeated["state"] == "duplicate"
    (record,) = ingress.records
    assert (record["node"], record["event_id"]) == ("event", first["id"])
    assert record["payload"]["body"] == {"n": 1}
