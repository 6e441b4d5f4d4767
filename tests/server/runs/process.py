"""`weft serve` as a process that can be killed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.server.support import PASSWORD


class Process:
    """A server process on a data directory; may be started again on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.headers: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "weft_server.cli.main", "serve", "--port", "0"]
        self.log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data)],
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+", said)
        if found is None:
            self.process.kill()
            self._wait()
            raise AssertionError(f"the server did not start: {said}{self.output()}")
        self.url = found.group()
        self.client = httpx2.Client(
            base_url=self.url, headers={"Origin": self.url, **self.headers}, timeout=120
        )

    def output(self) -> str:
        return (self.data.parent / "serve.log").read_text()

    def set_up(self) -> str:
        """Make the first account and a key for it; answers the workspace."""
        body = {
            "token": (self.data / "setup-token").read_text().strip(),
            "email": "ada@example.org",
            "name": "Ada",
            "password": PASSWORD,
        }
        session = self.client.post("/api/setup", json=body).json()
        csrf = {"X-CSRF-Token": session["csrf_token"]}
        key = self.client.post("/api/keys", json={"name": "test"}, headers=csrf).json()["key"]
        self.headers = {"Authorization": f"Bearer {key}"}
        self.client.headers.update(self.headers)
        return str(session["workspaces"][0]["id"])

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api{path}")
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.client.post(f"/api{path}", json=body or {})
        assert answer.is_success, answer.text
        return answer.json()

    def engine(self) -> psutil.Process:
        """The engine's process."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(one for one in children if "weft_engine.runs.supervisor" in one.cmdline())

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self._wait()

    def _wait(self) -> int:
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code
