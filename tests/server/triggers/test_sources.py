"""Files, messages, ends of other flows, and times: where events come from besides requests."""

from datetime import datetime, timedelta

import pytest

from tests.server.runs.flows import GREETING, WAITING, wait_until
from tests.server.triggers.flows import Armer, started_by, waiting
from weft_server.database import utc_now
from weft_server.triggers import repository


def send(armer: Armer, queue: str, message: object, **more: object) -> dict[str, object]:
    path = f"/api/workspaces/{armer.workspace_id}/queues/{queue}/messages"
    answer = armer.client.post(path, json={"message": message, **more})
    assert answer.status_code == 202, answer.text
    sent: dict[str, object] = answer.json()
    return sent


def test_a_message_starts_every_flow_that_listens(armer: Armer) -> None:
    flows = [armer.arm(started_by("message", "message", queue="orders")) for _ in range(2)]
    other = armer.arm(started_by("message", "message", queue="returns"))
    assert send(armer, "orders", {"n": 1})["flows"] == 2
    for flow_id in flows:
        (event,) = armer.until(flow_id, 1)
        assert armer.ended(event["run_id"])["state"] == "completed"
        assert armer.event(flow_id, event["id"])["payload"]["message"] == {"n": 1}
    assert armer.events(other) == []


def test_messages_wait_for_the_first_flow_that_listens(armer: Armer) -> None:
    sent = [send(armer, "orders", n, id=f"m{n}") for n in range(3)]
    assert [one["flows"] for one in sent] == [0, 0, 0]
    assert send(armer, "orders", 0, id="m0")["duplicate"] is True
    flow_id = armer.arm(started_by("message", "message", queue="orders"))
    events = armer.until(flow_id, 3)
    assert [event["delivery_id"] for event in events] == ["m0", "m1", "m2"]
    assert send(armer, "orders", 0, id="m0")["duplicate"] is True
    assert [event["state"] for event in armer.events(flow_id)][-1] == "duplicate"
    second = armer.arm(started_by("message", "message", queue="orders"))
    assert armer.events(second) == []


def test_queues_of_other_workspaces_are_others(armer: Armer) -> None:
    flow_id = armer.arm(started_by("message", "message", queue="orders"))
    other = Armer(armer.server)
    assert send(other, "orders", 1)["flows"] == 0
    assert armer.events(flow_id) == []
    path = f"/api/workspaces/{armer.workspace_id}/queues/orders/messages"
    assert other.client.post(path, json={"message": 1}).status_code == 404
    wrong = armer.client.post(path.replace("orders", "a b"), json={"message": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "queue.bad_name")


def test_the_end_of_one_flow_starts_another(armer: Armer) -> None:
    first = armer.create(GREETING)
    before = armer.run(first)
    text = "{{ item.number }} {{ item.state }} {{ item.flow_name }}"
    flow_id = armer.arm(started_by("flow_ended", "run", text, flow=first))
    failing = armer.arm(started_by("flow_ended", "state", flow=first, ends="failed"))
    run = armer.run(first)
    (event,) = armer.until(flow_id, 1)
    assert armer.said(event["run_id"]) == "2 completed Greeting"
    payload = armer.event(flow_id, event["id"])["payload"]
    assert payload["id"] == run["id"] != before["id"]
    assert "Hello world!" in str(payload["outputs"])
    assert armer.events(failing) == []


def test_the_failure_of_one_flow_starts_another(armer: Armer) -> None:
    first = armer.create(WAITING | {"nodes": {"wait": {**WAITING["nodes"]["wait"], "retry": None}},
                                    "edges": []})  # fmt: skip
    flow_id = armer.arm(started_by("flow_ended", "state", flow=first, ends="failed"))
    assert armer.run(first)["state"] == "failed"
    (event,) = armer.until(flow_id, 1)
    assert armer.said(event["run_id"]) == "Got failed"
    failure = armer.event(flow_id, event["id"])["payload"]["failure"]
    assert failure["code"] == "file.not_found"


def test_flows_that_start_one_another_end_some_time(armer: Armer) -> None:
    one = armer.create(started_by("flow_ended", "state", flow="later"))
    other = armer.create(started_by("flow_ended", "state", flow=one))
    for flow_id, watched in ((one, other), (other, one)):
        op = {"op": "set_setting", "node": "event", "path": ["flow"], "value": watched}
        armer.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [op]})
        sample = {**op, "path": ["sample"], "value": {"state": "completed"}}
        armer.client.post(f"/api/flows/{flow_id}/patches", json={"ops": [sample]})
        assert armer.client.post(f"/api/flows/{flow_id}/arm").status_code == 200
    armer.run(one)
    wait_until(lambda: armer.events(one, event_state="refused")
               or armer.events(other, event_state="refused"), 60)  # fmt: skip
    stopped = [
        *armer.events(one, event_state="refused"),
        *armer.events(other, event_state="refused"),
    ]
    assert [event["reason"] for event in stopped] == ["trigger.chain_too_long"]
    assert len(armer.events(one)) + len(armer.events(other)) == 21


