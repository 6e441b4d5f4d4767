"""Which rows of an SQLite table came with which checkpoint, so that they can be taken back.

Of every batch that has become visible `weft_moved` keeps the rowids and a digest of the rows. They
are removed only if they are what they were, because rowids are not forever.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

from weft_engine.kernel.connectors import owners

log = logging.getLogger(__name__)

MOVED: Final = "weft_moved"
CREATE: Final = (
    "CREATE TABLE IF NOT EXISTS weft_moved (target TEXT NOT NULL, batch TEXT NOT NULL, "
    "starts TEXT NOT NULL, start TEXT NOT NULL, checkpoint INTEGER NOT NULL, "
    "places TEXT NOT NULL, digest TEXT NOT NULL)"
)
_REMEMBERED: Final = 1000
"""Checkpoints so far back are not gone back to."""
_ROWIDS: Final = ("rowid", "_rowid_", "oid")


def insert(
    db: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    statement: str,
    rows: Iterable[Sequence[Any]],
    batch: str,
) -> None:
    """Write the rows of a batch, and note where they are."""
    rowid = _rowid(db, table)
    if rowid is None:
        db.executemany(statement, rows)
        return
    places = _ranges(db.execute(statement, row).lastrowid for row in rows)
    digest = _digest(db, table, columns, rowid, places)
    starts, start = owners(_attempt(batch))
    checkpoint = int(batch.rsplit("/", 2)[1])
    db.execute(
        "INSERT INTO weft_moved VALUES (?, ?, ?, ?, ?, ?, ?)",
        [table, batch, starts, start, checkpoint, json.dumps(places), digest],
    )
    db.execute(
        "DELETE FROM weft_moved WHERE target = ? AND starts = ? AND checkpoint < ?",
        [table, starts, checkpoint - _REMEMBERED],
    )


def take_back(
    db: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    owner: str,
    checkpoint: int | None,
    keep: Sequence[Any],
) -> None:
    """Remove the rows of later checkpoints; from now on those that stay are of earlier runs.

    Args:
        db: within a transaction.
        table: whose rows.
        columns: those that were written.
        owner: the job, or one start of it; see `connectors.owners`.
        checkpoint: what the job goes on from; None where it begins, and everything stays.
        keep: batches that the checkpoint holds itself.
    """
    last = -1 if checkpoint is None else checkpoint
    mine = [table, owner, owner, last]
    where = "target = ? AND (starts = ? OR start = ?) AND checkpoint > ?"
    found = db.execute(f"SELECT batch, places, digest FROM weft_moved WHERE {where}", mine)  # noqa: S608
    for batch, places, digest in found.fetchall() if checkpoint is not None else ():
        if batch not in keep:
            _remove(db, table, columns, batch, json.loads(places), digest)
    db.execute(f"DELETE FROM weft_moved WHERE {where}", mine)  # noqa: S608


def _remove(
    db: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    batch: str,
    places: list[list[int]],
    digest: str,
) -> None:
    rowid = _rowid(db, table)
    if rowid is None or _digest(db, table, columns, rowid, places) != digest:
        log.warning("rows of %s were changed since %s: they stay, and come again", table, batch)
        return
    for first, last in places:
        db.execute(
            f"DELETE FROM {quoted(table)} WHERE {rowid} BETWEEN ? AND ?",  # noqa: S608
            [first, last],
        )


def _rowid(db: sqlite3.Connection, table: str) -> str | None:
    """What the rowid of a table is called there; None where it has none."""
    info = db.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
    taken = {name.casefold() for _, name, *_ in info}
    for name in _ROWIDS:
        if name not in taken:
            try:
                db.execute(f"SELECT {name} FROM {quoted(table)} LIMIT 0")  # noqa: S608
            except sqlite3.OperationalError:  # without rowids
                return None
            return name
    return None


def _ranges(places: Iterable[int | None]) -> list[list[int]]:
    """First and last of numbers that follow one another."""
    found: list[list[int]] = []
    for place in sorted(place for place in places if place is not None):
        if found and place == found[-1][1] + 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


def _digest(
    db: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rowid: str,
    places: Sequence[Sequence[int]],
) -> str:
    digest = blake2b(digest_size=16)
    names = ", ".join(map(quoted, columns))
    query = f"SELECT {names} FROM {quoted(table)} WHERE {rowid} BETWEEN ? AND ? ORDER BY {rowid}"  # noqa: S608
    for first, last in places:
        for row in db.execute(query, [first, last]):
            digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _attempt(batch: str) -> str:
    return str(batch).rsplit("/", 2)[0]


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
