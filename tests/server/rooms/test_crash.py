"""`kill -9` in the middle of editing: every edit that was called saved is there afterwards."""

import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.server.conftest import Furnished
from tests.server.rooms.clients import Client
from tests.server.support import Person, Server

ROUNDS = int(os.environ.get("WEFT_CRASH_ROUNDS", "6"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """`weft serve` as a process of its own, which can be killed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "weft_server.cli.main", "serve"]
        self.log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--data", str(self.data)],
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/api/health", timeout=1):
                return
            assert self.process.poll() is None, (self.data.parent / "serve.log").read_text()
            time.sleep(0.02)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def home(furnished: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a flow and three people."""
    data = tmp_path_factory.mktemp("crash") / "data"
    passing = shutil.ignore_patterns("*.sock", "lock")
    shutil.copytree(furnished.data, data, ignore=passing)
    return data


@pytest.fixture
def people(home: Path, furnished: Furnished) -> tuple[str, list[Person]]:
    """The id of a new flow, and those who edit it."""
    running = Server(home, engine=False)
    running.owner, running.workspace_id = furnished.owner, furnished.workspace_id
    try:
        made = running.client(running.owner).post("/api/flows", json={"name": "Crash"}).json()
        others = [running.make_user(f"{os.urandom(4).hex()}@example.org") for _ in range(2)]
        return made["id"], [running.owner, *others]
    finally:
        running.stop()


@pytest.fixture
def process(home: Path, people: tuple[str, list[Person]]) -> Iterator[Process]:
    assert people
    running = Process(home)
    yield running
    running.kill()


def edit_until_it_breaks(clients: list[Client], edits: dict[int, list[str]], prefix: str) -> None:
    """Everybody edits and marks as fast as the server allows."""
    with suppress(ConnectionClosed):
        for step in range(100_000):
            client = clients[step % len(clients)]
            node = f"{prefix}_{step}"
            client.add_node(node)
            edits[id(client)].append(node)
            client.mark()
            _listen(client)
            assert client.saved is None or client.saved <= len(edits[id(client)])
            if len(edits[id(client)]) - (client.saved or 0) > 20:
                client.until(lambda who=client: (who.saved or 0) >= len(edits[id(who)]) - 5)


def _listen(client: Client) -> None:
    """Take in what has arrived."""
    with suppress(TimeoutError):
        while True:
            client.read(0)


def come_back(process: Process, flow_id: str, person: Person, client: Client) -> Client:
    with suppress(ConnectionClosed, InvalidHandshake):
        client.close()
    return Client(process, flow_id, person, doc=client.doc).join()  # type: ignore[arg-type]


def test_no_saved_edit_is_lost(process: Process, people: tuple[str, list[Person]]) -> None:
    flow_id, persons = people
    saved: set[str] = set()
    for round_ in range(ROUNDS):
        clients = [Client(process, flow_id, one).join() for one in persons]  # type: ignore[arg-type]
        assert saved <= set(clients[0].nodes), f"round {round_}"
        called_saved, made = edit_until_killed(process, clients, round_)
        saved |= called_saved
        process.start()
        looking = Client(process, flow_id, persons[0]).join()  # type: ignore[arg-type]
        lost = saved - set(looking.nodes)
        assert not lost, f"round {round_}: lost {sorted(lost)[:5]}"
        looking.close()
        bring_back(process, flow_id, list(zip(persons, clients, strict=True)), made)
        saved |= made
    assert len(saved) > ROUNDS


def edit_until_killed(
    process: Process, clients: list[Client], round_: int
) -> tuple[set[str], set[str]]:
    """The nodes that were called saved, and all that were made."""
    edits: dict[int, list[str]] = {id(client): [] for client in clients}
    delay = random.Random(round_).uniform(0.05, 0.6)
    killer = threading.Timer(delay, process.process.kill)
    killer.start()
    edit_until_it_breaks(clients, edits, f"r{round_}")
    killer.join()
    process.kill()
    saved: set[str] = set()
    for client in clients:
        with suppress(ConnectionClosed):
            _listen(client)
        saved |= set(edits[id(client)][: client.saved or 0])
    return saved, {node for nodes in edits.values() for node in nodes}


def bring_back(
    process: Process, flow_id: str, who: list[tuple[Person, Client]], made: set[str]
) -> None:
    """Those who were there bring back what had not reached the disk."""
    back = [come_back(process, flow_id, person, client) for person, client in who]
    for client in back:
        client.save()
    back[0].until(lambda: made <= set(back[0].nodes))
    for client in back:
        client.close()


def test_what_was_broadcast_but_not_saved_survives_in_others(
    process: Process, people: tuple[str, list[Person]]
) -> None:
    """The database is held, so nothing reaches the disk; then the server dies."""
    flow_id, persons = people
    ada, eda = (
        Client(process, flow_id, one).join()  # type: ignore[arg-type]
        for one in persons[:2]
    )
    ada.add_node("saved")
    ada.save()
    holder = sqlite3.connect(process.data / "weft.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ada.add_node("broadcast")
    ada.mark()
    eda.until(lambda: "broadcast" in eda.nodes)
    assert ada.saved == 1
    process.kill()
    holder.close()
    process.start()
    looking = Client(process, flow_id, persons[2]).join()  # type: ignore[arg-type]
    assert set(looking.nodes) == {"saved"}
    # Ada closed her laptop; eda's browser still holds her edit.
    back = come_back(process, flow_id, persons[1], eda)
    back.save()
    looking.until(lambda: set(looking.nodes) == {"saved", "broadcast"})
    # And ada goes on where she was.
    again = come_back(process, flow_id, persons[0], ada)
    again.add_node("later")
    again.save()
    back.until(lambda: "later" in back.nodes)
    for client in (looking, back, again):
        client.close()
