"""A thousand runs of a five-node flow, queued at once for two workspaces.

While runs of both workspaces hold all places, 500 runs are queued for the one and then 500 for the
other. Then the places are given free. Measured are the time until all have ended, how fairly the
two took turns (how far one was ever ahead of the other), and what a GET takes meanwhile.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.serving import Server, serving

PLACES = 32
GATE: dict[str, Any] = {
    "format": "weft/1",
    "name": "Gate",
    "nodes": {
        "wait": {
            "type": "file.read_text",
            "settings": {"path": "gate.txt"},
            "retry": {"max_attempts": 100, "delay_s": 0.5, "backoff": 1},
        }
    },
}
FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Five nodes",
    "inputs": {"who": {"type": "Text", "default": "world"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "greet": {"type": "text.template", "settings": {"template": "Hello {{ item }}!"}},
        "again": {"type": "text.template", "settings": {"template": "{{ item }} Again."}},
        "once": {"type": "text.template", "settings": {"template": "{{ item }} Once more."}},
        "show": {"type": "show.text"},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "greet", "target_port": "item"},
        {"source": "greet", "source_port": "text", "target": "again", "target_port": "item"},
        {"source": "again", "source_port": "text", "target": "once", "target_port": "item"},
        {"source": "once", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


class Client:
    """One keep-alive connection with an API key."""

    def __init__(self, server: Server, key: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        self.connection.request(method, f"/api{path}", data, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content)


class Probe(threading.Thread):
    """Asks for the list of flows again and again, and notes how long each answer takes."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._over = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._over.wait(0.005):
            began = time.perf_counter()
            self._client.ask("GET", "/flows?limit=20")
            self.seconds.append(time.perf_counter() - began)

    def end(self) -> dict[str, float]:
        self._over.set()
        self.join()
        cuts = statistics.quantiles(self.seconds, n=100)
        return {
            "gets": len(self.seconds),
            "median_ms": round(statistics.median(self.seconds) * 1000, 2),
            "p99_ms": round(cuts[98] * 1000, 2),
            "max_ms": round(max(self.seconds) * 1000, 2),
        }


def queue(client: Client, flow: str, count: int) -> None:
    for _ in range(count):
        client.ask("POST", f"/flows/{flow}/runs", {})


def until_all_ended(client: Client) -> None:
    while any(
        client.ask("GET", f"/runs?state={state}&limit=1")["items"] for state in ("ready", "running")
    ):
        time.sleep(0.05)


def of_flow(client: Client, flow: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.ask("GET", f"/runs?flow={flow}&limit=200{cursor}")
        runs += page["items"]
        if page["next_cursor"] is None:
            return runs
        cursor = f"&cursor={page['next_cursor']}"


def turns(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> dict[str, Any]:
    """How far one workspace was ahead of the other, in the order in which runs started."""
    started = sorted(
        [(run["started_at"], 1) for run in first] + [(run["started_at"], -1) for run in second]
    )
    ahead = furthest = 0
    for _, step in started:
        ahead += step
        furthest = max(furthest, abs(ahead))
    half = started[: len(started) // 2]
    return {
        "furthest_ahead": furthest,
        "of_second_in_first_half": round(sum(step < 0 for _, step in half) / len(half), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1_000)
    options = parser.parse_args()
    each = options.runs // 2
    os.environ["WEFT_KEEP_RUNS"] = str(options.runs)
    with tempfile.TemporaryDirectory() as home, serving(Path(home) / "data") as server:
        server.set_up()
        key = server.call("POST", "/keys", {"name": "benchmark"})["key"]
        client = Client(server, key)
        spaces = [one["id"] for one in client.ask("GET", "/workspaces")["items"][:1]]
        spaces.append(client.ask("POST", "/workspaces", {"name": "Second"})["id"])
        flows = []
        for space in spaces:
            gate = client.ask("POST", "/flows", {"flow": GATE, "workspace_id": space})["id"]
            queue(client, gate, PLACES // 2)
            flow = client.ask("POST", "/flows", {"flow": FLOW, "workspace_id": space})["id"]
            flows.append(flow)
        probe = Probe(Client(server, key))
        probe.start()
        began = time.perf_counter()
        for flow in flows:
            queue(client, flow, each)
        queued = time.perf_counter() - began
        while_queueing = probe.end()
        probe = Probe(Client(server, key))
        probe.start()
        began = time.perf_counter()
        for space in spaces:
            folder = server.data / "files" / space
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "gate.txt").write_text("open")
        until_all_ended(client)
        took = time.perf_counter() - began
        while_running = probe.end()
        runs = [of_flow(client, flow) for flow in flows]
        states = sorted({run["state"] for part in runs for run in part})
        result = {
            "runs": sum(map(len, runs)),
            "states": states,
            "queued_s": round(queued, 2),
            "ended_s": round(took, 2),
            "per_s": round(2 * each / took),
            "turns": turns(*runs),
            "get_while_queueing": while_queueing,
            "get_while_running": while_running,
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
