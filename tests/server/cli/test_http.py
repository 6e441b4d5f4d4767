"""Requests that never become one."""

import socket
from collections.abc import Iterator

import pytest

from tests.server.support import Server
from weft_server.cli import http

START = b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("http") / "data", engine=False)
    running.set_up()
    yield running
    running.stop()


def send(server: Server, *parts: bytes, repeat: int = 0) -> bytes:
    """What comes back on the connection until it ends; the last part is repeated."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        try:
            connection.sendall(b"".join(parts))
            for _ in range(repeat):
                connection.sendall(parts[-1])
        except OSError:
            # Cut off in the middle; the answer may have been lost with it.
            return b""
        answer = b""
        while data := connection.recv(65_536):
            answer += data
        return answer


TRAILER = JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [START, b"X-Many: " + b"a" * 8_000 + b"\r\n"],
        [START + b"X-Long: ", b"a" * 8_000],
        [b"GET /", b"a" * 8_000],
        [START + TRAILER, b"X-Trailer: " + b"a" * 8_000 + b"\r\n"],
    ],
    ids=["headers", "one header", "address", "trailers"],
)
def test_heads_without_end_are_cut_off(server: Server, parts: list[bytes]) -> None:
    answer = send(server, *parts, repeat=2_000)
    assert b" 431 " in answer or answer == b"" or b" 422 " in answer
    assert server.client().get("/api/health").status_code == 200


def test_a_body_in_many_small_chunks_is_not_taken_for_a_head(server: Server) -> None:
    body = b"".join(b"1\r\n \r\n" for _ in range(150_000)) + b"0\r\n\r\n"
    head = START + JSON + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 400 " in send(server, head + body)


def test_whoever_sends_no_request_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.05)
    assert send(server, b"") == b""
    assert send(server, START) == b""
    assert server.client().get("/api/health").status_code == 200
