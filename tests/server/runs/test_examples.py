"""Every example runs on the server as seeded, the one that asks the server included."""

from pathlib import Path

from tests.server.support import Server


def test_every_example_completes(data: Path) -> None:
    server = Server(data)
    try:
        client = server.client(server.set_up())
        states = {}
        for flow in client.get("/api/flows").json()["items"]:
            run = client.post(f"/api/flows/{flow['id']}/runs?wait=60", json={}).json()
            states[flow["name"]] = (run["state"], run.get("failure"))
        assert states == dict.fromkeys(states, ("completed", None))
        assert len(states) >= 6
    finally:
        server.stop()
