"""What a flow's HTTP requests may reach, and how much they may bring home."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.runs import http_guard
from weft_engine.runs.addresses import AllowList
from weft_engine.runs.http_guard import GuardedBackend, HttpClient

Reply = Callable[[str, bytes], bytes]


class Service:
    """A real HTTP server on a free port that counts who came."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.port = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Service":
        self.server = await asyncio.start_server(
            lambda *ends: self.tasks.append(asyncio.create_task(self.answer(*ends))), "127.0.0.1", 0
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.server.close()
        await asyncio.gather(*self.tasks)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(
                (int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ength:" in line), 0
            )
            body = await reader.readexactly(size)
            self.requests.append(head)
            writer.write(self.reply(head.split()[1].decode(), body))
            await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(work())  # type: ignore[arg-type]


async def request(client: HttpClient, *args: Any, **kwargs: Any) -> Any:
    try:
        return await client.request(*args, **kwargs)
    finally:
        await client.aclose()


REFUSED = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "127.1",
    "0.0.0.0",
    "localhost",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[3fff::1]",
    "[2002:7f00:1::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "user@127.0.0.1",
]


@pytest.mark.parametrize("host", REFUSED)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    async def work() -> list[bytes]:
        async with Service(lambda path, body: answer(b"secret")) as service:
            with pytest.raises(WeftError) as caught:
                await request(HttpClient(), "GET", f"http://{host}:{service.port}/", timeout_s=5)
            assert caught.value.code == "http.address_refused"
            return service.requests

    assert run(work) == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "example.org",
        "",
        "http://",
        "http://[::1",
        "http://0177.0.0.1/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(WeftError) as caught:
        run(lambda: request(HttpClient(), "GET", url))
    assert caught.value.code == "http.bad_url"


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{port}", "127.0.0.0/8", "*"])
def test_listed_addresses_are_reached(entry: str) -> None:
    async def work() -> Any:
        async with Service(lambda path, body: answer(b'{"path": "%s"}' % path.encode())) as service:
            client = HttpClient([entry.format(port=service.port)])
            return await request(
                client, "get", f"http://127.0.0.1:{service.port}/a", params={"q": "1 2"}
            )

    found = run(work)
    assert (found.status, found.ok, found.json()) == (200, True, {"path": "/a?q=1+2"})


def test_another_port_than_the_listed_one_is_refused() -> None:
    async def work() -> None:
        async with Service(lambda path, body: answer(b"")) as service:
            client = HttpClient([f"127.0.0.1:{service.port + 1}"])
            await request(client, "GET", f"http://127.0.0.1:{service.port}/")

    with pytest.raises(WeftError) as caught:
        run(work)
    assert caught.value.code == "http.address_refused"


def test_a_redirect_does_not_lead_inside() -> None:
    async def work() -> list[bytes]:
        async with Service(lambda path, body: answer(b"inside")) as inside:
            target = f"Location: http://127.0.0.1:{inside.port}/\r\n"
            reply = answer(b"", status="302 Found", headers=target)
            async with Service(lambda path, body: reply) as outside:
                client = HttpClient([f"127.0.0.1:{outside.port}"])
                with pytest.raises(WeftError) as caught:
                    await request(client, "GET", f"http://127.0.0.1:{outside.port}/")
                assert caught.value.code == "http.address_refused"
            return inside.requests

    assert run(work) == []


@pytest.mark.parametrize("elsewhere", [True, False], ids=["to another service", "to itself"])
def test_a_redirect_takes_secrets_along(elsewhere: bool) -> None:
    async def work() -> bytes:
        places: list[int] = []

        def reply(path: str, body: bytes) -> bytes:
            if path != "/":
                return answer(b"there")
            target = f"Location: http://127.0.0.1:{places[elsewhere]}/there\r\n"
            return answer(b"", status="302 Found", headers=target)

        async with Service(reply) as first, Service(reply) as second:
            places += [first.port, second.port]
            url = f"http://user:pass@127.0.0.1:{first.port}/"
            headers = {"X-Api-Key": "hidden", "Accept": "text/plain"}
            got = await request(HttpClient(["*"]), "GET", url, headers=headers)
            assert got.text == "there"
            assert "pass" not in got.url
            return (second if elsewhere else first).requests[-1].lower()

    head = run(work)
    assert b"accept: text/plain" in head
    assert (b"x-api-key" in head) is not elsewhere
    assert (b"authorization" in head) is not elsewhere


@pytest.mark.parametrize(
    ("packed", "coding", "text"),
    [
        pytest.param(gzip.compress(b"one") + gzip.compress(b"two"), "gzip", "onetwo", id="two"),
        pytest.param(gzip.compress(b"one") + bytes(8), "gzip", "one", id="padding"),
        pytest.param(zlib.compress(b"one"), "deflate", "one", id="deflate"),
        pytest.param(zlib.compress(b"one")[2:-4], "deflate", "one", id="bare deflate"),
        pytest.param(b"", "gzip", "", id="nothing"),
        pytest.param(gzip.compress(b"one" * 999)[:-9], "gzip", None, id="cut off"),
        pytest.param(b"no gzip at all", "gzip", None, id="not packed"),
    ],
)
def test_packed_answers_come_whole_or_not_at_all(
    packed: bytes, coding: str, text: str | None
) -> None:
    async def work() -> Any:
        reply = answer(packed, headers=f"Content-Encoding: {coding}\r\n")
        async with Service(lambda path, body: reply) as service:
            return await request(HttpClient(["*"]), "GET", f"http://127.0.0.1:{service.port}/")

    if text is not None:
        assert run(work).text == text
        return
    with pytest.raises(WeftError) as caught:
        run(work)
    assert caught.value.code == "http.bad_body"


def test_one_private_address_among_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(self: GuardedBackend, host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    monkeypatch.setattr(GuardedBackend, "resolve", resolve)
    with pytest.raises(WeftError) as caught:
        run(lambda: request(HttpClient(), "GET", "http://example.org/"))
    assert caught.value.code == "http.address_refused"


def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    async def work() -> None:
        async with Service(lambda path, body: answer(b"x" * 300_000)) as service:
            client = HttpClient(["*"])
            await request(client, "GET", f"http://127.0.0.1:{service.port}/", max_bytes=100_000)

    with pytest.raises(WeftError) as caught:
        run(work)
    assert caught.value.code == "http.too_large"


def test_a_small_answer_that_unpacks_to_a_large_one_is_stopped() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), 9)

    async def work() -> None:
        reply = answer(bomb, headers="Content-Encoding: gzip\r\n")
        async with Service(lambda path, body: reply) as service:
            await request(HttpClient(["*"]), "GET", f"http://127.0.0.1:{service.port}/")

    with pytest.raises(WeftError) as caught:
        run(work)
    assert caught.value.code == "http.too_large"


