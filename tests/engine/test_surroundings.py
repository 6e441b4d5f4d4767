"""What a process was started with shows no secrets where code of flows could look."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from weft_engine.surroundings import for_engine, for_workers

SECRETS = {
    "RAY_AUTH_TOKEN": "token-of-ray",
    "WEFT_JOURNAL": "postgresql://weft:password@db/journal",
    "WEFT_DATABASE": "postgresql://weft:password@db/weft",
    "WEFT_SECRET_KEY": "key-of-the-server",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=password",
}
PLAIN = {"WEFT_PLAIN": "seen", "RAY_ADDRESS": "seen too"}

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="the system shows no environments"
)


def started(code: str, **more: str) -> Any:
    """What a program says that is started with secrets."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **SECRETS, **PLAIN, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


LOOK = """
import ctypes, json, os
from pathlib import Path
from weft_engine import surroundings
surroundings.{call}()
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
token = getenv(b"RAY_AUTH_TOKEN")
print(json.dumps([
    Path("/proc/self/environ").read_text(), dict(os.environ), token and token.decode(),
]))
"""


@pytest.mark.parametrize("call", ["wipe", "hide"])
def test_what_a_process_was_started_with_is_overwritten(call: str) -> None:
    shown, environ, token = started(LOOK.format(call=call))
    assert not [value for value in SECRETS.values() if value in shown]
    for name, value in PLAIN.items():
        assert f"{name}={value}" in shown
        assert environ[name] == value
    left = {name: environ.get(name) for name in SECRETS}
    assert left == (SECRETS if call == "wipe" else dict.fromkeys(SECRETS))
    assert token == left["RAY_AUTH_TOKEN"]


def test_what_is_handed_on() -> None:
    everything = {**SECRETS, **PLAIN, "PATH": "/bin"}
    assert for_workers(everything) == {**PLAIN, "PATH": "/bin"}
    engine = {**PLAIN, "PATH": "/bin"}
    for name in ("RAY_AUTH_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"):
        engine[name] = SECRETS[name]
    assert for_engine(everything) == engine


WORKER = """
import json, sys
from pathlib import Path
from tests.engine.runs.engine.harness import flow_of
from tests.engine.runs.executors.harness import execute
from tests.engine.runs.executors.nodes import catalogue
from weft_engine.runs.executors.processes import ProcessRoom
from weft_engine.runs.executors.remote_crew import Crew

crew = Crew(ProcessRoom())
flow = flow_of({"h": "x.hidden", "w": "x.where"}, [], outputs=["h", "w"])
ran = execute(crew, flow, catalogue(), Path(sys.argv[0] or "."), shared_disk=True)
crew.close()
print(json.dumps([ran.state, ran.gave("h"), ran.gave("w")]))
"""


def test_nodes_in_workers_see_none_of_them(tmp_path: Path) -> None:
    code = WORKER.replace('Path(sys.argv[0] or ".")', f"Path({str(tmp_path)!r})")
    state, seen, process = started(code)
    assert (state, seen) == ("completed", [])
    assert process != os.getpid()


ENGINE = """
import asyncio, json
from pathlib import Path
from weft_engine.runs.client import SupervisorClient

async def main():
    folder = Path({folder!r})
    client = SupervisorClient(
        folder / "e.sock", folder, on_events=lambda events: None,
        journal=str(folder / "else" / "journal.db"),
    )
    await client.start()
    process = Path("/proc") / str(client.pid)
    said = process.joinpath("environ").read_text() + process.joinpath("cmdline").read_text()
    await client.ping()
    await client.stop()
    print(json.dumps([said, (folder / "else" / "journal.db").exists()]))

asyncio.run(main())
"""


def test_the_engine_is_told_its_journal_where_nobody_else_looks(tmp_path: Path) -> None:
    said, there = started(ENGINE.format(folder=str(tmp_path)))
    assert there
    assert "journal.db" not in said
    assert not [value for value in SECRETS.values() if value in said]
