"""Tables of an SQLite database."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Delivery, Sink, owners
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.sinks import moved
from weft_engine.kernel.sinks.moved import MOVED
from weft_engine.kernel.sinks.moved import quoted as _quoted

_PLAIN: Final = (str, int, float, bytes, type(None))
_PATIENCE_S: Final = 60.0
"""How long others may keep the file."""
_AGAIN_S: Final = 0.01


class SqliteSink(Sink[Mapping[str, Any]]):
    """Rows of a table, made of dicts.

    With `key` (one column or several) the sink is idempotent: a row replaces the one with its key
    at once, so that writing it again after a restart changes nothing. Without, it is transactional:
    rows wait in a table `weft_staged` of the same database, durable but not visible, and move over
    when their checkpoint is complete. The table is made if it is not there; one that is there must
    have the columns, and a key must be its primary key or unique. Lists and dicts are written as
    JSON, dates and times as ISO 8601, NaN as NULL. A key cannot be None.

    Where a job goes on from an earlier checkpoint than its last, because that is damaged, it
    removes the rows of later ones, which come again. A table `weft_moved` says where they are. Rows
    that somebody has changed or moved meanwhile (`VACUUM` may) stay, with those of their batch.
    """

    def __init__(
        self,
        path: str | Path,
        table: str,
        columns: Sequence[str],
        *,
        key: str | Sequence[str] | None = None,
    ) -> None:
        if isinstance(columns, str) or not columns:
            raise ProgramError("a table needs columns", hint='Give a list: ["id", "name"].')
        if len({column.casefold() for column in columns}) < len(columns):
            raise ProgramError(
                f"two of the columns {', '.join(columns)} are the same",
                hint="SQLite takes capital and small letters for the same.",
            )
        if table.casefold() in ("weft_staged", MOVED):
            raise ProgramError(f"the table cannot be called {table!r}", hint="Weft has one itself.")
        self.path = Path(path)
        self.table = table
        self.columns = tuple(columns)
        self.key = () if key is None else (key,) if isinstance(key, str) else tuple(key)
        if strange := set(self.key) - set(self.columns):
            raise ProgramError(f"the key {sorted(strange)} is not among the columns")
        self.delivery: Delivery = "idempotent" if self.key else "transactional"

    def writer(self, subtask: int, parallelism: int, attempt: str) -> "_Upserting | _Staging":
        return _Upserting(self) if self.key else _Staging(self, attempt)

    def commit(self, committables: Sequence[Any]) -> None:
        if not self.key and committables:
            with _Open(self) as db:
                for batch in committables:
                    self._move(db, batch)

    def recover(self, committables: Sequence[Any]) -> None:
        self._clean(committables, None)

    def recover_job(self, committables: Sequence[Any], owner: str, checkpoint: int | None) -> None:
        self._clean(committables, owner)
        if not self.key and self.path.exists():
            with _Open(self) as db:
                moved.take_back(db, self.table, self.columns, owner, checkpoint, committables)

    def _clean(self, committables: Sequence[Any], owner: str | None) -> None:
        if not self.key and self.path.exists():
            with _Open(self) as db:
                rows = db.execute(
                    "SELECT DISTINCT batch FROM weft_staged WHERE target = ?", [self.table]
                )
                for (batch,) in rows.fetchall():
                    mine = owner is None or owner in owners(batch.rsplit("/", 2)[0])
                    if mine and batch not in committables:
                        self._forget(db, batch)

    def _move(self, db: sqlite3.Connection, batch: str) -> None:
        query = "SELECT row FROM weft_staged WHERE target = ? AND batch = ? ORDER BY id"
        rows = [row for (row,) in db.execute(query, [self.table, batch])]
        if rows:
            moved.insert(db, self.table, self.columns, self.insert(), map(_values, rows), batch)
        self._forget(db, batch)

    def _forget(self, db: sqlite3.Connection, batch: str) -> None:
        db.execute("DELETE FROM weft_staged WHERE target = ? AND batch = ?", [self.table, batch])

    def insert(self) -> str:
        """The statement that writes one row."""
        names = ", ".join(map(_quoted, self.columns))
        marks = ", ".join("?" * len(self.columns))
        insert = f"INSERT INTO {_quoted(self.table)} ({names}) VALUES ({marks})"  # noqa: S608
        if not self.key:
            return insert
        # Fails where the table has no such key: rows would be doubled there.
        keys = ", ".join(map(_quoted, self.key))
        others = [_quoted(column) for column in self.columns if column not in self.key]
        then = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f"{insert} ON CONFLICT ({keys}) DO {f'UPDATE SET {then}' if then else 'NOTHING'}"

    def row(self, record: Mapping[str, Any]) -> list[Any]:
        """The values of a record, in the order of the columns.

        Raises:
            ResourceError: `sink.write_failed` for values that SQLite cannot keep, and for keys that
                are not equal to themselves there: None and NaN.
        """
        for column in self.key:
            value = record.get(column)
            if value is None or value != value:
                raise _refused(f"the key {column!r} of a row of {self.table} is {value!r}")
        return [_value(record.get(column)) for column in self.columns]

    def rehearse(self, db: sqlite3.Connection, rows: Sequence[str]) -> None:
        """See that a table that others have made takes the rows, while they can be refused."""
        names = [_quoted(column) for column in self.columns]
        mine = f"CREATE TABLE {_quoted(self.table)} ({', '.join(names)})"
        found = db.execute("SELECT sql FROM sqlite_master WHERE tbl_name = ?", [self.table])
        if found.fetchall() == [(mine,)]:
            return
        db.execute("SAVEPOINT rehearsal")
        db.executemany(self.insert(), map(_values, rows))
        db.execute("ROLLBACK TO rehearsal")

    def prepare_database(self, db: sqlite3.Connection) -> None:
        """Make the tables where they are not there."""
        names = [_quoted(column) for column in self.columns]
        if self.key:
            names.append(f"PRIMARY KEY ({', '.join(map(_quoted, self.key))})")
        db.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(self.table)} ({', '.join(names)})")
        db.execute(
            "CREATE TABLE IF NOT EXISTS weft_staged (id INTEGER PRIMARY KEY, "
            "target TEXT NOT NULL, batch TEXT NOT NULL, row TEXT NOT NULL)"
        )
        db.execute(moved.CREATE)


class _Open:
    """A connection with one transaction, which ends with the block."""

    def __init__(self, sink: SqliteSink) -> None:
        self._sink = sink

    def __enter__(self) -> sqlite3.Connection:
        sink = self._sink
        try:
            self._db = sqlite3.connect(sink.path, isolation_level=None, timeout=_PATIENCE_S)
        except sqlite3.Error as error:
            raise _failed(sink, error) from error
        try:
            self._write_ahead()
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            sink.prepare_database(self._db)
        except sqlite3.Error as error:
            self._db.close()
            raise _failed(sink, error) from error
        return self._db

    def _write_ahead(self) -> None:
        """Choose the mode of the file, which SQLite refuses at once while others open it."""
        deadline = monotonic() + _PATIENCE_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                    raise
                sleep(_AGAIN_S)
            else:
                return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self._db.execute("COMMIT" if error is None else "ROLLBACK")
        except sqlite3.Error as later:
            raise _failed(self._sink, later) from later
        finally:
            self._db.close()
        if isinstance(error, sqlite3.Error):
            raise _failed(self._sink, error) from error


class _Upserting:
    """Writes at once, for whatever has a key."""

    def __init__(self, sink: SqliteSink) -> None:
        self._sink = sink

    def write(self, values: Sequence[Mapping[str, Any]], /) -> None:
        rows = [self._sink.row(record) for record in values]
        with _Open(self._sink) as db:
            db.executemany(self._sink.insert(), rows)

    def prepare(self, checkpoint: int) -> Any:
        return None

    def close(self) -> None:
        pass


class _Staging:
    """Writes where nobody looks, until the checkpoint is complete."""

    def __init__(self, sink: SqliteSink, attempt: str) -> None:
        self._sink = sink
        self._attempt = attempt
        self._batches = 0
        self._rows: list[str] = []

    def write(self, values: Sequence[Mapping[str, Any]], /) -> None:
        rows = [json.dumps([_kept(value) for value in self._sink.row(v)]) for v in values]
        self._rows += rows

    def prepare(self, checkpoint: int) -> Any:
        if not self._rows:
            return None
        batch = f"{self._attempt}/{checkpoint}/{self._batches}"
        with _Open(self._sink) as db:
            self._sink.rehearse(db, self._rows)
            db.executemany(
                "INSERT INTO weft_staged (target, batch, row) VALUES (?, ?, ?)",
                [(self._sink.table, batch, row) for row in self._rows],
            )
        self._batches += 1
        self._rows = []
        return batch

    def close(self) -> None:
        self._rows = []


def _value(value: Any) -> Any:
    """Something that SQLite can keep, now and when the row is made visible."""
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, _PLAIN):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise _refused(f"the number {value} has more than 64 bits")
    if isinstance(value, str) and not value.isascii():
        value.encode()  # fails for half characters
    return value


def _kept(value: Any) -> Any:
    """Something that JSON can keep."""
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _values(row: str) -> list[Any]:
    """What `_kept` has made text of."""
    return [bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in json.loads(row)]


def _refused(why: str) -> ResourceError:
    return ResourceError(
        why,
        code="sink.write_failed",
        hint="Leave such records out before the sink, or turn the value into a text.",
    )


def _failed(sink: SqliteSink, error: sqlite3.Error) -> ResourceError:
    return ResourceError(
        f"the table {sink.table} in {sink.path} cannot be written: {error}",
        code="sink.write_failed",
        hint="Look at the space and the rights of the folder, and at the columns of the table.",
        retryable=True,
    )