def test_a_packed_answer_is_unpacked() -> None:
    async def work() -> Any:
        reply = answer(
            gzip.compress("grün".encode("latin-1") * 9),
            headers="Content-Encoding: gzip\r\nContent-Type: text/plain; charset=latin-1\r\n",
        )
        async with Service(lambda path, body: reply) as service:
            return await request(HttpClient(["*"]), "GET", f"http://127.0.0.1:{service.port}/")

    assert run(work).text == "grün" * 9


def test_a_silent_service_times_out() -> None:
    async def work() -> None:
        gone = asyncio.Event()

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            gone.set()

        server = await asyncio.start_server(wait, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await request(HttpClient(["*"]), "GET", f"http://127.0.0.1:{port}/", timeout_s=0.2)
        finally:
            server.close()
            await gone.wait()

    with pytest.raises(WeftError) as caught:
        run(work)
    assert (caught.value.code, caught.value.retryable) == ("http.timeout", True)


def test_nobody_there_can_be_tried_again() -> None:
    async def work() -> None:
        async with Service(lambda path, body: answer(b"")) as service:
            port = service.port
        await request(HttpClient(["*"]), "GET", f"http://u:p@127.0.0.1:{port}/x?key=1")

    with pytest.raises(WeftError) as caught:
        run(work)
    assert (caught.value.code, caught.value.retryable) == ("http.unreachable", True)
    assert "p@" not in caught.value.message
    assert "key" not in caught.value.message


def test_a_flow_cannot_name_another_host_than_the_address() -> None:
    async def work() -> list[bytes]:
        async with Service(lambda path, body: answer(b"")) as service:
            await request(
                HttpClient(["*"]),
                "POST",
                f"http://127.0.0.1:{service.port}/",
                headers={"Host": "internal", "X-Own": "1"},
                json={"a": 1},
            )
            return service.requests

    head = run(work)[0].decode().lower()
    assert "internal" not in head
    assert "x-own: 1" in head


def test_public_addresses_are_permitted() -> None:
    allow = AllowList.of(())
    for address in ("93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"):
        assert allow.permits(address), address


def test_certificates_are_read_once() -> None:
    assert http_guard._certificates() is http_guard._certificates()
