"""Files on their way in: large ones, many at once, broken off, and no room for them."""

import http.client
import resource
import socket
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from threading import Barrier
from time import monotonic, sleep
from urllib.parse import urlencode

import pytest

from tests.server.files.conftest import Workspace
from weft_server.files import service
from weft_server.files.faults import MAX_FILE

PIECE = bytes(range(256)) * 1_024
MANY = 256  # 64 MB


def pieces(count: int = MANY) -> Iterator[bytes]:
    for _ in range(count):
        yield PIECE


def test_a_large_file_passes_through_little_memory(space: Workspace) -> None:
    tracemalloc.start()
    try:
        answer = space.put("large.bin", pieces())
        assert answer.json()["size"] == MANY * len(PIECE)
        digest, expected = sha256(), sha256()
        with space.client().stream("GET", f"{space.url}/content?path=large.bin") as download:
            for piece in download.iter_bytes():
                digest.update(piece)
        for piece in pieces():
            expected.update(piece)
        assert digest.digest() == expected.digest()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Server and client share this process; the file is six times as large.
    assert peak < 12_000_000
    assert not space.arriving


def test_the_announced_length_is_refused_at_once(space: Workspace) -> None:
    with raw(space, "huge.bin", MAX_FILE + 1) as connection:
        answer = connection.getresponse()
        assert answer.status == 413
        assert b'"file.upload_too_large"' in answer.read()
    assert not space.names()


def test_a_body_without_length_is_bounded_too(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_FILE", 3_000_000)
    answer = space.put("huge.bin", pieces(40))
    assert (answer.status_code, answer.json()["code"]) == (413, "file.upload_too_large")
    assert not space.names()
    assert not space.arriving


def test_more_than_a_megabyte_is_for_files_only(space: Workspace) -> None:
    body = b" " * 1_100_000
    assert space.put("a.txt", body).status_code == 200
    client = space.client()
    for method, path in (
        ("POST", "/api/workspaces"),
        ("POST", "/api/flows"),
        ("POST", "/api/check"),
    ):
        answer = client.request(method, path, content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_nothing_is_overwritten_unasked(space: Workspace) -> None:
    assert space.put("a.txt", b"old").status_code == 200
    answer = space.put("a.txt", b"new")
    assert (answer.status_code, answer.json()["code"]) == (409, "file.exists")
    assert space.get("a.txt").content == b"old"
    assert space.put("a.txt", b"new", overwrite=True).status_code == 200
    assert space.get("a.txt").content == b"new"
    assert not space.arriving


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_many_at_once_each_is_whole(space: Workspace, overwrite: bool) -> None:
    contents = [bytes([65 + index]) * 1_500_000 for index in range(6)]
    start = Barrier(len(contents))
    clients = [space.client() for _ in contents]

    def put(index: int) -> int:
        def body() -> Iterator[bytes]:
            start.wait(10)
            yield contents[index]

        params = {"path": "same/a.txt", "overwrite": overwrite}
        return clients[index].put(f"{space.url}/content", params=params, content=body()).status_code

    with ThreadPoolExecutor(len(contents)) as threads:
        statuses = sorted(threads.map(put, range(len(contents))))
    assert statuses == ([200] * 6 if overwrite else [200, *[409] * 5])
    assert (space.root / "same/a.txt").read_bytes() in contents
    assert not space.arriving


def test_what_is_broken_off_leaves_nothing(space: Workspace) -> None:
    connection = raw_connection(space, "folder/half.bin", 50_000_000)
    for _ in range(20):
        connection.send(PIECE)
    eventually(lambda: any(path.stat().st_size for path in space.arriving))
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    eventually(lambda: not space.arriving)
    assert list(space.root.iterdir()) == []


def test_what_a_dead_server_left_is_removed(space: Workspace) -> None:
    space.incoming.mkdir(exist_ok=True)
    (space.incoming / "half").write_bytes(b"half")
    space.server.stop()
    space.server.start()
    assert not space.arriving


def test_whoever_lost_the_right_meanwhile_does_not_write(space: Workspace) -> None:
    editor, owner = space.people["editor"], space.client("owner")
    assert editor is not None
    workspace = space.server.workspace_id

    def body() -> Iterator[bytes]:
        yield PIECE * 8
        eventually(lambda: bool(space.arriving))
        url = f"/api/workspaces/{workspace}/members/{editor.id}"
        assert owner.delete(url).status_code == 204
        yield PIECE

    answer = space.put("late.bin", body())
    assert (answer.status_code, answer.json()["code"]) == (404, "workspace.not_found")
    assert list(space.root.iterdir()) == []
    assert not space.arriving


def test_a_full_disk_is_told_and_nothing_is_kept(space: Workspace) -> None:
    space.put("a.txt", b"old")
    # No file may grow beyond this; to the server that is a disk without room.
    with largest_file(24_000_000):
        answer = space.put("a.txt", pieces(120), overwrite=True)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage.full")
    assert space.get("a.txt").content == b"old"
    assert space.names() == ["a.txt"]
    assert not space.arriving
    assert space.put("b.bin", pieces(120)).status_code == 200


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def raw_connection(space: Workspace, path: str, length: int) -> http.client.HTTPConnection:
    """A request of which only the head is sent."""
    editor = space.people["editor"]
    assert editor is not None
    connection = http.client.HTTPConnection("127.0.0.1", space.server.port, timeout=30)
    connection.putrequest("PUT", f"{space.url}/content?{urlencode({'path': path})}")
    headers = {
        "Content-Length": str(length),
        "Cookie": editor.cookie_header,
        "Origin": space.server.url,
        "X-CSRF-Token": editor.cookies["weft_csrf"],
    }
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


@contextmanager
def raw(space: Workspace, path: str, length: int) -> Iterator[http.client.HTTPConnection]:
    connection = raw_connection(space, path, length)
    try:
        yield connection
    finally:
        connection.close()


def eventually(what: object) -> None:
    assert callable(what)
    deadline = monotonic() + 60
    while not what():
        assert monotonic() < deadline
        sleep(0.01)
