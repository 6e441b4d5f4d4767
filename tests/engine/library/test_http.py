"""HTTP requests against a real server on this machine."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from weft_engine.errors import WeftError
from weft_engine.library.http import HttpRequest
from weft_engine.runs.http_guard import HttpClient


class Service(ThreadingHTTPServer):
    """Remembers what it was asked; `/flaky` and `/busy` fail twice."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, str]] = []
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.three = threading.Barrier(3)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        with self.server.lock:
            self.server.asked.append((self.command, self.path, body))
            times = sum(path == self.path for _, path, _ in self.server.asked)
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            self.answer(self.path.partition("?")[0], body, times)
        finally:
            with self.server.lock:
                self.server.now -= 1

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names the base class looks for

    def answer(self, path: str, body: str, times: int) -> None:
        if path == "/text":
            return self.give(200, "plain words", "text/plain; charset=utf-8")
        if path == "/broken":
            return self.give(200, "{", "application/json")
        if path == "/empty":
            return self.give(204, "", "application/json")
        if path == "/missing":
            return self.give(404, '{"detail": "nothing here"}', "application/json")
        if path in {"/flaky", "/busy"} and times <= 2:
            return self.give(500 if path == "/flaky" else 429, "later", "text/plain")
        if path.startswith("/wait/"):
            time.sleep(int(path.rpartition("/")[2]) / 1000)
        if path.startswith("/meet/"):
            self.server.three.wait(20)
        echo = {"path": self.path, "body": body, "key": self.headers.get("x-key")}
        echo["once"] = self.headers.get("idempotency-key")
        return self.give(200, json.dumps(echo), "application/json")

    def give(self, status: int, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(node: HttpRequest, *items: Any, allow: tuple[str, ...] = ("*",)) -> list[Any]:
    """Send one request for each item at the same time; without items, one request."""

    async def work() -> list[Any]:
        client = HttpClient(allow)
        ignore = SimpleNamespace(warning=lambda *args: None)
        context: Any = SimpleNamespace(
            index=None,
            nodes={},
            http=client,
            logger=ignore,
            inputs={"key": "k1"},
            variables={},
            run_id="r",
            node_id="n",
            idempotency_key="the key of the call",
        )
        try:
            calls = [node.process(item, context) for item in items or (None,)]
            return list(await asyncio.gather(*calls))
        finally:
            await client.aclose()

    return asyncio.run(work())


def failed(node: HttpRequest, *items: Any, allow: tuple[str, ...] = ("*",)) -> WeftError:
    with pytest.raises(WeftError) as caught:
        ask(node, *items, allow=allow)
    assert caught.value.hint
    return caught.value


def test_an_answer(service: Service) -> None:
    (answer,) = ask(HttpRequest(url=f"{service.url}/a"))
    assert answer["status"] == 200
    assert answer["ok"] is True
    assert answer["url"] == f"{service.url}/a"
    assert answer["body"]["path"] == "/a"
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["duration_ms"] >= 0
    assert "record" not in answer


def test_everything_is_filled_in(service: Service) -> None:
    node = HttpRequest(
        method="POST",
        url=service.url + "/q/{{ item.name }}",
        query={"page": "{{ item.page + 1 }}"},
        headers={"X-Key": "{{ flow.inputs.key }}"},
        json_body='{"names": [item.name]}',
    )
    (answer,) = ask(node, {"name": "a b/c?d#e", "page": 1})
    assert answer["body"]["path"] == "/q/a%20b/c%3Fd%23e?page=2"
    assert json.loads(answer["body"]["body"]) == {"names": ["a b/c?d#e"]}
    assert answer["body"]["key"] == "k1"
    assert answer["record"]["page"] == 1


@pytest.mark.parametrize(
    ("method", "headers", "key"),
    [
        pytest.param("POST", {}, "the key of the call", id="told"),
        pytest.param("POST", {"idempotency-key": "own {{ item }}"}, "own 7", id="the flow's own"),
        pytest.param("PUT", {}, None, id="the same however often"),
    ],
)
def test_services_can_tell_requests_that_are_sent_again(
    service: Service, method: Any, headers: dict[str, str], key: str | None
) -> None:
    node = HttpRequest(method=method, url=f"{service.url}/t", headers=headers, text_body="x")
    (answer,) = ask(node, 7)
    assert answer["body"]["once"] == key


def test_text_goes_out_as_text(service: Service) -> None:
    node = HttpRequest(method="PUT", url=f"{service.url}/t", text_body="Dear {{ item }}")
    (answer,) = ask(node, "Ada")
    assert answer["body"]["body"] == "Dear Ada"


@pytest.mark.parametrize(
    ("path", "response", "body"),
    [
        ("/text", "auto", "plain words"),
        ("/broken", "text", "{"),
        ("/empty", "auto", None),
        ("/empty", "text", ""),
    ],
)
def test_answers_are_read(service: Service, path: str, response: Any, body: Any) -> None:
    (answer,) = ask(HttpRequest(url=service.url + path, response=response))
    assert answer["body"] == body


@pytest.mark.parametrize(
    ("path", "settings", "code"),
    [
        pytest.param("/missing", {}, "http.status", id="404"),
        pytest.param("/broken", {}, "http.bad_body", id="not JSON"),
        pytest.param("/text", {"response": "json"}, "http.bad_body", id="text read as JSON"),
        pytest.param("/wait/900", {"timeout_s": 0.1, "retries": 0}, "http.timeout", id="slow"),
        pytest.param("/flaky", {"retries": 1}, "http.status", id="still failing"),
        pytest.param("/flaky", {"method": "POST"}, "http.status", id="a POST is not repeated"),
    ],
)
def test_failures_are_coded(service: Service, path: str, settings: Any, code: str) -> None:
    assert failed(HttpRequest(url=service.url + path, **settings)).code == code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("example.com/x", "http.bad_url", id="no scheme"),
        pytest.param("file:///etc/passwd", "http.bad_url", id="file"),
        pytest.param("http://", "http.bad_url", id="no host"),
        pytest.param("http://127.0.0.1:1/", "http.unreachable", id="nobody there"),
    ],
)
def test_bad_addresses(url: str, code: str) -> None:
    assert failed(HttpRequest(url=url, retries=0)).code == code


