"""A `weft serve` process on a fresh data directory, for measurements."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running server and the session of its owner."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]
    seconds: float
    """From the start of the process to the first HTTP 200."""
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(f"{self.url}/api{path}", method=method)
        request.add_header("Origin", self.url)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.cookies:
            request.add_header("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
            request.add_header("X-CSRF-Token", self.csrf)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, rest = cookie.partition("=")
                self.cookies[name] = rest.partition(";")[0]
        data = json.loads(content) if content else None
        if isinstance(data, dict) and "csrf_token" in data:
            self.csrf = data["csrf_token"]
        return data

    def set_up(self) -> None:
        token = (self.data / "setup-token").read_text().strip()
        body = {
            "token": token,
            "email": "o@example.org",
            "name": "Olga",
            "password": "long words here",
        }
        self.call("POST", "/setup", body)


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "weft_server.cli.main", "serve", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{url}/api/health", timeout=1):
                    break
            except (OSError, urllib.error.URLError):
                if process.poll() is not None:
                    raise RuntimeError("the server ended while starting") from None
                time.sleep(0.005)
        yield Server(url, data, process, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(15)
