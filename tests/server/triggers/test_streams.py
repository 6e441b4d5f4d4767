"""Armed flows in streaming mode: events become records of a run that lives."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.server.runs.flows import wait_until
from tests.server.runs.process import Process
from tests.server.triggers.flows import Armer

FLOW = {
    "format": "weft/1",
    "name": "Orders",
    "mode": "streaming",
    "checkpoint": {"interval_s": 0.2, "keep": 3},
    "nodes": {
        "event": {"type": "trigger.webhook", "settings": {"per_minute": 6000}},
        "say": {"type": "text.template", "settings": {"template": "{{ item.n }}"}},
        "write": {"type": "stream.write", "settings": {"folder": "out", "format": "text"}},
    },
    "edges": [
        {"source": "event", "source_port": "body", "target": "say", "target_port": "item"},
        {"source": "say", "source_port": "text", "target": "write", "target_port": "rows"},
    ],
}


def written(armer: Armer) -> list[str]:
    folder = Path(armer.server.app.state.settings.files) / armer.workspace_id / "out"
    return "".join(p.read_text() for p in sorted(folder.glob("part-*"))).split()


def runs(armer: Armer, flow_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = armer.client.get(f"/api/runs?flow={flow_id}").json()["items"]
    return items


@pytest.fixture
def armed(armer: Armer) -> str:
    return armer.arm(FLOW)


def test_events_are_records_each_once_whatever_is_killed(armer: Armer, armed: str) -> None:
    address = armer.address(armed)
    client = armer.server.app.state.runs._link.client  # to kill its process
    for number in range(30):
        assert armer.hook(address, json={"n": number}).status_code == 202
        armer.hook(address, json={"n": number}, headers={"Idempotency-Key": "always"})
        if number == 15:
            wait_until(lambda: len(written(armer)) > 5)
            before = client.restarts
            os.kill(client.pid, signal.SIGKILL)
            wait_until(lambda before=before: client.restarts > before)
    wait_until(lambda: len(written(armer)) >= 31)
    found = written(armer)
    assert sorted(map(int, found)) == sorted([0, *range(30)])
    (run,) = runs(armer, armed)
    assert (run["state"], run["mode"]) == ("running", "streaming")
    states = {event["state"] for event in armer.events(armed)}
    assert states == {"appended", "duplicate"}


def test_arming_again_goes_on_with_the_newer_version(armer: Armer, armed: str) -> None:
    address = armer.address(armed)
    armer.hook(address, json={"n": 1})
    wait_until(lambda: written(armer) == ["1"])
    assert armer.client.post(f"/api/flows/{armed}/arm").status_code == 200
    armer.hook(address, json={"n": 2})
    wait_until(lambda: sorted(written(armer)) == ["1", "2"])
    newer, older = runs(armer, armed)
    assert (newer["state"], older["state"]) == ("running", "completed")
    assert armer.client.post(f"/api/flows/{armed}/disarm").status_code == 200
    wait_until(lambda: runs(armer, armed)[0]["state"] == "cancelled")


def test_a_live_run_outlives_its_server(tmp_path: Path) -> None:
    process = Process(tmp_path / "data")
    try:
        workspace = process.set_up()
        flow_id = process.post("/flows", {"flow": FLOW})["id"]
        address = process.post(f"/flows/{flow_id}/arm")["triggers"][0]["address"]
        out = process.data / "files" / workspace / "out"

        def numbers() -> list[int]:
            parts = "".join(part.read_text() for part in sorted(out.glob("part-*")))
            return [int(line) for line in parts.split()]

        for number in range(40):
            assert process.client.post(address, json={"n": number}).status_code == 202
            if number in (12, 27):
                wait_until(lambda: len(numbers()) > 5)
                process.kill()
                process.start()
        wait_until(lambda: len(numbers()) >= 40)
        assert sorted(numbers()) == list(range(40))
        (run,) = process.get(f"/runs?flow={flow_id}")["items"]
        assert run["state"] == "running"
    finally:
        process.stop()
