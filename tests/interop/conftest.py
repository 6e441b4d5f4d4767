"""Real Yjs clients in Node against a real server."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import fresh_database, furnished, server
from tests.server.support import Server

__all__ = ["fresh_database", "furnished", "server"]

HERE = Path(__file__).parent
Play = Callable[..., Any]


@pytest.fixture(scope="session")
def engine() -> bool:
    """No flow is run here."""
    return False


@pytest.fixture(scope="session")
def play() -> Play:
    """Run a scenario in Node; answers what it found."""
    if not (HERE / "node_modules").is_dir():
        pytest.fail("the Yjs clients are not installed; run `npm ci` in tests/interop")

    def run(name: str, **given: Any) -> Any:
        done = subprocess.run(
            ["node", f"{name}.mjs", json.dumps(given)],
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def flow_id(server: Server) -> str:
    """A flow without nodes."""
    made: str = server.client(server.owner).post("/api/flows", json={"name": "Shared"}).json()["id"]
    return made