def test_private_addresses_are_refused_unless_allowed(service: Service) -> None:
    error = failed(HttpRequest(url=f"{service.url}/a"), allow=())
    assert error.code == "http.address_refused"
    assert service.asked == []


def test_an_error_can_be_given_like_any_answer(service: Service) -> None:
    (answer,) = ask(HttpRequest(url=f"{service.url}/missing", on_status="give"))
    assert (answer["status"], answer["ok"]) == (404, False)
    assert answer["body"] == {"detail": "nothing here"}


@pytest.mark.parametrize(
    ("path", "method"), [("/flaky", "GET"), ("/busy", "GET"), ("/busy", "POST")]
)
def test_it_asks_again(service: Service, path: str, method: Any) -> None:
    (answer,) = ask(HttpRequest(url=service.url + path, method=method))
    assert answer["status"] == 200
    assert len(service.asked) == 3


def test_answers_keep_the_order_and_no_more_are_under_way_than_allowed(service: Service) -> None:
    node = HttpRequest(url=service.url + "/meet/{{ item }}", concurrency=3)
    answers = ask(node, *range(9))
    assert [answer["record"] for answer in answers] == list(range(9))
    assert service.most == 3


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"url": ""}, id="no address"),
        pytest.param({"url": "x", "method": "BREW"}, id="unknown method"),
        pytest.param({"url": "x", "json_body": "1", "text_body": "a"}, id="two bodies"),
        pytest.param({"url": "{{ item."}, id="bad template"),
        pytest.param({"url": "x", "concurrency": 99}, id="too many at once"),
        pytest.param({"url": "x", "timeout_s": 0}, id="no time"),
    ],
)
def test_request_refuses(settings: Any) -> None:
    with pytest.raises(ValidationError):
        HttpRequest(**settings)
