"""What is left of runs when the Ray cluster dies on which one of them works."""

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.server.runs.flows import wait_until
from tests.server.runs.process import Process

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]


class Head:
    """The head of a cluster on this machine, with everything that it starts."""

    def __init__(self, port: int, folder: str) -> None:
        program = Path(sys.executable).parent / "ray"
        self.process = subprocess.Popen(
            [str(program), "start", "--head", "--block", f"--port={port}", "--num-cpus=2",
             "--include-dashboard=false", f"--temp-dir={folder}", "--node-ip-address=127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

        def listens() -> bool:
            assert self.process.poll() is None, "the head of the cluster did not start"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        wait_until(listens)

    def kill(self) -> None:
        """End all of it at once."""
        with suppress(psutil.NoSuchProcess):
            seen = psutil.Process(self.process.pid)
            for each in [*seen.children(recursive=True), seen]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.wait(30)


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Iterator[Head]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
    monkeypatch.setenv("WEFT_RAY_ADDRESS", f"127.0.0.1:{port}")
    # How long Ray looks for a cluster that is gone before it ends the process; 60 else.
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    started = Head(port, folder)
    try:
        yield started
    finally:
        started.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def process(head: Head, tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path / "data")
    try:
        running.set_up()
        yield running
    finally:
        running.stop()


def counting(env: str, count: int) -> dict[str, Any]:
    fields = [{"name": "kind", "expression": "item % 7"}]
    return {
        "format": "weft/1",
        "name": f"Counting {count} ({env})",
        "env": env,
        "nodes": {
            "make": {"type": "data.generate", "settings": {"count": count, "fields": fields}},
            "count": {"type": "data.group", "settings": {"by": ["kind"]}},
        },
        "edges": [
            {"source": "make", "source_port": "rows", "target": "count", "target_port": "rows"}
        ],
    }


def test_a_cluster_that_dies_fails_its_runs_and_no_others(head: Head, process: Process) -> None:
    """Ray ends the engine's process then, which is started again."""
    ids = {
        name: process.post("/flows", {"flow": flow})["id"]
        for name, flow in {
            "small": counting("ray", 100),
            "endless": counting("ray", 1_000_000_000),
            "local": counting("local", 100),
        }.items()
    }
    assert process.post(f"/flows/{ids['small']}/runs?wait=120")["state"] == "completed"
    run_id = process.post(f"/flows/{ids['endless']}/runs")["id"]
    wait_until(lambda: process.get(f"/runs/{run_id}")["nodes"].get("make"))

    head.kill()

    wait_until(lambda: process.get(f"/runs/{run_id}")["ended_at"] is not None)
    run = process.get(f"/runs/{run_id}")
    assert (run["state"], run["failure"]["code"]) == ("failed", "run.env_unavailable")
    assert run["failure"]["hint"]
    assert process.post(f"/flows/{ids['local']}/runs?wait=120")["state"] == "completed"
