"""The log: what is acknowledged is on disk, whatever the disk does."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session, col, func, select

from tests.server.rooms.clients import Client
from tests.server.rooms.conftest import Join
from tests.server.rooms.test_rooms import definition, open_room
from tests.server.support import Person, Server
from weft_server.database import Database
from weft_server.errors import Missing, StorageError
from weft_server.flows.tables import Flow as FlowRow
from weft_server.rooms import outbox, repository, upkeep
from weft_server.rooms.log import LogWriter
from weft_server.rooms.outbox import Outbox
from weft_server.rooms.repository import Change
from weft_server.rooms.tables import DocLogRow, DocRow, DocSnapshotRow


def log_of(server: Server, flow_id: str) -> list[DocLogRow]:
    with server.database.read() as session:
        rows = select(DocLogRow).where(DocLogRow.flow_id == flow_id).order_by(col(DocLogRow.rev))
        return list(session.exec(rows))


# What is written


def test_a_row_has_one_author(server: Server, flow_id: str, join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    for step in range(10):
        ada.doc["meta"]["name"] = f"Ada {step}"
        eda.doc["meta"]["description"] = f"Eda {step}"
    ada.save()
    eda.save()
    rows = log_of(server, flow_id)
    assert [row.rev for row in rows] == list(range(1, len(rows) + 1))
    assert (rows[0].actor, rows[0].origin) == ("system", "create")
    assert {row.actor for row in rows[1:]} == {server.owner.id, editor.id}
    assert {row.origin for row in rows[1:]} <= {"edit", "relay"}


def test_a_patch_is_a_row_with_its_author(server: Server, flow_id: str, editor: Person) -> None:
    ops = [{"op": "add_node", "id": "a", "node": {"type": "data.filter"}}]
    server.client(editor).post(f"/api/flows/{flow_id}/patches", json={"ops": ops})
    last = log_of(server, flow_id)[-1]
    assert (last.actor, last.origin) == (editor.id, "patch")


def test_a_snapshot_shortens_the_log(
    server: Server, flow_id: str, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SNAPSHOT_REVS", 5)
    ada = join().join()
    for step in range(20):
        ada.add_node(f"n{step}")
        ada.save()
    server.call(server.app.state.rooms._live(flow_id).upkeep.finish())
    with server.database.read() as session:
        snapshots = session.exec(select(DocSnapshotRow)).all()
        stored = repository.load(session, flow_id)
    assert len(snapshots) == 1
    assert stored.rev - len(stored.changes) == snapshots[0].rev >= 20
    assert stored.owners[ada.doc.client_id] == server.owner.id
    assert set(stored.owners.values()) == {server.owner.id, "system"}
    ada.close()
    server.stop()
    server.start()
    assert len(definition(server, flow_id)["nodes"]) == 20


def test_everything_is_there_after_a_restart(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada = join().join()
    ada.add_node("a", position={"x": 1, "y": 2})
    ada.save()
    ada.add_node("unsaved")
    ada.settle()
    server.stop()
    assert ada.closed() in {1012, 1006}
    server.start()
    assert set(definition(server, flow_id)["nodes"]) == {"a", "unsaved"}
    eda = Client(server, flow_id, editor).join()
    assert set(eda.nodes) == {"a", "unsaved"}
    eda.close()


# A disk that is full


@contextmanager
def full_disk(server: Server) -> Iterator[Callable[[], None]]:
    """No more pages for the database, as on a full disk; the callback makes room again."""
    engine = server.database.engine
    full = threading.Event()
    full.set()

    def limit(connection: sqlite3.Connection, *_: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full.is_set() else 2**30
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "checkout", limit)
    try:
        yield full.clear
    finally:
        event.remove(engine, "checkout", limit)


def fill(client: Client, number: int) -> None:
    client.doc["meta"][f"note {number}"] = "x" * 20_000


def test_a_full_disk(server: Server, flow_id: str, join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.add_node("before")
    ada.save()
    eda.save()
    with full_disk(server) as make_room:
        fill(ada, 1)
        mark = ada.mark()
        ada.until(lambda: ada.refused == ["storage.full"])
        # Others see it all the same; nobody is told that it is saved.
        eda.until(lambda: "note 1" in eda.doc["meta"])
        eda.add_node("during")
        eda.until(lambda: eda.refused == ["storage.full"])
        ada.until(lambda: "during" in ada.nodes)
        assert ada.saved == mark - 1
        answer = server.client(editor).post(
            f"/api/flows/{flow_id}/patches",
            json={"ops": [{"op": "remove_node", "id": "before"}]},
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "storage.full")
        # What is stored can still be read.
        assert server.client(editor).get(f"/api/flows/{flow_id}").status_code == 200
        make_room()
        ada.until(lambda: ada.saved == mark)
        eda.save()
    server.stop()
    server.start()
    assert set(definition(server, flow_id)["nodes"]) == {"before", "during"}


def test_what_waits_is_bounded(
    server: Server,
    flow_id: str,
    join: Join,
    editor: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "MOST_BYTES", 100_000)
    ada = join().join()
    ada.save()
    with full_disk(server) as make_room:
        for number in range(10):
            fill(ada, number)
        ada.mark()
        ada.until(lambda: ada.refused.count("storage.full") >= 2)
        waiting = open_room(server, flow_id).outbox
        ada.settle()
        assert waiting.number - waiting.durable <= 7
        eda = join(editor).join()
        assert 0 < len(list(eda.doc["meta"].keys())) < 16
        make_room()
        # The server asks for what it had to drop, and all of it is saved.
        ada.until(lambda: ada.saved == 2)
    eda.until(lambda: all(f"note {number}" in eda.doc["meta"] for number in range(10)))


def test_a_database_held_by_something_else(
    server: Server, flow_id: str, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = join().join()
    ada.save()
    other = sqlite3.connect(server.settings.data / "weft.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ada.add_node("a")
    mark = ada.mark()
    ada.until(lambda: ada.refused == ["storage.busy"])
    assert ada.saved == 1
    other.execute("COMMIT")
    other.close()
    ada.until(lambda: ada.saved == mark)
    assert set(definition(server, flow_id)["nodes"]) == {"a"}


# The writer by itself


@pytest.fixture
def database(data: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{data / 'weft.db'}")
    with opened.transaction() as session:
        # References are about users and workspaces, which nothing here needs.
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    yield opened
    opened.close()


def make_document(database: Database, flow_id: str = "flw_1") -> None:
    with database.transaction() as session:
        run = session.connection().exec_driver_sql
        run("INSERT OR IGNORE INTO user VALUES ('u','e','n','#000',NULL,'h','2026-01-01')")
        run("INSERT OR IGNORE INTO workspace VALUES ('w','n','2026-01-01')")
        session.add(FlowRow(id=flow_id, workspace_id="w", name="n", created_by="u"))
        session.flush()
        repository.insert_document(session, flow_id, Change("u", "create", b"\x00\x00"))


def count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(DocLogRow)).one()


def commits(database: Database) -> list[str]:
    """Every commit of the database from now on."""
    seen: list[str] = []
    event.listen(database.engine, "commit", lambda _: seen.append("commit"))
    return seen


def test_writes_that_come_together_share_a_commit(database: Database) -> None:
    make_document(database)
    seen = commits(database)

    async def work() -> list[int | None]:
        writer = LogWriter(database)
        row = [Change("u", "edit", b"\x00\x00")]
        done = [
            writer.submit(lambda session: repository.append(session, "flw_1", row))
            for _ in range(300)
        ]
        revs = await asyncio.gather(*done)
        await writer.close()
        return revs

    revs = asyncio.run(work())
    assert revs == list(range(2, 302))
    assert len(seen) < 30


def test_a_write_that_fails_does_not_take_others_along(database: Database) -> None:
    make_document(database)

    def fails(session: Session) -> None:
        session.connection().execute(text("INSERT INTO doc VALUES ('flw_1', 1, 1, 1)"))

    async def work() -> list[Any]:
        writer = LogWriter(database)
        row = [Change("u", "edit", b"\x00\x00")]
        done = [
            writer.submit(lambda session: repository.append(session, "flw_1", row)),
            writer.submit(fails),
            writer.submit(lambda session: repository.append(session, "flw_1", row)),
        ]
        results = await asyncio.gather(*done, return_exceptions=True)
        await writer.close()
        return results

    first, failed, last = asyncio.run(work())
    assert (first, last) == (2, 3)
    assert isinstance(failed, Exception)


def test_a_closed_writer_takes_nothing(database: Database) -> None:
    async def work() -> None:
        writer = LogWriter(database)
        await writer.close()
        with pytest.raises(RuntimeError):
            writer.submit(lambda _: None)

    asyncio.run(work())


def test_closing_gives_up_when_nothing_can_be_written(database: Database) -> None:
    make_document(database)
    troubles: list[str | None] = []

    async def work() -> BaseException | None:
        writer = LogWriter(database, troubles.append)
        other = sqlite3.connect(database.engine.url.database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        done = writer.submit(count)
        closing = asyncio.create_task(writer.close())
        await asyncio.wait({done})
        await closing
        other.execute("ROLLBACK")
        other.close()
        return done.exception()

    assert isinstance(asyncio.run(work()), StorageError)
    assert troubles == ["storage.busy"]


def test_a_document_that_is_gone(database: Database) -> None:
    make_document(database)
    lost: list[Exception] = []

    async def work() -> None:
        writer = LogWriter(database)
        waiting = Outbox("flw_gone", 0, writer, on_saved=lambda: None, on_lost=lost.append)
        number = waiting.add(Change("u", "edit", b"\x00\x00"))
        with pytest.raises(Missing):
            await waiting.wait(number)
        assert waiting.is_settled
        with pytest.raises(Missing):
            waiting.add(Change("u", "edit", b"\x00\x00"))
        await writer.close()

    asyncio.run(work())
    assert len(lost) == 1


def test_a_log_with_a_hole_is_not_an_empty_document(database: Database) -> None:
    make_document(database)
    with database.transaction() as session:
        repository.append(session, "flw_1", [Change("u", "edit", b"\x00\x00")] * 3)
        session.connection().exec_driver_sql("DELETE FROM doc_log WHERE rev = 3")
    with database.read() as session, pytest.raises(StorageError) as caught:
        repository.load(session, "flw_1")
    assert caught.value.code == "document.damaged"


def test_no_document(database: Database) -> None:
    with database.read() as session, pytest.raises(Missing):
        repository.load(session, "flw_none")


def test_an_older_snapshot_never_replaces_a_newer_one(database: Database) -> None:
    make_document(database)
    with database.transaction() as session:
        repository.append(session, "flw_1", [Change("u", "edit", b"\x00\x00")] * 5)
        repository.replace_snapshot(session, "flw_1", 4, b"newer", [(7, "u"), (9, "u")])
        repository.replace_snapshot(session, "flw_1", 3, b"older", [])
        repository.replace_snapshot(session, "flw_1", 99, b"future", [])
    with database.read() as session:
        stored = repository.load(session, "flw_1")
    assert stored.snapshot == b"newer"
    assert stored.owners == {7: "u", 9: "u"}
    assert len(stored.changes) == 2


def test_deleting_a_flow_for_good_deletes_its_document(database: Database) -> None:
    make_document(database)
    with database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM flow")
    with database.read() as session:
        assert session.exec(select(DocRow)).all() == []
        assert count(session) == 0
