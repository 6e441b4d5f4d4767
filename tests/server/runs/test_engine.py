"""A server whose engine does not start."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import Furnished
from tests.server.runs.flows import GREETING, Runner
from tests.server.support import Server
from weft_engine.runs.engine_process import EngineProcess


@pytest.fixture
def lame(tmp_path: Path, furnished: Furnished, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that tries to start something else in the place of its engine."""
    monkeypatch.setattr(EngineProcess, "_command", lambda self, path: ["/bin/false"])
    ignored = shutil.ignore_patterns("*.sock", "lock")
    shutil.copytree(furnished.data, tmp_path / "data", ignore=ignored)
    running = Server(tmp_path / "data")
    try:
        yield running
    finally:
        running.stop()


def test_a_run_says_that_there_is_no_engine_and_the_next_one_tries_again(
    lame: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(lame)
    flow_id = runner.create(GREETING)
    run = runner.run(flow_id)
    assert run["state"] == "failed"
    assert run["failure"]["code"] == "run.engine_unavailable"
    assert run["failure"]["hint"]
    assert runner.info(run["id"]) == run
    events = runner.client.get(f"/api/runs/{run['id']}/events").json()["items"]
    assert [event["type"] for event in events] == ["run_failed"]
    monkeypatch.undo()
    assert runner.run(flow_id)["state"] == "completed"


def test_the_server_is_ready_with_its_engine_only(lame: Server, server: Server) -> None:
    answer = lame.client().get("/api/ready")
    assert (answer.status_code, answer.json()["checks"]["engine"]) == (503, False)
    runner = Runner(server)
    runner.run(runner.create(GREETING))
    answer = server.client().get("/api/ready")
    assert (answer.status_code, answer.json()["checks"]["engine"]) == (200, True)
