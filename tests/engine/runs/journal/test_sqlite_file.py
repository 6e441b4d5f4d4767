"""The journal's file: damaged, of another version, of another program, used by many."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from weft_engine.runs.journal import sqlite_file
from weft_engine.runs.journal.base import Journal, RunEntry, StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.run import RunRequest


def filled(path: Path, rows: int = 200) -> None:
    store = SqliteJournal(path)
    request = RunRequest(run_id="run", flow={})
    lease = store.acquire("run", "me", 60, RunEntry(id="run", plan_hash="p", request=request))
    assert lease
    store.write([(lease, StepRow(node=str(n), worker="w" * 500), None) for n in range(rows)])
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "made" / "journal.sqlite3"
    filled(place)
    return place


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: overwrite(path, 0, b"no database at all " * 10),
        lambda path: overwrite(path, 100, b"\xff" * 3996),
        lambda path: overwrite(path, 8192, b"\x07" * 60_000),
        lambda path: path.write_bytes(path.read_bytes()[:9000]),
    ],
    ids=["head", "schema", "pages", "short"],
)
def test_a_damaged_file_is_set_aside(path: Path, harm: object) -> None:
    harm(path)  # type: ignore[operator]
    damaged = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert caught.value.code == "journal.damaged"
    aside = Path(caught.value.params["aside"])
    assert aside.read_bytes() == damaged
    assert aside.name in caught.value.hint
    assert not path.exists()
    store = SqliteJournal(path)
    assert store.unfinished() == []
    store.close()


def test_damaged_files_do_not_take_each_others_place(path: Path) -> None:
    for _ in range(3):
        path.write_bytes(b"damaged, all of it " * 100)
        with pytest.raises(JournalError, match="damaged"):
            SqliteJournal(path)
    assert len(list(path.parent.glob("*.damaged-*"))) == 3


def test_commits_are_on_disk_when_they_return(path: Path) -> None:
    store = SqliteJournal(path)
    for connection in (store._writer, store._reader):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    store.close()


def test_a_file_of_an_older_version_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "ALTER TABLE steps ADD COLUMN note TEXT; CREATE TABLE extra (x)"
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", [*sqlite_file.MIGRATIONS, more])
    for _ in range(2):
        store = SqliteJournal(path)
        assert len(store.steps("run")) == 200
        assert store._reader.execute("SELECT note FROM steps LIMIT 1").fetchone() == (None,)
        store.close()


def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "DELETE FROM steps; SELECT * FROM not_there"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "MIGRATIONS", [*sqlite_file.MIGRATIONS, bad])
        with pytest.raises(JournalError):
            SqliteJournal(path)
    store = SqliteJournal(path)
    assert len(store.steps("run")) == 200
    store.close()


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert (caught.value.code, caught.value.params["format"]) == ("journal.format", 99)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE customers (name)")
    db.close()
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert caught.value.code == "journal.format"
    assert path.exists()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError) as caught:
        SqliteJournal(tmp_path / "file" / "journal.sqlite3")
    assert caught.value.code == "journal.unavailable"


def test_another_process_that_writes_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.1)
    store = SqliteJournal(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError) as caught:
        store.acquire("run", "me", 60)
    assert (caught.value.code, caught.value.retryable) == ("journal.unavailable", True)
    assert len(store.steps("run")) == 200  # who reads does not wait
    other.execute("COMMIT")
    assert store.acquire("run", "me", 60)
    other.close()
    store.close()


def test_several_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    opened: list[SqliteJournal] = []
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        opened.append(SqliteJournal(path))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    for store in opened:
        store.close()


class _OpenedBetween(sqlite3.Connection):
    """Another opens the new file right after the first look at what is in it."""

    other: Callable[[], None] | None = None

    def execute(self, sql: str, *args: Any) -> Any:
        cursor = super().execute(sql, *args)
        other = type(self).other
        if other is None or not ("sqlite_master" in sql or "application_id" in sql):
            return cursor
        type(self).other = None
        row = cursor.fetchone()
        cursor.close()
        other()
        return SimpleNamespace(fetchone=lambda: row)


def test_another_makes_the_tables_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite3"
    monkeypatch.setattr(_OpenedBetween, "other", lambda: SqliteJournal(path).close())
    plain = sqlite3.connect
    monkeypatch.setattr(
        sqlite_file.sqlite3,
        "connect",
        lambda *args, **options: plain(*args, **options, factory=_OpenedBetween),
    )
    SqliteJournal(path).close()
    assert _OpenedBetween.other is None


def test_after_closing_it_says_so(path: Path) -> None:
    store = SqliteJournal(path)
    store.close()
    for call in (lambda: store.steps("run"), lambda: store.renew([], 1), store.references):
        with pytest.raises(JournalError, match="closed"):
            call()
    store.close()


# A file that is taken away from under the engine


def _begun(store: SqliteJournal, run_id: str) -> Journal:
    return open_run(store, RunRequest(run_id=run_id, flow={}), "plan", "sync", "me")


def _remove(path: Path) -> None:
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink()


def _replace(path: Path) -> None:
    other = path.with_name("other.db")
    SqliteJournal(other).close()
    _remove(path)
    other.rename(path)


def _remove_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize("take_away", [_remove, _replace, _remove_log])
def test_a_file_that_is_taken_away_is_noticed(
    take_away: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    store = SqliteJournal(path)
    journal = _begun(store, "run_1")
    journal.record(StepRow(node="a"))
    journal.flush()
    take_away(path)
    journal.record(StepRow(node="b"))
    with pytest.raises(JournalError) as caught:
        journal.flush()
    assert caught.value.code == "journal.replaced"
    assert journal.lost()
    for ask in (store.entry, store.steps, store.wakes, store.signals):
        with pytest.raises(JournalError) as caught:
            ask("run_1")
        assert caught.value.code == "journal.replaced"
    # What begins from now on is written into the file that is there.
    again = _begun(store, "run_2")
    again.record(StepRow(node="c"))
    again.end("completed")
    store.close()
    kept = SqliteJournal(path)
    assert [row.node for row in kept.steps("run_2")] == ["c"]
    kept.close()


def test_a_file_that_is_there_stays_open(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    before = store._writer
    for number in range(3):
        journal = _begun(store, f"run_{number}")
        journal.record(StepRow(node="a"))
        journal.end("completed")
    assert store._writer is before
    store.close()
