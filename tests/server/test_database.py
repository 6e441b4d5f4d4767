"""Transactions, column types, and what SQLite is told."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from weft_server.accounts.tables import Workspace
from weft_server.database import BUSY_SECONDS, Database
from weft_server.errors import StorageError
from weft_server.ids import new_id


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'weft.db'}")
    opened.migrate()
    yield opened
    opened.close()


def add(session: Session, name: str) -> str:
    workspace = Workspace(id=new_id("wsp"), name=name)
    session.add(workspace)
    return workspace.id


def names(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.exec(select(Workspace.name)).all())


def test_only_its_user_can_read_the_file(database: Database) -> None:
    path = Path(database.url.removeprefix("sqlite:///"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)],
)
def test_what_sqlite_is_told(database: Database, pragma: str, value: object) -> None:
    with database.read() as session:
        assert session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_transaction_is_kept_or_undone_as_a_whole(database: Database) -> None:
    with database.transaction() as session:
        add(session, "kept")
    with pytest.raises(RuntimeError), database.transaction() as session:  # noqa: PT012
        add(session, "undone")
        session.flush()
        raise RuntimeError
    assert names(database) == ["kept"]


def test_what_is_read_is_not_changed(database: Database) -> None:
    with database.read() as session:
        add(session, "forgotten")
    assert names(database) == []


def test_a_reader_keeps_its_view_and_does_not_wait(database: Database) -> None:
    with database.read() as reader:
        assert reader.exec(select(Workspace)).all() == []
        with database.transaction() as session:
            add(session, "new")
        assert reader.exec(select(Workspace)).all() == []
    assert names(database) == ["new"]


def test_writers_take_turns(database: Database) -> None:
    def write(number: int) -> None:
        for step in range(10):
            with database.transaction() as session:
                before = len(session.exec(select(Workspace)).all())
                add(session, f"{before:03}:{number}:{step}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name[:3] for name in names(database)] == [f"{number:03}" for number in range(60)]


def test_the_event_loop_works_on(database: Database) -> None:
    async def both() -> tuple[str, list[str]]:
        made = await database.run(lambda session: add(session, "async"))
        found = await database.query(lambda session: session.exec(select(Workspace.id)).all())
        return made, list(found)

    made, found = asyncio.run(both())
    assert found == [made]


def test_another_program_holding_the_lock_is_told_apart(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("weft_server.database._PRAGMAS", ("busy_timeout=10",))
    database.engine.dispose()
    try:
        with pytest.raises(StorageError) as caught, database.transaction() as session:
            add(session, "never")
    finally:
        other.close()
    assert caught.value.code == "storage.busy"
    assert BUSY_SECONDS == 5


def test_a_broken_file_is_told_clearly(tmp_path: Path) -> None:
    path = tmp_path / "weft.db"
    path.write_bytes(b"this is not a database, " * 100)
    broken = Database(f"sqlite:///{path}")
    with pytest.raises(StorageError) as caught:
        broken.migrate()
    assert caught.value.code == "storage.failed"
    broken.close()


def test_moments_come_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=8)))
    with database.transaction() as session:
        workspace = Workspace(id="wsp_1", name="x", created_at=moment)
        session.add(workspace)
    with database.read() as session:
        found = session.get_one(Workspace, "wsp_1").created_at
    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone"), database.transaction() as session:
        session.add(Workspace(id="wsp_1", name="x", created_at=datetime(2026, 5, 1)))  # noqa: DTZ001


def test_references_are_enforced(database: Database) -> None:
    statement = text("INSERT INTO member VALUES ('wsp_no', 'usr_no', 'owner', '2026-01-01')")
    with pytest.raises(Exception, match="FOREIGN KEY"), database.transaction() as session:
        session.connection().execute(statement)


@pytest.mark.parametrize("name", ["we ft", "数据", "a?b", "a#b", "a%20b", "a&b=c", "a:b@c"])
def test_directories_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "weft.db"
    opened = Database(f"sqlite:///{path}")
    opened.migrate()
    with opened.transaction() as session:
        add(session, "x")
    assert names(opened) == ["x"]
    opened.close()
    assert path.is_file()
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_no_error_shows_what_people_stored(database: Database) -> None:
    def insert(session: Session) -> None:
        session.connection().exec_driver_sql(
            "INSERT INTO api_key (id, user_id, name, prefix, key_hash, created_at) "
            "VALUES ('key_x', 'nobody', 'x', 'x', ?, '')",
            ("hash-of-a-key",),
        )

    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        insert(session)
    assert "hash-of-a-key" not in str(caught.value)
