"""Flows that events start, and somebody who arms them."""

from typing import Any

import httpx2

from tests.server.runs.flows import Runner, wait_until


def started_by(
    trigger: str, port: str, text: str = "Got {{ item }}", /, **settings: Any
) -> dict[str, Any]:
    """A trigger whose output is written into a text."""
    return {
        "format": "weft/1",
        "name": "Started",
        "mode": "event",
        "nodes": {
            "event": {"type": f"trigger.{trigger}", "settings": settings},
            "say": {"type": "text.template", "settings": {"template": text}},
            "show": {"type": "show.text"},
        },
        "edges": [
            {"source": "event", "source_port": port, "target": "say", "target_port": "item"},
            {"source": "say", "source_port": "text", "target": "show", "target_port": "text"},
        ],
    }


def waiting(kind: str, port: str, /, **settings: Any) -> dict[str, Any]:
    """The same, and a node that tries to read `gate.txt` until a test writes it."""
    flow = started_by(kind, port, **settings)
    flow["nodes"]["wait"] = {
        "type": "file.read_text",
        "settings": {"path": "gate.txt"},
        "retry": {"max_attempts": 100, "delay_s": 0.2, "backoff": 1},
    }
    return flow


class Armer(Runner):
    """Somebody who arms flows."""

    def arm(self, flow: dict[str, Any]) -> str:
        """A new flow, armed."""
        flow_id = self.create(flow)
        answer = self.client.post(f"/api/flows/{flow_id}/arm")
        assert answer.status_code == 200, answer.text
        return flow_id

    def state(self, flow_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/flows/{flow_id}/triggers")
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def trigger(self, flow_id: str, node: str = "event") -> dict[str, Any]:
        found = [one for one in self.state(flow_id)["triggers"] if one["node"] == node]
        assert len(found) == 1
        return found[0]

    def address(self, flow_id: str, node: str = "event") -> str:
        return str(self.trigger(flow_id, node)["address"])

    def secret(self, flow_id: str, **body: Any) -> str:
        answer = self.client.post(f"/api/flows/{flow_id}/triggers/event/secret", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["secret"])

    def hook(self, address: str, method: str = "POST", **request: Any) -> httpx2.Response:
        """A request as of another program: without session and origin."""
        with httpx2.Client(base_url=self.server.url, timeout=60) as client:
            return client.request(method, address, **request)

    def events(self, flow_id: str, **params: Any) -> list[dict[str, Any]]:
        """Events, the oldest first."""
        answer = self.client.get(f"/api/flows/{flow_id}/events", params=params)
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json()["items"]))

    def event(self, flow_id: str, event_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/flows/{flow_id}/events/{event_id}")
        assert answer.status_code == 200, answer.text
        event: dict[str, Any] = answer.json()
        return event

    def until(self, flow_id: str, count: int, state: str = "started") -> list[dict[str, Any]]:
        """The events of a state, once there are so many."""
        wait_until(lambda: len(self.events(flow_id, event_state=state)) >= count)
        found = self.events(flow_id, event_state=state)
        assert len(found) == count, found
        return found

    def until_some(self, flow_id: str, count: int) -> list[dict[str, Any]]:
        """The started events, once there are at least so many."""
        wait_until(lambda: len(self.events(flow_id, event_state="started")) >= count)
        return self.events(flow_id, event_state="started")

    def said(self, run_id: str) -> str:
        """What a run wrote."""
        self.ended(run_id)
        answer = self.client.get(f"/api/runs/{run_id}/nodes/say")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["outputs"]["text"]["value"])

    def open_gate(self) -> None:
        self.file("gate.txt").write_text("open")
