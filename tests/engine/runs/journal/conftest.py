"""The three stores, each new and empty."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.runs.journal.postgres_server import PostgresServer, binaries
from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.journal.postgres import PostgresJournal
from weft_engine.runs.journal.sqlite import SqliteJournal

KINDS = ("memory", "sqlite", "postgres")
Make = Callable[[], JournalStore]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not on this machine")
    server = PostgresServer(found)
    yield server
    server.remove()


@pytest.fixture(params=KINDS)
def make(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Make]:
    """Makes new stores of one kind."""
    made: list[JournalStore] = []

    def new() -> JournalStore:
        made.append(_new(request, tmp_path_factory))
        return made[-1]

    yield new
    for store in made:
        store.close()


def _new(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> JournalStore:
    if request.param == "memory":
        return MemoryJournal()
    if request.param == "sqlite":
        folder: Path = folders.mktemp("journal")
        return SqliteJournal(folder / "journal.sqlite3")
    server: PostgresServer = request.getfixturevalue("postgres")
    return PostgresJournal(server.address())


@pytest.fixture
def store(make: Make) -> JournalStore:
    return make()
