"""A real server, real people, a real Chromium."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    expect,
    sync_playwright,
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]
FAILED = pytest.StashKey[bool]()
RESULTS = Path(__file__).parent.parent.parent / "test-results"
"""Pictures of what each person saw when a test failed."""
PASSWORD = "a long enough passphrase"
PATIENCE_MS = 30_000
"""How long anything may take on a busy machine; what does not happen never does."""
expect.set_options(timeout=PATIENCE_MS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Person:
    """Somebody with an account, and the cookies of their session."""

    name: str
    email: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""


class Weft:
    """`weft serve` as a process of its own on a fresh data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workspace = ""
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "weft_server.cli.main", "serve", "--port", str(self.port)]
        self.log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data)], stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.output()
                time.sleep(0.02)
        raise AssertionError(self.output())

    def output(self) -> str:
        return (self.data.parent / "serve.log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self.log.close()

    def call(self, method: str, path: str, body: Any = None, who: Person | None = None) -> Any:
        """Call the REST API; answers the decoded body and keeps the cookies of `who`."""
        request = urllib.request.Request(f"{self.url}/api{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        request.add_header("Origin", self.url)
        if who is not None and who.cookies:
            request.add_header("Cookie", "; ".join(f"{k}={v}" for k, v in who.cookies.items()))
            request.add_header("X-CSRF-Token", who.csrf)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, rest = cookie.partition("=")
                if who is not None:
                    who.cookies[name] = rest.partition(";")[0]
        data = json.loads(content) if content else None
        if who is not None and isinstance(data, dict) and "csrf_token" in data:
            who.csrf = data["csrf_token"]
        return data

    def set_up(self) -> Person:
        token = (self.data / "setup-token").read_text().strip()
        owner = Person("Angela", "angela@example.org")
        body = {"token": token, "email": owner.email, "name": owner.name, "password": PASSWORD}
        session = self.call("POST", "/setup", body, owner)
        self.workspace = session["workspaces"][0]["id"]
        return owner

    def invite(self, owner: Person, name: str, role: str) -> Person:
        person = Person(name, f"{name.lower()}@example.org")
        members = f"/workspaces/{self.workspace}/members"
        made = self.call("POST", members, {"email": person.email, "role": role}, owner)
        token = made["invitation"]["link"].partition("token=")[2]
        body = {"token": token, "name": name, "password": PASSWORD}
        self.call("POST", "/invitations/accept", body, person)
        return person

    def flow(self, owner: Person, name: str) -> str:
        """The id of the flow of that name."""
        flows = self.call("GET", "/flows?limit=100", None, owner)["items"]
        return str(next(flow["id"] for flow in flows if flow["name"] == name))


@dataclass
class Team:
    weft: Weft
    owner: Person
    editor: Person
    viewer: Person


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    weft = Weft(tmp_path_factory.mktemp("weft") / "data")
    owner = weft.set_up()
    yield Team(
        weft, owner, weft.invite(owner, "Bo", "editor"), weft.invite(owner, "Vera", "viewer")
    )
    weft.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Desk:
    """Opens browsers, a context for each person: tabs of one context sync past the server."""

    browser: Browser
    weft: Weft
    contexts: list[BrowserContext] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What went wrong in a page: scripts, refused requests, what the console calls an error."""
    refused: list[str] = field(default_factory=list)
    """Patterns of requests that this test wants to be refused, such as `404 GET /api/me`."""

    def open(self, person: Person | None, path: str = "/", **options: Any) -> Page:
        settings = {
            "viewport": {"width": 1440, "height": 900},
            "locale": "en-US",
            "reduced_motion": "reduce",
            **options,
        }
        context = self.browser.new_context(base_url=self.weft.url, **settings)
        self.contexts.append(context)
        if person is not None:
            context.add_cookies(
                [{"name": k, "value": v, "url": self.weft.url} for k, v in person.cookies.items()]
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._answered)
        page.on("console", self._said)
        page.goto(path)
        return page

    def _answered(self, answer: Response) -> None:
        if answer.status < 400:
            return
        path = answer.url.removeprefix(self.weft.url)
        line = f"{answer.status} {answer.request.method} {path}"
        if not any(re.match(pattern, line) for pattern in self.refused):
            self.errors.append(line)

    def _said(self, line: ConsoleMessage) -> None:
        # Of refused requests the answers tell more.
        if line.type == "error" and not line.text.startswith(("Failed to load", "WebSocket")):
            self.errors.append(line.text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def desk(chromium: Browser, team: Team, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(chromium, team.weft)
    yield desk
    if request.node.stash.get(FAILED, False):
        RESULTS.mkdir(exist_ok=True)
        for number, context in enumerate(desk.contexts):
            context.pages[0].screenshot(path=RESULTS / f"{request.node.name}-{number}.png")
    for context in desk.contexts:
        context.close()
    assert desk.errors == []
