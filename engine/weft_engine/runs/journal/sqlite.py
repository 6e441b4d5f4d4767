"""The journal in an SQLite file, which several processes may use.

WAL with `synchronous = FULL`: a commit that has returned survives the loss of power. One connection
writes, one reads, each by one thread at a time.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from weft_engine.runs.journal.base import ENDED, Lease, Row, RunEntry, SignalRow, StepRow, WakeRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import (
    fenced,
    replaced,
    run_exists,
    unavailable,
    unknown_run,
)
from weft_engine.runs.journal.rows import (
    ENTRY,
    Group,
    columns_of,
    digests_in,
    entry_of,
    kept_steps,
    newest,
    pack_signal,
    unpack_signal,
    unpack_steps,
    unpack_wake,
)
from weft_engine.runs.journal.sqlite_file import Placed, connect, open_file, told

log = logging.getLogger(__name__)

_HELD: Final = "id = ? AND token = ? AND until > ?"
_ENTRY: Final = f"SELECT {ENTRY} FROM runs"  # noqa: S608 - constants
_MANY: Final = 500


class SqliteJournal:
    """Rows of runs in a file.

    Raises:
        JournalError: `journal.damaged` when the file was damaged; it lies aside then, and the next
            attempt begins a new one. `journal.format`, `journal.unavailable`, `journal.full`.
    """

    near = True

    def __init__(self, path: Path, codec: Codec | None = None) -> None:
        self.codec = codec or Codec()
        self._path = path
        self._connect()
        self._write_lock, self._read_lock = Lock(), Lock()
        self._closed = False

    def acquire(
        self, run_id: str, owner: str, ttl_s: float, entry: RunEntry | None = None
    ) -> Lease | None:
        if entry is not None:
            self._look_for_file()
        with self._writing() as db:
            found = db.execute(
                "SELECT no, status, owner, until FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
            now = time.time()
            if found is None:
                if entry is None:
                    raise unknown_run(run_id)
                number = self._insert(db, entry, now)
            else:
                number, status, holder, until = found
                if status in ENDED or (until > now and holder != owner):
                    return None
            db.execute("UPDATE tokens SET last = last + 1")
            token = db.execute("SELECT last FROM tokens").fetchone()[0]
            status = entry.status if found is None and entry is not None else "running"
            db.execute(
                "UPDATE runs SET owner = ?, token = ?, until = ?, status = ?, updated = ?"
                " WHERE no = ?",
                (owner, token, now + ttl_s, status, now, number),
            )
        return Lease(run_id=run_id, owner=owner, token=token, until=now + ttl_s)

    def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Lease]:
        kept = []
        with self._writing() as db:
            now = time.time()
            for lease in leases:
                done = db.execute(
                    f"UPDATE runs SET until = ? WHERE {_HELD}",  # noqa: S608 - a constant
                    (now + ttl_s, lease.run_id, lease.token, now),
                )
                if done.rowcount:
                    kept.append(msgspec.structs.replace(lease, until=now + ttl_s))
        return kept

    def release(self, lease: Lease, status: str) -> None:
        with self._writing() as db:
            if self._number(db, lease.run_id, lease.token) is None:
                raise fenced(lease.run_id)
            _release(db, lease.run_id, status)

    def end_below(self, run_id: str, status: str) -> None:
        # What begins with the id and a dot lies between that and the character after a dot.
        with self._writing() as db:
            now = time.time()
            db.execute(
                "UPDATE runs SET owner = '', until = 0, status = ?, updated = ?"
                " WHERE id > ? AND id < ? AND until <= ?"
                " AND status NOT IN ('completed', 'failed', 'cancelled')",
                (status, now, f"{run_id}.", f"{run_id}/", now),
            )

    def write(self, batch: Sequence[tuple[Lease, Row | None, tuple[str, str] | None]]) -> list[str]:
        group = Group(batch, self.codec)
        with self._writing() as db:
            held = {
                who: number
                for who in group.leases
                if (number := self._number(db, *who)) is not None
            }
            db.executemany(
                "INSERT INTO steps (run, row) VALUES (?, ?)",
                [(held[who], data) for who, data in group.steps if who in held],
            )
            _write_wakes(db, group, held)
            for who, status in group.releases.items():
                if who in held:
                    _release(db, who[0], status)
        return group.lost(held)

    def entry(self, run_id: str) -> RunEntry | None:
        rows = self._read(f"{_ENTRY} WHERE id = ?", run_id)
        return entry_of(rows[0], self.codec) if rows else None

    def steps(self, run_id: str) -> list[StepRow]:
        rows = self._read(
            "SELECT row FROM steps WHERE run = (SELECT no FROM runs WHERE id = ?) ORDER BY no",
            run_id,
        )
        return newest(row for (data,) in rows for row in unpack_steps(data, self.codec))

    def wakes(self, run_id: str) -> list[WakeRow]:
        rows = self._read(
            "SELECT row FROM wakes WHERE run = (SELECT no FROM runs WHERE id = ?)"
            " ORDER BY node, scope",
            run_id,
        )
        return [unpack_wake(data, self.codec) for (data,) in rows]

    def due(self, before: float, limit: int = 1000) -> list[tuple[str, float]]:
        return self._read(
            "SELECT runs.id, min(due) AS moment FROM wakes JOIN runs ON runs.no = wakes.run"
            " WHERE due <= ? AND status = 'parked' AND until <= ?"
            " GROUP BY runs.id ORDER BY moment, runs.id LIMIT ?",
            before,
            time.time(),
            limit,
        )

    def signal(self, run_id: str, signal: SignalRow) -> bool:
        data = pack_signal(signal, self.codec)
        with self._writing() as db:
            run = db.execute("SELECT no FROM runs WHERE id = ?", (run_id,)).fetchone()
            if run is None:
                raise unknown_run(run_id)
            done = db.execute(
                "INSERT OR IGNORE INTO signals (run, id, name, row) VALUES (?, ?, ?, ?)",
                (run[0], signal.id, signal.name, data),
            )
            return done.rowcount == 1

    def signalled(self) -> list[str]:
        rows = self._read(
            "SELECT id FROM runs WHERE status = 'parked' AND until <= ? AND EXISTS ("
            " SELECT 1 FROM signals JOIN wakes ON wakes.run = signals.run"
            " AND wakes.signal = signals.name"
            " WHERE signals.run = runs.no AND NOT taken) ORDER BY id",
            time.time(),
        )
        return [run_id for (run_id,) in rows]

    def signals(self, run_id: str) -> list[SignalRow]:
        rows = self._read(
            "SELECT row, taken FROM signals WHERE run = (SELECT no FROM runs WHERE id = ?)"
            " ORDER BY no",
            run_id,
        )
        return [unpack_signal(data, taken, self.codec) for data, taken in rows]

    def take(self, lease: Lease, signal_id: str) -> None:
        with self._writing() as db:
            number = self._number(db, lease.run_id, lease.token)
            if number is None:
                raise fenced(lease.run_id)
            db.execute("UPDATE signals SET taken = 1 WHERE run = ? AND id = ?", (number, signal_id))

    def unfinished(self) -> list[RunEntry]:
        rows = self._read(
            f"{_ENTRY} WHERE until <= ?"
            " AND status NOT IN ('completed', 'failed', 'cancelled') ORDER BY no",
            time.time(),
        )
        return [entry_of(row, self.codec) for row in rows]

    def fork(self, run_id: str, new: RunEntry, keep: Callable[[StepRow], bool]) -> None:
        found = self._read("SELECT no FROM runs WHERE id = ?", run_id)
        if not found:
            raise unknown_run(run_id)
        rows = self._read("SELECT row FROM steps WHERE run = ? ORDER BY no", found[0][0])
        kept = kept_steps((data for (data,) in rows), keep, self.codec)
        with self._writing() as db:
            if db.execute("SELECT 1 FROM runs WHERE id = ?", (new.id,)).fetchone():
                raise run_exists(new.id)
            number = self._insert(db, new, time.time())
            db.executemany(
                "INSERT INTO steps (run, row) VALUES (?, ?)", [(number, data) for data in kept]
            )

    def forget(self, run_ids: Sequence[str]) -> None:
        for at in range(0, len(run_ids), _MANY):
            names = run_ids[at : at + _MANY]
            marks = ", ".join("?" * len(names))
            runs = f"(SELECT no FROM runs WHERE id IN ({marks}))"  # noqa: S608 - question marks
            with self._writing() as db:
                for table in ("steps", "wakes", "signals"):
                    db.execute(f"DELETE FROM {table} WHERE run IN {runs}", names)  # noqa: S608
                db.execute(f"DELETE FROM runs WHERE id IN ({marks})", names)  # noqa: S608

    def ended(self) -> list[tuple[str, float]]:
        return self._read(
            "SELECT id, updated FROM runs WHERE status IN ('completed', 'failed', 'cancelled')"
            " ORDER BY updated DESC, id"
        )

    def references(self) -> set[str]:
        found: set[str] = set()
        with self._read_lock:
            self._open()
        # By a connection of its own: it takes long, and nobody else is to wait for it.
        with told(self._path), closing(connect(self._path)) as db:
            rows = db.execute(
                "SELECT request FROM runs UNION ALL SELECT row FROM steps"
                " UNION ALL SELECT row FROM wakes UNION ALL SELECT row FROM signals"
            )
            for (data,) in rows:
                found |= digests_in(data)
        return found

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._closed = True
            self._reader.close()
            self._writer.close()

    # Inside

    def _connect(self) -> None:
        self._writer = open_file(self._path)
        with told(self._path):
            self._reader = connect(self._path)
        self._placed = Placed(self._path)

    def _look_for_file(self) -> None:
        """Before a new run: where the file was replaced, use the one that is there."""
        if self._placed.same():
            return
        with self._write_lock, self._read_lock:
            if not self._closed and not self._placed.same():
                log.error("the journal %s was removed or replaced; it is opened anew", self._path)
                self._reader.close()
                self._writer.close()
                self._connect()

    def _open(self) -> None:
        if self._closed:
            raise unavailable(str(self._path), "it was closed")
        if not self._placed.same():
            raise replaced(str(self._path))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nobody else writes meanwhile."""
        with self._write_lock, told(self._path):
            self._open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._read_lock, told(self._path):
            self._open()
            return self._reader.execute(query, values).fetchall()

    def _number(self, db: sqlite3.Connection, run_id: str, token: int) -> int | None:
        """The run's number where the lease still holds."""
        found = db.execute(
            f"SELECT no FROM runs WHERE {_HELD}",  # noqa: S608 - a constant
            (run_id, token, time.time()),
        ).fetchone()
        return int(found[0]) if found else None

    def _insert(self, db: sqlite3.Connection, entry: RunEntry, now: float) -> int:
        updated = entry.updated or now
        columns = columns_of(msgspec.structs.replace(entry, updated=updated), self.codec)
        marks = ", ".join("?" * len(columns))
        done = db.execute(f"INSERT INTO runs ({ENTRY}) VALUES ({marks})", columns)  # noqa: S608
        return int(done.lastrowid or 0)


def _release(db: sqlite3.Connection, run_id: str, status: str) -> None:
    db.execute(
        "UPDATE runs SET owner = '', until = 0, status = ?, updated = ? WHERE id = ?",
        (status, time.time(), run_id),
    )


def _write_wakes(db: sqlite3.Connection, group: Group, held: dict[tuple[str, int], int]) -> None:
    for (who, node, scope), wake in group.wakes.items():
        if who not in held:
            continue
        if wake is None:
            db.execute(
                "DELETE FROM wakes WHERE run = ? AND node = ? AND scope = ?",
                (held[who], node, scope),
            )
        else:
            row, data = wake
            db.execute(
                "INSERT OR REPLACE INTO wakes VALUES (?, ?, ?, ?, ?, ?)",
                (held[who], node, scope, row.due, row.signal, data),
            )
