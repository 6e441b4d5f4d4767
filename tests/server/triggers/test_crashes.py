"""A server that is killed loses no event it acknowledged, and starts none twice."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.runs.flows import wait_until
from tests.server.runs.process import Process
from tests.server.triggers.flows import started_by, waiting


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path / "data")
    try:
        running.workspace = running.set_up()  # type: ignore[attr-defined]
        yield running
    finally:
        running.stop()


def arm(process: Process, flow: dict[str, Any]) -> tuple[str, str]:
    flow_id = process.post("/flows", {"flow": flow})["id"]
    state = process.post(f"/flows/{flow_id}/arm")
    return flow_id, state["triggers"][0]["address"] or ""


def events(process: Process, flow_id: str, state: str = "") -> list[dict[str, Any]]:
    more = f"&event_state={state}" if state else ""
    return list(reversed(process.get(f"/flows/{flow_id}/events?limit=200{more}")["items"]))


def test_events_that_wait_are_started_after_a_crash(process: Process) -> None:
    flow_id, address = arm(process, waiting("webhook", "body", overlap="queue"))
    told = [process.client.post(address, json=n).json() for n in range(3)]
    assert [one["state"] for one in told] == ["started", "received", "received"]
    process.kill()
    gate = process.data / "files" / process.workspace / "gate.txt"  # type: ignore[attr-defined]
    gate.write_text("open")
    process.start()
    wait_until(lambda: len(events(process, flow_id, "started")) == 3, 60)
    found = events(process, flow_id)
    assert [event["id"] for event in found] == [one["event"] for one in told]
    assert len({event["run_id"] for event in found}) == 3
    # The first had begun, or had been stored only; either way it ends.
    wait_until(lambda: process.get(f"/runs/{found[0]['run_id']}")["ended_at"])
    for event in found[1:]:
        wait_until(lambda event=event: process.get(f"/runs/{event['run_id']}")["ended_at"])
        assert process.get(f"/runs/{event['run_id']}")["state"] == "completed"


def test_a_server_killed_under_fire_keeps_every_acknowledged_event(process: Process) -> None:
    flow = started_by("webhook", "body", per_minute=6000)
    flow_id, address = arm(process, flow)
    acknowledged: list[str] = []

    def fire(n: int) -> None:
        try:
            with httpx2.Client(base_url=process.url, timeout=10) as client:
                answer = client.post(address, json=n, headers={"Idempotency-Key": f"k{n}"})
        except httpx2.HTTPError:
            return
        if answer.status_code == 202:
            acknowledged.append(answer.json()["event"])

    for round_ in range(2):
        with ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(fire, round_ * 100 + n) for n in range(60)]
            wait_until(lambda round_=round_: len(acknowledged) >= 12 * (round_ + 1))
            process.kill()
            for one in sent:
                one.result()
        process.start()
    wait_until(lambda: not events(process, flow_id, "received"), 60)
    found = {event["id"]: event for event in events(process, flow_id)}
    assert set(acknowledged) <= found.keys()
    runs = Counter(event["run_id"] for event in found.values())
    assert None not in runs
    assert set(runs.values()) == {1}
    listed = process.get(f"/runs?flow={flow_id}&limit=200")["items"]
    assert {run["id"] for run in listed} == set(runs)


def test_times_that_passed_while_the_server_was_dead_are_shown(process: Process) -> None:
    settings = {"when": "every 1 second", "overlap": "allow"}
    flow_id, _ = arm(process, started_by("schedule", "time", **settings))
    wait_until(lambda: events(process, flow_id, "started"))
    process.kill()
    process.start()
    seen = len(events(process, flow_id, "started"))
    wait_until(lambda: len(events(process, flow_id, "started")) > seen)
    process.post(f"/flows/{flow_id}/disarm")
    due = [event["due_at"] for event in events(process, flow_id, "started")]
    assert due == sorted(set(due))
