"""Fixtures of the server's tests."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server.support import Person, Server
from weft_server.database import Database


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables and nothing in them; copying it is faster than migrating."""
    path = tmp_path_factory.mktemp("database") / "weft.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def data(tmp_path: Path, fresh_database: Path) -> Path:
    """A data directory with a fresh database."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copyfile(fresh_database, folder / "weft.db")
    return folder


@dataclass(frozen=True)
class Furnished:
    """A data directory after the setup: an owner, a workspace, the examples."""

    data: Path
    owner: Person
    workspace_id: str


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """What every test's server begins with; made once, through the real setup."""
    data = tmp_path_factory.mktemp("furnished") / "data"
    running = Server(data, engine=False)
    try:
        running.set_up()
    finally:
        running.stop()
    return Furnished(data, running.owner, running.workspace_id)


@pytest.fixture(scope="session")
def engine() -> bool:
    """Whether the engine runs beside the server; folders that run no flow say no."""
    return True


@pytest.fixture
def server(tmp_path: Path, furnished: Furnished, engine: bool) -> Iterator[Server]:
    """A server with an owner, a workspace and the examples, on data of its own."""
    # Sockets and locks belong to the server that made them.
    passing = shutil.ignore_patterns("*.sock", "lock")
    shutil.copytree(furnished.data, tmp_path / "data", ignore=passing)
    running = Server(tmp_path / "data", engine=engine)
    running.owner, running.workspace_id = furnished.owner, furnished.workspace_id
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def empty_server(data: Path) -> Iterator[Server]:
    """A server that nobody has set up yet."""
    running = Server(data, engine=False)
    try:
        yield running
    finally:
        running.stop()
