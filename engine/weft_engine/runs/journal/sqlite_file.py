"""The file of the journal in SQLite: opened, checked, brought up to date, or set aside."""

import os
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from weft_engine.runs.journal.errors import (
    JournalError,
    damaged,
    full,
    unavailable,
    unknown_format,
)

APPLICATION: Final = 0x57454654
"""Written into the file's head: it is a journal of Weft."""
BUSY_S: Final = 10.0
"""How long a call waits for other processes that use the file."""
_CHECKED_BYTES: Final = 1024**3
"""Larger files are not read through when they are opened; damage shows when it is met."""
_PARTS: Final = ("", "-wal", "-shm")

MIGRATIONS: Final[list[str]] = [
    """
    CREATE TABLE tokens (last INTEGER NOT NULL);
    INSERT INTO tokens VALUES (0);
    CREATE TABLE runs (
        no INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        plan_hash TEXT NOT NULL,
        status TEXT NOT NULL,
        tenant TEXT NOT NULL,
        priority INTEGER NOT NULL,
        parent TEXT,
        forked_from TEXT,
        updated REAL NOT NULL,
        request BLOB NOT NULL,
        owner TEXT NOT NULL DEFAULT '',
        token INTEGER NOT NULL DEFAULT 0,
        until REAL NOT NULL DEFAULT 0
    );
    CREATE INDEX runs_open ON runs (until) WHERE status NOT IN ('completed', 'failed', 'cancelled');
    CREATE TABLE steps (no INTEGER PRIMARY KEY, run INTEGER NOT NULL, row BLOB NOT NULL);
    CREATE INDEX steps_of ON steps (run);
    CREATE TABLE wakes (
        run INTEGER NOT NULL,
        node TEXT NOT NULL,
        scope TEXT NOT NULL,
        due REAL,
        signal TEXT,
        row BLOB NOT NULL,
        PRIMARY KEY (run, node, scope)
    );
    CREATE INDEX wakes_due ON wakes (due) WHERE due IS NOT NULL;
    CREATE TABLE signals (
        no INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        taken INTEGER NOT NULL DEFAULT 0,
        row BLOB NOT NULL,
        UNIQUE (run, id)
    );
    """,
]
"""What makes each format of the one before. Never change one that was released."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open a journal, new or old, for writing.

    Raises:
        JournalError: `journal.damaged` when it was set aside, `journal.format`,
            `journal.unavailable`, `journal.full`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unavailable(str(path), error.strerror or str(error)) from error
    connection: sqlite3.Connection | None = None
    try:
        with told(path):
            connection = connect(path)
            _check(connection, path)
            _migrate(connection, path)
        return connection
    except JournalError as error:
        if connection is not None:
            connection.close()
        if error.code == "journal.damaged":
            aside = _set_aside(path)
            raise damaged(str(path), error.params["reason"], str(aside)) from error
        raise


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on disk when they return."""
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


class Placed:
    """The file of a journal as it was opened, to be known again.

    A file that is deleted or replaced can still be written to by who has it open, and nothing of
    that is ever seen again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._known = _identity(path)
        self._known_log: tuple[int, int] | None = None

    def same(self) -> bool:
        """Whether it is still there."""
        if _identity(self._path) != self._known:
            return False
        log = _identity(self._log)
        if self._known_log is None:
            self._known_log = log
        return log == self._known_log


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Errors of SQLite as errors of the journal."""
    try:
        yield
    except sqlite3.Error as error:
        raise _error(path, error) from error


def _error(path: Path, error: sqlite3.Error) -> JournalError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(str(path), str(error))
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return full(str(path), error)
    return unavailable(str(path), error)


def _no_room(path: Path) -> bool:
    """Whether a write can have failed for want of space; SQLite tells that of few causes."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    margin = 64 * 1024
    with suppress(OSError):
        space = os.statvfs(path.parent)
        if space.f_bavail * space.f_frsize < margin:
            return True
        sizes = [_size(path, part) for part in _PARTS]
        return limit != resource.RLIM_INFINITY and max(sizes) + margin > limit
    return False


def _size(path: Path, part: str) -> int:
    with suppress(OSError):
        return path.with_name(path.name + part).stat().st_size
    return 0


def _check(connection: sqlite3.Connection, path: Path) -> None:
    # In this order: where there are tables, whoever made them has left the id with them.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    known = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and known != APPLICATION:
        raise unknown_format(str(path), "of another program", len(MIGRATIONS))
    if _size(path, "") <= _CHECKED_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise damaged(str(path), str(found))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _format(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        for number in range(_format(connection, path), len(MIGRATIONS)):
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _format(connection: sqlite3.Connection, path: Path) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > len(MIGRATIONS):
        raise unknown_format(str(path), found, len(MIGRATIONS))
    return found


def _set_aside(path: Path) -> Path:
    """Give the damaged file another name, with what SQLite keeps beside it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = 0
    while True:
        tail = f".damaged-{stamp}" + (f"-{number}" if number else "")
        aside = path.with_name(path.name + tail)
        if not aside.exists():
            break
        number += 1
    for part in _PARTS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    return aside
