"""The front: Host names, safe headers, and the files of the web app."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.server.support import Server
from weft_server.settings import Settings
from weft_server.web import Front, is_api

SCRIPT = "console.log('weft')" * 50


@pytest.fixture
def static(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>Weft</title>")
    (root / "favicon.svg").write_text("<svg/>")
    (root / "assets" / "app-abc123.js").write_text(SCRIPT)
    (root / "assets" / "app-abc123.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (root / "assets" / "app-abc123.js.br").write_bytes(b"brotli bytes")
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.fixture
def site(data: Path, static: Path) -> Iterator[Server]:
    running = Server(data, static=static, engine=False)
    yield running
    running.stop()


@pytest.mark.parametrize("path", ["/", "/flows/flw_1", "/signin", "/settings", "/index.html"])
def test_the_page_is_served_at_every_address_of_the_app(site: Server, path: str) -> None:
    answer = site.client().get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Weft</title>" in answer.text


def test_hashed_files_are_kept_for_ever(site: Server) -> None:
    answer = site.client().get("/assets/app-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.text == SCRIPT


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("gzip, deflate, br", "br"), ("br;q=1.0, gzip;q=0.5", "br"), ("", None)],
)
def test_packed_files_are_sent_as_they_are(
    site: Server, static: Path, accepted: str, encoding: str | None
) -> None:
    with site.client().stream(
        "GET", "/assets/app-abc123.js", headers={"Accept-Encoding": accepted}
    ) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert int(answer.headers["content-length"]) == len(body)
    suffix = {"gzip": ".gz", "br": ".br", None: ""}[encoding]
    assert body == (static / "assets" / f"app-abc123.js{suffix}").read_bytes()


def test_nothing_is_sent_twice(site: Server) -> None:
    client = site.client()
    tag = client.get("/favicon.svg").headers["etag"]
    again = client.get("/favicon.svg", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head("/favicon.svg")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "6")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js",
        "/missing.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd.txt",
        "/assets/app-abc123.js.gz",
    ],
)
def test_there_are_no_other_files(site: Server, path: str) -> None:
    url = httpx2.URL(site.url).copy_with(raw_path=path.encode())
    answer = site.client().get(url)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_new_build_is_noticed(site: Server, static: Path) -> None:
    client = site.client()
    assert client.get("/assets/app-def456.js").status_code == 404
    (static / "assets" / "app-def456.js").write_text("new")
    (static / "index.html").write_text("<title>New</title>")
    os.utime(static / "index.html", (1, 1))
    assert "New" in client.get("/").text
    assert client.get("/assets/app-def456.js").text == "new"


def test_pages_are_only_read(site: Server) -> None:
    answer = site.client().post("/flows")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_an_unbuilt_app_says_what_to_do(data: Path, tmp_path: Path) -> None:
    server = Server(data, static=tmp_path / "nothing", engine=False)
    answer = server.client().get("/")
    server.stop()
    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert "网页尚未构建" in answer.text


@pytest.mark.parametrize("path", ["/", "/assets/app-abc123.js", "/api/health", "/api/nothing"])
def test_every_answer_carries_safe_headers(site: Server, path: str) -> None:
    headers = site.client().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers
    if path.startswith("/api"):
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/runs/%00", "/api/runs/a%00b/children", "/api/runs?q=%00"])
def test_addresses_with_nul_are_refused(site: Server, path: str) -> None:
    answer = site.client().get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/session", "/assets/app-abc123.js"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8900", "", "192.168.0.9"]
)
def test_strange_hosts_are_refused(site: Server, path: str, host: str) -> None:
    answer = site.client().get(path, headers={"Host": host})
    assert answer.status_code == 400
    if host:
        assert answer.json()["code"] == "request.bad_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8900", "[::1]:8900", "127.0.0.1"])
def test_loopback_names_are_answered(site: Server, host: str) -> None:
    assert site.client().get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "known"),
    [("192.168.0.9:8900", True), ("[fe80::1]", True), ("weft.lan", True), ("evil.example", False)],
)
def test_on_a_network_addresses_and_given_names_are_answered(host: str, known: bool) -> None:
    settings = Settings(host="0.0.0.0", trusted_hosts=("weft.lan",))
    front = Front(_nothing, settings)
    assert front._knows(host) is known


async def _nothing(*_: object) -> None:
    """An application that answers nothing."""


def test_what_belongs_to_the_interface() -> None:
    assert is_api("/api/flows")
    assert is_api("/ws/flows/1")
    assert not is_api("/apis")
    assert not is_api("/flows/api")
