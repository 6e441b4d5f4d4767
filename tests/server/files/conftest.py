"""These tests run no flow."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.support import Person, Server
from weft_server.accounts import workspaces
from weft_server.accounts.roles import Role


@dataclass
class Workspace:
    """A workspace on a running server, its folder, and who works in it."""

    server: Server
    root: Path
    incoming: Path
    people: dict[str, Person | None]

    @property
    def url(self) -> str:
        return f"/api/workspaces/{self.server.workspace_id}/files"

    def client(self, who: str = "editor") -> httpx2.Client:
        return self.server.client(self.people[who])

    def put(
        self, path: str, content: Any, *, who: str = "editor", **params: Any
    ) -> httpx2.Response:
        return self.client(who).put(
            f"{self.url}/content", params={"path": path, **params}, content=content
        )

    def get(self, path: str, *, who: str = "viewer") -> httpx2.Response:
        return self.client(who).get(f"{self.url}/content", params={"path": path})

    def look(self, path: str = "", *, who: str = "viewer", **params: Any) -> httpx2.Response:
        return self.client(who).get(self.url, params={"path": path, **params})

    def delete(self, path: str, *, who: str = "editor") -> httpx2.Response:
        return self.client(who).delete(self.url, params={"path": path})

    def names(self, path: str = "", **params: Any) -> list[str]:
        return [item["name"] for item in self.look(path, **params).json()["items"]]

    @property
    def arriving(self) -> list[Path]:
        return list(self.incoming.iterdir()) if self.incoming.exists() else []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("files") / "data", engine=False)
    server.set_up()
    yield server
    server.stop()


@pytest.fixture
def space(running: Server) -> Workspace:
    """An empty workspace with a member of each role, and a stranger."""
    number = len(list(running.settings.files.glob("wsp_*")))
    people: dict[str, Person | None] = {
        name: running.make_user(f"{name}{number}@example.org", None)
        for name in ("owner", "editor", "viewer", "stranger")
    }
    owner = people["owner"]
    assert owner is not None
    running.workspace_id = running.make_workspace(owner)
    for name in ("editor", "viewer"):
        person = people[name]
        assert person is not None
        with running.database.transaction() as session:
            workspaces.join(session, running.workspace_id, person.id, Role(name))
    root = running.settings.files / running.workspace_id
    root.mkdir()
    people["nobody"] = None
    return Workspace(running, root, running.settings.files / ".incoming", people)
