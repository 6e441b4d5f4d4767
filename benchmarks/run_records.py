"""50,000 records by REST: generate, set a column, filter, count.

From the request to the stored end of the run, and the memory of the process that runs it.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.serving import Server, serving


def flow(records: int) -> dict[str, Any]:
    return {
        "format": "weft/1",
        "name": "Records",
        "nodes": {
            "generate": {"type": "data.generate", "settings": {"count": records}},
            "set": {
                "type": "data.map",
                "settings": {"fields": [{"name": "rest", "expression": "item.number % 10"}]},
            },
            "filter": {"type": "data.filter", "settings": {"where": "item.rest < 5"}},
            "count": {
                "type": "data.group",
                "settings": {"aggregates": [{"op": "count", "as": "records"}]},
            },
        },
        "edges": [
            {"source": a, "source_port": "rows", "target": b, "target_port": "rows"}
            for a, b in [("generate", "set"), ("set", "filter"), ("filter", "count")]
        ],
    }


def engine(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children(recursive=True)
    return next(one for one in children if "weft_engine.runs.supervisor" in one.cmdline())


def peak_mb(process: psutil.Process) -> float:
    """The most memory it ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as home, serving(Path(home) / "data") as server:
        server.set_up()
        made = server.call("POST", "/flows", {"flow": flow(options.records)})["id"]
        for _ in range(options.rounds):
            began = time.perf_counter()
            run = server.call("POST", f"/flows/{made}/runs?wait=60", {})
            seconds.append(time.perf_counter() - began)
            assert run["state"] == "completed", run["failure"]
        page = server.call("GET", f"/runs/{run['id']}/nodes/count?side=output")
        counted = page["outputs"]["rows"]["records"][0]["records"]
        memory = peak_mb(engine(server))
    assert counted == options.records // 2, counted
    result = {
        "records": options.records,
        "first_s": round(seconds[0], 3),
        "median_s": round(statistics.median(seconds), 3),
        "slowest_s": round(max(seconds), 3),
        "engine_peak_mb": memory,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
