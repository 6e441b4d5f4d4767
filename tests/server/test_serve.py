"""`weft serve` as a process: its directory, its links, its refusals, its end."""

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.support import PASSWORD
from weft_server.cli.serve import address_of
from weft_server.cli.start import StartError, bind, key_of, open_data
from weft_server.settings import Settings

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/setup#token=([\w-]{43})")


class Process:
    """One `weft serve`."""

    def __init__(self, data: Path, *arguments: str, **environ: str) -> None:
        command = [sys.executable, "-m", "weft_server.cli.main", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--data", str(data), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environ,
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.line)
        assert found, self.process.communicate()
        self.url = found[0]

    def setup_link(self) -> re.Match[str]:
        assert self.process.stdout is not None
        found = LINK.search(self.process.stdout.readline())
        assert found
        return found

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        """Exit code, seconds it took, and what it wrote."""
        began = time.monotonic()
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - began, out + err


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "weft_server.cli.main", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_first_start_and_the_second(tmp_path: Path, processes: list[Process]) -> None:
    data = tmp_path / "new" / "data"
    first = Process(data)
    processes.append(first)
    link = first.setup_link()
    assert first.url == link[1]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("weft.db", "key", "setup-token", "lock"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    body = {"token": link[2], "email": "a@example.org", "name": "A", "password": PASSWORD}
    assert httpx2.get(f"{first.url}/api/health", timeout=30).json()["status"] == "ok"
    assert httpx2.post(f"{first.url}/api/setup", json=body, timeout=30).status_code == 201
    code, seconds, said = first.end()
    assert (code, "Traceback" in said) == (0, False), said
    assert seconds < 15
    second = Process(data)
    processes.append(second)
    body = {"email": "a@example.org", "password": PASSWORD}
    assert httpx2.post(f"{second.url}/api/session", json=body, timeout=30).status_code == 200
    code, _, said = second.end(signal.SIGINT)
    assert code == 0
    assert "setup" not in said


def test_the_link_is_printed_until_it_is_used(tmp_path: Path, processes: list[Process]) -> None:
    tokens = []
    for _ in range(2):
        process = Process(tmp_path)
        processes.append(process)
        tokens.append(process.setup_link()[2])
        process.end()
    assert tokens[0] == tokens[1]


def test_only_loopback_listens(tmp_path: Path, processes: list[Process]) -> None:
    process = Process(tmp_path)
    processes.append(process)
    port = int(process.url.rpartition(":")[2])
    others = {
        info[4][0]
        for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not info[4][0].startswith("127.")
    }
    for address in others:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, port)) != 0


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = refused("--port", str(port), "--data", str(tmp_path))
    assert answer.returncode == 1
    assert f"127.0.0.1:{port}" in answer.stderr
    assert "--port" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_network_sees_no_server_without_an_account(tmp_path: Path) -> None:
    answer = refused("--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert answer.returncode == 1
    assert "--setup-remote" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_setup_from_afar_is_a_choice(tmp_path: Path, processes: list[Process]) -> None:
    process = Process(tmp_path, "--host", "0.0.0.0", "--setup-remote")
    processes.append(process)
    assert process.url.startswith("http://127.0.0.1:")
    assert process.setup_link()


def test_two_servers_do_not_share_a_directory(tmp_path: Path, processes: list[Process]) -> None:
    processes.append(Process(tmp_path))
    answer = refused("--port", "0", "--data", str(tmp_path))
    assert answer.returncode == 1
    assert "another server" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "environ", "code"),
    [
        (["--port", "99999"], {}, 2),
        (["--port", "x"], {}, 2),
        ([], {"WEFT_PORT": "x"}, 2),
        (["--data", "/dev/null/x"], {}, 1),
    ],
    ids=["port too large", "port no number", "bad variable", "no directory"],
)
def test_bad_arguments(
    arguments: list[str], environ: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    answer = refused(*arguments)
    assert answer.returncode == code
    assert answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_of_a_newer_version_is_told(tmp_path: Path, processes: list[Process]) -> None:
    process = Process(tmp_path)
    processes.append(process)
    process.end()
    with sqlite3.connect(tmp_path / "weft.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    answer = refused("--port", "0", "--data", str(tmp_path))
    assert answer.returncode == 1
    assert "another version" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_killing_it_leaves_everything_that_was_acknowledged(
    tmp_path: Path, processes: list[Process]
) -> None:
    first = Process(tmp_path)
    processes.append(first)
    link = first.setup_link()
    body: dict[str, Any]
    body = {"token": link[2], "email": "a@example.org", "name": "A", "password": PASSWORD}
    with httpx2.Client(base_url=first.url, timeout=30) as client:
        session = client.post("/api/setup", json=body).json()
        headers = {"Origin": first.url, "X-CSRF-Token": session["csrf_token"]}
        for number in range(20):
            made = client.post("/api/workspaces", json={"name": f"W{number}"}, headers=headers)
            assert made.status_code == 201
        cookies = dict(client.cookies)
    first.end(signal.SIGKILL)
    second = Process(tmp_path)
    processes.append(second)
    answer = httpx2.get(f"{second.url}/api/workspaces", cookies=cookies, timeout=30)
    found = answer.json()["items"]
    assert [workspace["name"] for workspace in found[1:]] == [f"W{n}" for n in range(20)]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    assert len(key_of(tmp_path)) == 32
    assert key_of(tmp_path) == key_of(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        key_of(tmp_path)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(StartError, match="not a key"):
        key_of(tmp_path)


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with open_data(settings), pytest.raises(StartError, match="another server"):
        open_data(settings)
    open_data(settings).close()


def test_answers_are_not_held_back() -> None:
    """Without TCP_NODELAY each answer in two pieces takes 40 ms."""
    with bind(Settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8900"),
        ("localhost", "http://127.0.0.1:8900"),
        ("0.0.0.0", "http://127.0.0.1:8900"),
        ("::", "http://127.0.0.1:8900"),
        ("::1", "http://[::1]:8900"),
        ("192.168.0.9", "http://192.168.0.9:8900"),
        ("weft.lan", "http://weft.lan:8900"),
    ],
)
def test_where_a_person_finds_it(host: str, address: str) -> None:
    assert address_of(host, 8900) == address
