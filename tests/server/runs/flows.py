"""Flows that the tests of runs start, and a person who starts them."""

import json
import socket as sockets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.server.support import Person, Server
from weft_server.ids import new_id

GREETING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Greeting",
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

# Tries to read a file until a test writes it.
WAITING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Waiting",
    "nodes": {
        "wait": {
            "type": "file.read_text",
            "settings": {"path": "gate.txt"},
            "retry": {"max_attempts": 100, "delay_s": 0.2, "backoff": 1},
        },
        "show": {"type": "show.text"},
    },
    "edges": [{"source": "wait", "source_port": "text", "target": "show", "target_port": "text"}],
}

NUMBERS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Numbers",
    "nodes": {
        "read": {"type": "file.read_csv", "settings": {"path": "numbers.csv"}},
        "keep": {"type": "data.filter", "settings": {"where": "item.n > 10"}},
        "table": {"type": "show.table"},
    },
    "edges": [
        {"source": "read", "source_port": "rows", "target": "keep", "target_port": "rows"},
        {"source": "keep", "source_port": "rows", "target": "table", "target_port": "rows"},
    ],
}

BROKEN: dict[str, Any] = {
    "format": "weft/1",
    "name": "Broken",
    "nodes": {
        "keep": {"type": "data.filter", "settings": {"where": "item.n >"}},
        "table": {"type": "show.table"},
    },
    "edges": [
        {"source": "keep", "source_port": "rows", "target": "table", "target_port": "rows"},
    ],
}


class Runner:
    """Somebody who makes and runs flows over REST, in a workspace of their own."""

    def __init__(self, server: Server, person: Person | None = None) -> None:
        self.server = server
        self.person = person or server.make_user(_address(), None)
        self.workspace_id = "" if person else server.make_workspace(self.person)
        self.client = server.client(self.person)

    def invite(self, role: str | None) -> "Runner":
        """Somebody else, in this workspace unless the role is None."""
        person = self.server.make_user(_address(), role, workspace_id=self.workspace_id)
        return Runner(self.server, person)

    def create(self, flow: dict[str, Any]) -> str:
        answer = self.client.post("/api/flows", json={"flow": flow})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def start(
        self, flow_id: str, body: dict[str, Any] | None = None, *, wait: float | None = None
    ) -> httpx2.Response:
        params = {} if wait is None else {"wait": wait}
        return self.client.post(f"/api/flows/{flow_id}/runs", json=body or {}, params=params)

    def run(self, flow_id: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Start a run and wait for its end."""
        answer = self.start(flow_id, body, wait=30)
        assert answer.status_code == 202, answer.text
        info: dict[str, Any] = answer.json()
        assert info["ended_at"] is not None, info
        return info

    def begin(self, flow_id: str) -> str:
        """Start a run that is under way when this answers."""
        answer = self.start(flow_id)
        assert answer.status_code == 202, answer.text
        run_id = str(answer.json()["id"])
        with self.listen(f"/ws/runs/{run_id}") as events:
            next(event for event in events if event["type"] == "node_started")
        return run_id

    def info(self, run_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        info: dict[str, Any] = answer.json()
        return info

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run after its last event."""
        with self.listen(f"/ws/runs/{run_id}") as events:
            next(event for event in events if event["type"] in ENDS)
        return self.info(run_id)

    def file(self, name: str) -> Path:
        folder = self.server.settings.files / self.workspace_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    @contextmanager
    def listen(self, path: str) -> Iterator["Listener"]:
        with socket(self.server, path, self.person) as connection:
            yield Listener(connection)


def _address() -> str:
    return f"{new_id('usr').lower()}@example.org"


ENDS = {"run_completed", "run_failed", "run_cancelled"}


class Listener:
    """The events of a socket, one after another."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def __iter__(self) -> "Listener":
        return self

    def __next__(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.connection.recv(timeout=120))
        return event

    def until_end(self) -> list[dict[str, Any]]:
        events = []
        for event in self:
            events.append(event)
            if event["type"] in ENDS:
                break
        return events


def socket(
    server: Server,
    path: str,
    person: Person | None,
    *,
    origin: str | None = "",
    sock: sockets.socket | None = None,
    **headers: str,
) -> ClientConnection:
    """A socket of somebody's page, or of another one's."""
    given = dict(headers)
    if person is not None:
        given["Cookie"] = person.cookie_header
    return connect(
        f"{server.ws_url}{path}",
        sock=sock,
        origin=server.url if origin == "" else origin,
        additional_headers=given,
    )


def close_code(connection: ClientConnection) -> int:
    """The code with which the server closes the socket."""
    with pytest.raises(ConnectionClosed) as caught:
        deque(iter(partial(connection.recv, 30), None), maxlen=0)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Look until something is so that nobody announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
