"""What it costs to run a small flow over REST: three nodes, from the request to the stored result.

Each request starts a run, waits until its end is on disk and gets the run back: nothing is kept in
memory only, every event and every output is stored. One connection, one request after another;
`--parallel N` adds a measurement with N clients at once.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.serving import Server, serving

FLOW = {
    "format": "weft/1",
    "name": "Three nodes",
    "inputs": {"who": {"type": "Text", "default": "world"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "greet": {"type": "text.template", "settings": {"template": "Hello {{ item }}!"}},
        "show": {"type": "show.text"},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "greet", "target_port": "item"},
        {"source": "greet", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


class Client:
    """One keep-alive connection with an API key."""

    def __init__(self, server: Server, key: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def run(self, flow: str, who: str) -> float:
        """Run the flow to its end; the seconds it took."""
        body = json.dumps({"inputs": {"who": who}})
        began = time.perf_counter()
        self.connection.request("POST", f"/api/flows/{flow}/runs?wait=60", body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        run: dict[str, Any] = json.loads(content)
        assert answer.status == 202, content
        assert run["state"] == "completed", content
        assert len(run["nodes"]) == len(FLOW["nodes"]), content
        return took


def summary(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "median_ms": round(statistics.median(seconds) * 1000, 2),
        "p95_ms": round(cuts[94] * 1000, 2),
        "p99_ms": round(cuts[98] * 1000, 2),
    }


def one_by_one(server: Server, key: str, flow: str, rounds: int) -> dict[str, float]:
    client = Client(server, key)
    first = client.run(flow, "first")
    for number in range(20):
        client.run(flow, str(number))
    seconds = [client.run(flow, str(number)) for number in range(rounds)]
    return {"runs": rounds, "first_ms": round(first * 1000, 2), **summary(seconds)}


def at_once(server: Server, key: str, flow: str, clients: int, rounds: int) -> dict[str, float]:
    seconds: list[float] = []

    def work() -> None:
        client = Client(server, key)
        seconds.extend(client.run(flow, str(number)) for number in range(rounds))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(seconds) / (time.perf_counter() - began)
    return {"clients": clients, "runs": len(seconds), "per_s": round(rate), **summary(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--parallel", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, serving(Path(home) / "data") as server:
        server.set_up()
        key = server.call("POST", "/keys", {"name": "benchmark"})["key"]
        flow = server.call("POST", "/flows", {"flow": FLOW})["id"]
        result: dict[str, Any] = {
            "one_by_one": one_by_one(server, key, flow, options.rounds),
            "at_once": at_once(
                server, key, flow, options.parallel, options.rounds // options.parallel
            ),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
