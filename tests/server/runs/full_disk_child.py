"""A server on a disk of a few MB that is full for a while; in a mount namespace of its own.

`python -m tests.server.runs.full_disk_child FOLDER` mounts the disk at FOLDER and says in JSON what
the server answered.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.server.runs.flows import wait_until
from tests.server.runs.process import Process

SIZE = "24m"

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Signalled",
    "inputs": {"who": {"type": "Text", "default": "world"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "go": {"type": "control.signal", "settings": {"name": "go"}},
        "greet": {"type": "text.template", "settings": {"template": "Hello {{ item }}"}},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "go", "target_port": "item"},
        {"source": "go", "source_port": "received", "target": "greet", "target_port": "item"},
    ],
}


def fill(path: Path) -> None:
    """Leave not a byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def until(process: Process, run_id: str, *states: str) -> dict[str, Any]:
    wait_until(lambda: process.get(f"/runs/{run_id}")["state"] in states)
    found: dict[str, Any] = process.get(f"/runs/{run_id}")
    return found


def main(folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)], check=True)
    process = Process(folder / "data")
    process.set_up()
    flow_id = process.post("/flows", {"flow": FLOW})["id"]
    run_id = process.post(f"/flows/{flow_id}/runs")["id"]
    said: dict[str, Any] = {"parked": until(process, run_id, "paused")["state"]}
    fill(folder / "filler")
    signal = {"id": "s1", "name": "go", "payload": "x" * 300_000}
    for name, path, body in (
        ("signal", f"/runs/{run_id}/signals", signal),
        ("run", f"/flows/{flow_id}/runs", {}),
    ):
        answer = process.client.post(f"/api{path}", json=body)
        told = answer.json()
        said[name] = [answer.status_code, told.get("code"), bool(told.get("hint"))]
    said["read"] = process.client.get(f"/api/runs/{run_id}").status_code
    (folder / "filler").unlink()
    said["accepted"] = process.post(f"/runs/{run_id}/signals", {**signal, "payload": "you"})
    said["state"] = until(process, run_id, "completed", "failed")["state"]
    page = process.get(f"/runs/{run_id}/nodes/greet?side=output")
    said["output"] = page["outputs"]["text"]["value"]
    again = process.post(f"/flows/{flow_id}/runs")["id"]
    said["again"] = until(process, again, "paused")["state"]
    process.stop()
    os.write(1, json.dumps(said).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
