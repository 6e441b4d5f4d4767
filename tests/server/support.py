"""A real server for tests: uvicorn on a free port, in a thread, on a directory of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import httpx2
import uvicorn
from litestar import Litestar

from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.client import SupervisorClient
from weft_server.accounts import people, workspaces
from weft_server.accounts.roles import Role
from weft_server.accounts.secrets import csrf_token
from weft_server.app import create_app
from weft_server.cli.serve import uvicorn_options
from weft_server.cli.start import bind
from weft_server.database import Database
from weft_server.settings import Settings
from weft_server.web import STATIC

T = TypeVar("T")
PASSWORD = "correct horse battery"
# Of PASSWORD, with the cheapest parameters: hashing is not what most tests are about.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$EaN5Y+Gwy9yYkJEOyYwRvA$WPKjQj3pm9+K0F5o1lncE+dD12UYRnqYvdvA62Py6vI"
)

# What is installed stays so; describing it would be half of the time that a server's start takes.
installed = cache(Catalogue.installed)


@dataclass
class Person:
    """Somebody with an account and a session."""

    id: str
    email: str
    name: str
    password: str
    token: str
    """What is in the session cookie."""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def cookies(self) -> dict[str, str]:
        return {"weft_session": self.token, "weft_csrf": csrf_token(self.token)}

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


async def _stay_away(_client: SupervisorClient) -> None:
    """The engine's start, where no engine is wanted."""


class Server:
    """A running server, set up with an owner and a workspace."""

    owner: Person
    workspace_id: str

    def __init__(
        self, data: Path, *, static: Path = STATIC, engine: bool = True, **settings: Any
    ) -> None:
        """Start at once.

        Without an engine its process is not started, which saves a second of two cores; for tests
        that run no flow.
        """
        self._static = static
        self._engine = engine
        self.settings = Settings(data=data, **settings)
        self._clients: list[httpx2.Client] = []
        self.start()

    def start(self) -> None:
        """Start on a free port; again after a stop, on the same data."""
        self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        listener = bind(replace(self.settings, port=0))
        self.port: int = listener.getsockname()[1]
        self.settings = replace(self.settings, port=self.port)
        with patch.object(Catalogue, "installed", installed):
            self.app: Litestar = create_app(self.settings, static=self._static)
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self._uvicorn = uvicorn.Server(uvicorn.Config(self.app, **uvicorn_options(self.settings)))
        with nullcontext() if self._engine else patch.object(SupervisorClient, "start", _stay_away):
            self._start_thread(listener)
        if not self._engine:
            self.app.state.ready_checks.pop("engine")

    def _start_thread(self, listener: socket.socket) -> None:
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 120
        while not self._uvicorn.started:
            assert self._thread.is_alive(), "the server ended while starting"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.005)

    def _serve(self, listener: socket.socket) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            await self._uvicorn.serve(sockets=[listener])

        # The loop of the real server: uvloop where there is one.
        with asyncio.Runner(loop_factory=self._uvicorn.config.get_loop_factory()) as runner:
            runner.run(serve())

    def stop(self) -> None:
        """Stop as on SIGTERM."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._uvicorn.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def set_up(self) -> Person:
        """Make the first account through the interface."""
        body = {
            "token": self.settings.setup_token_file.read_text().strip(),
            "email": "ada@example.org",
            "name": "Ada",
            "password": PASSWORD,
        }
        with httpx2.Client(base_url=self.url, timeout=120) as client:
            answer = client.post("/api/setup", json=body)
        assert answer.status_code == 201, answer.text
        session = answer.json()
        self.workspace_id = session["workspaces"][0]["id"]
        user, token = session["user"], answer.cookies["weft_session"]
        self.owner = Person(user["id"], user["email"], user["name"], PASSWORD, token)
        return self.owner

    def make_user(
        self, email: str, role: str | None = "editor", *, workspace_id: str | None = None
    ) -> Person:
        """Somebody signed in; a member of the workspace unless the role is None."""
        with self.database.transaction() as session:
            name = email.partition("@")[0].capitalize()
            user = people.create_user(session, email=email, name=name, password_hash=PASSWORD_HASH)
            if role is not None:
                workspace = workspace_id or self.workspace_id
                workspaces.join(session, workspace, user.id, Role(role))
            token = people.start_session(session, user.id)
        return Person(user.id, email, name, PASSWORD, token)

    def make_workspace(self, owner: Person, name: str = "Another") -> str:
        """A workspace of somebody's own."""
        with self.database.transaction() as session:
            return workspaces.create_workspace(session, name, owner.id).id

    def client(self, user: Person | None = None, **headers: str) -> httpx2.Client:
        """A client signed in as somebody, or as nobody."""
        given = {"Origin": self.url, **headers}
        if user is not None:
            given["X-CSRF-Token"] = user.cookies["weft_csrf"]
        client = httpx2.Client(
            base_url=self.url,
            headers=given,
            cookies=user.cookies if user is not None else None,
            timeout=120,
        )
        self._clients.append(client)
        return client
