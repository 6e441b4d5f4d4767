"""One state in SQL tables: entries as rows, and which rows have changed.

The id of a row is made of the key group and the hash of the key, so that rows lie in the order of
key groups. Keys with the same id, which are rare, share a row.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.database import Database, View, disk_errors
from weft_engine.kernel.state.frozen import CHUNK
from weft_engine.kernel.state.grouping import group_finder
from weft_engine.kernel.state.hashing import stable_hash
from weft_engine.kernel.state.parts import Chunk, dumps, pack

_GROUP_SHIFT: Final = 48
_VARIABLES: Final = 500

Entry = tuple[Any, Any, int | None]
"""Key, value, and when it was written where the state has a time to live."""


@dataclass(frozen=True, slots=True)
class Row:
    """All entries with one id, as they are to be; and keys that are not among them."""

    id: int
    entries: list[Entry]
    dead: list[Any]


class Rows:
    """The rows of one state."""

    def __init__(self, database: Database, number: int, spec: StateSpec, key_groups: int) -> None:
        self._database = database
        self._spec = spec
        self._find = group_finder(spec, key_groups)
        self.name = f"state_{number}"
        self.log = f"changed_{number}"
        with database.transaction() as connection:
            connection.execute(
                f"CREATE TABLE {self.name} (id INTEGER PRIMARY KEY, written INTEGER, data BLOB)"
            )
            connection.execute(f"CREATE TABLE {self.log} (id INTEGER PRIMARY KEY, dead BLOB)")

    def ids(self, keys: Sequence[Any]) -> list[int]:
        """The ids of keys."""
        return [
            group << _GROUP_SHIFT | stable_hash(key) >> (64 - _GROUP_SHIFT)
            for key, group in zip(keys, self._find(keys), strict=True)
        ]

    def read(self, ids: Sequence[int]) -> Iterator[tuple[int, list[Entry]]]:
        """The entries under some ids."""
        execute = self._database.connection.execute
        with disk_errors():
            for start in range(0, len(ids), _VARIABLES):
                some = ids[start : start + _VARIABLES]
                marks = ",".join("?" * len(some))
                query = f"SELECT id, data FROM {self.name} WHERE id IN ({marks})"  # noqa: S608
                for id_, data in execute(query, some):
                    yield id_, _loads(data)

    def write(self, rows: Iterable[Row], *, log: bool) -> None:
        """Write and remove rows; note that they have changed if there is to be a log."""
        kept, gone, noted = [], [], []
        for row in rows:
            if row.entries:
                times = [time for _, _, time in row.entries if time is not None]
                kept.append((row.id, min(times, default=None), dumps(self._spec, row.entries)))
            else:
                gone.append((row.id,))
            if log:
                noted.append((row.id, dumps(self._spec, row.dead) if row.dead else None))
        with self._database.transaction() as connection:
            connection.executemany(f"INSERT OR REPLACE INTO {self.name} VALUES (?, ?, ?)", kept)  # noqa: S608
            connection.executemany(f"DELETE FROM {self.name} WHERE id = ?", gone)  # noqa: S608
            # Pickles of different dead keys stand one behind the other.
            connection.executemany(
                f"INSERT INTO {self.log} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET dead = CASE"  # noqa: S608
                " WHEN dead IS NULL OR dead = excluded.dead THEN excluded.dead"
                " WHEN excluded.dead IS NULL THEN dead ELSE dead || excluded.dead END",
                noted,
            )

    def all(self) -> Iterator[list[Entry]]:
        """The entries of all rows."""
        with disk_errors():
            cursor = self._database.connection.execute(f"SELECT data FROM {self.name}")  # noqa: S608
            for (data,) in cursor:
                yield _loads(data)

    def older(self, after: int, time: int, rows: int) -> tuple[list[Any], int | None]:
        """Go through some rows behind an id.

        Returns:
            The keys of rows with entries that were last written at or before the time, and the
            last id looked at; None at the end.
        """
        execute = self._database.connection.execute
        with disk_errors():
            last = execute(
                f"SELECT id FROM {self.name} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?",  # noqa: S608
                (after, rows),
            ).fetchone()
            found = execute(
                f"SELECT data FROM {self.name} WHERE id > ? AND id <= ? AND written <= ?",  # noqa: S608
                (after, last[0] if last else 2**63 - 1, time),
            ).fetchall()
        return [key for (data,) in found for key, _, _ in _loads(data)], last and last[0]

    def changed(self) -> int:
        """How many rows have changed since the log was cleared."""
        with disk_errors():
            query = f"SELECT count(*) FROM {self.log}"  # noqa: S608
            return int(self._database.connection.execute(query).fetchone()[0])

    def clear_log(self) -> None:
        """Nothing has changed so far."""
        with self._database.transaction() as connection:
            connection.execute(f"DELETE FROM {self.log}")  # noqa: S608


class FrozenRows:
    """The rows of one state in a view of the database; implements `FrozenTable`."""

    def __init__(self, view: View, rows: Rows, spec: StateSpec, *, full: bool, now: int) -> None:
        view.use()
        self._view: View | None = view
        self._spec = spec
        self._now = now
        # One query for both, so that the rows of a key group follow one another in both.
        self._query = (
            f"SELECT id, data, NULL FROM {rows.name} ORDER BY id"  # noqa: S608
            if full
            else f"SELECT l.id, r.data, l.dead FROM {rows.log} l"  # noqa: S608
            f" LEFT JOIN {rows.name} r ON r.id = l.id ORDER BY l.id"
        )

    def chunks(self) -> Iterator[Chunk]:
        """Its entries by key group."""
        if self._view is None:
            return
        group = -1
        entries: list[Entry] = []
        dead: list[Any] = []
        for id_, data, gone in self._view.rows(self._query):
            if id_ >> _GROUP_SHIFT != group or len(entries) + len(dead) >= CHUNK:
                if entries or dead:
                    yield self._pack(group, entries, dead)
                group, entries, dead = id_ >> _GROUP_SHIFT, [], []
            held = _loads(data) if data is not None else []
            entries += held
            if gone is not None:
                alive = {key for key, _, _ in held}
                dead += (key for key in _loads_all(gone) if key not in alive)
        if entries or dead:
            yield self._pack(group, entries, dead)

    def release(self) -> None:
        """Let go of the view."""
        if self._view is not None:
            self._view.release()
            self._view = None

    def _pack(self, group: int, entries: list[Entry], dead: list[Any]) -> Chunk:
        keys = [key for key, _, _ in entries]
        values = [value for _, value, _ in entries]
        if self._spec.ttl_ms is None:
            return pack(self._spec, group, keys, values, None, dead)
        times = [self._now if time is None else time for _, _, time in entries]
        return pack(self._spec, group, keys, values, times, dead)


def _loads(data: bytes) -> list[Entry]:
    found: list[Entry] = pickle.loads(data)  # noqa: S301 - written by this process
    return found


def _loads_all(data: bytes) -> Iterator[Any]:
    stream = BytesIO(data)
    while stream.tell() < len(data):
        yield from pickle.load(stream)  # noqa: S301 - written by this process