def test_files_start_runs_when_they_come_change_and_go(armer: Armer) -> None:
    old = armer.file("inbox/old.csv")
    old.parent.mkdir()
    old.write_text("there before")
    flow = started_by(
        "file_watch",
        "path",
        pattern="inbox/*.csv",
        changes=["created", "changed", "deleted"],
        settle_s=0.1,
    )
    flow_id = armer.arm(flow)
    new = armer.file("inbox/new.csv")
    new.write_text("a")
    armer.file("inbox/note.txt").write_text("of no concern")
    (created,) = armer.until(flow_id, 1)
    assert armer.said(created["run_id"]) == "Got inbox/new.csv"
    new.write_text("a longer text")
    armer.until(flow_id, 2)
    old.unlink()
    events = armer.until(flow_id, 3)
    told = [armer.event(flow_id, event["id"])["payload"] for event in events]
    assert [(one["path"], one["change"]) for one in told] == [
        ("inbox/new.csv", "created"),
        ("inbox/new.csv", "changed"),
        ("inbox/old.csv", "deleted"),
    ]
    assert told[1]["size"] == len("a longer text")


def test_a_folder_that_is_made_later_is_watched(armer: Armer) -> None:
    flow_id = armer.arm(started_by("file_watch", "path", pattern="drop/**/*.json", settle_s=0.1))
    deep = armer.file("drop/2026/11/a.json")
    deep.parent.mkdir(parents=True)
    deep.write_text("{}")
    (event,) = armer.until(flow_id, 1)
    assert armer.said(event["run_id"]) == "Got drop/2026/11/a.json"


def test_links_lead_nowhere(armer: Armer) -> None:
    outside = armer.server.settings.data / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.csv").write_text("secret")
    armer.file("link").symlink_to(outside)
    flow_id = armer.arm(started_by("file_watch", "path", pattern="link/*.csv", settle_s=0.1))
    other = armer.arm(started_by("file_watch", "path", pattern="*.csv", settle_s=0.1))
    (outside / "second.csv").write_text("secret")
    armer.file("own.csv").symlink_to(outside / "secret.csv")
    armer.file("real.csv").write_text("a")
    armer.until(other, 1)
    assert armer.events(flow_id) == []


def test_files_changed_while_the_server_was_down_are_found(server, armer: Armer) -> None:  # type: ignore[no-untyped-def]
    flow_id = armer.arm(started_by("file_watch", "path", pattern="*.csv", settle_s=0.1))
    server.stop()
    armer.file("late.csv").write_text("a")
    server.start()
    armer.client = server.client(armer.person)
    (event,) = armer.until(flow_id, 1)
    assert armer.said(event["run_id"]) == "Got late.csv"


def make_due(armer: Armer, flow_id: str, ago: timedelta) -> datetime:
    """As if the time of a schedule had come so long ago."""
    due = utc_now() - ago
    with armer.server.database.transaction() as session:
        row = repository.trigger(session, flow_id, "event")
        assert row is not None
        row.since, row.next_at = due - timedelta(days=1), due
        session.add(row)
    armer.server.loop.call_soon_threadsafe(armer.server.app.state.trigger_leader.wake)
    return due


def test_a_schedule_starts_a_run_when_its_time_comes(armer: Armer) -> None:
    flow_id = armer.arm(started_by("schedule", "time", when="every 1 second"))
    first, second = armer.until_some(flow_id, 2)[:2]
    due = [datetime.fromisoformat(event["due_at"]) for event in (first, second)]
    assert due[1] - due[0] == timedelta(seconds=1)
    armer.client.post(f"/api/flows/{flow_id}/disarm")
    assert armer.said(first["run_id"]).startswith("Got 20")


@pytest.mark.parametrize(
    ("policy", "started", "missed"),
    [("skip", 0, 3), ("run_once", 1, 2), ("run_all", 3, 0)],
)
def test_missed_times_are_dealt_with_as_asked(
    armer: Armer, policy: str, started: int, missed: int
) -> None:
    settings = {"when": "every 10 hours", "missed": policy}
    flow_id = armer.arm(started_by("schedule", "time", overlap="allow", **settings))
    make_due(armer, flow_id, timedelta(hours=25))
    wait_until(lambda: len(armer.events(flow_id)) == started + (missed > 0))
    wait_until(lambda: len(armer.events(flow_id, event_state="started")) == started)
    notes = armer.events(flow_id, event_state="missed")
    assert sum(note["count"] for note in notes) == missed
    assert all(note["reason"] == "trigger.missed" for note in notes)
    assert armer.trigger(flow_id)["next_times"][0] > utc_now().isoformat()


def test_a_schedule_does_not_overlap_unless_it_may(armer: Armer) -> None:
    flow_id = armer.arm(waiting("schedule", "time", when="every 10 hours"))
    make_due(armer, flow_id, timedelta(seconds=1))
    (first,) = armer.until(flow_id, 1)
    make_due(armer, flow_id, timedelta(seconds=1))
    (skipped,) = armer.until(flow_id, 1, "skipped")
    assert skipped["reason"] == "trigger.overlap"
    armer.open_gate()
    armer.ended(first["run_id"])
