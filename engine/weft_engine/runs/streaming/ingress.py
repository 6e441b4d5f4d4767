"""The log of events for a live stream: written before they are acknowledged, read by offset.

An event has an id; one that comes again is not written again. Events that no checkpoint needs any
more are taken out, their ids are remembered.
"""

import json
import sqlite3
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes

REMEMBERED: Final = 100_000
"""How many ids of events are remembered."""
_TIMEOUT_S: Final = 30.0
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS event (place INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL,"
    " id TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS event_node ON event (node, place)",
    "CREATE TABLE IF NOT EXISTS known (id TEXT PRIMARY KEY, place INTEGER NOT NULL, at REAL)",
)


class IngressLog:
    """A file of events; several processes may have it open."""

    def __init__(self, path: Path) -> None:
        """Open it; made when it is not there.

        Raises:
            ResourceError: `source.log_failed`.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(0o600)
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=_TIMEOUT_S
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            for table in _TABLES:
                self._db.execute(table)
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from error

    def append(self, events: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Write events durably, all or none.

        Args:
            events: Each `{node, event_id, payload, at}`.

        Returns:
            For each whether it is new; False for one that was written before.

        Raises:
            ResourceError: `source.log_failed`; nothing was written.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                found = [self._append(event) for event in events]
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return found

    def _append(self, event: Mapping[str, Any]) -> bool:
        id_ = str(event["event_id"])
        if self._db.execute("SELECT 1 FROM known WHERE id = ?", (id_,)).fetchone() is not None:
            return False
        made = self._db.execute(
            "INSERT INTO event (node, id, data) VALUES (?, ?, ?)",
            (str(event["node"]), id_, json.dumps(dict(event), ensure_ascii=False)),
        )
        values = (id_, made.lastrowid, time.time())
        self._db.execute("INSERT INTO known (id, place, at) VALUES (?, ?, ?)", values)
        return True

    def read(self, node: str, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Events of a node behind a place, with theirs.

        Raises:
            ResourceError: `source.log_failed`.
        """
        query = "SELECT place, data FROM event WHERE node = ? AND place > ? ORDER BY place LIMIT ?"
        try:
            rows = self._db.execute(query, (node, after, limit)).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return [(place, json.loads(data)) for place, data in rows]

    def prune(self, node: str, up_to: int) -> None:
        """Take out events of a node that nobody needs any more."""
        with suppress(sqlite3.Error):  # they only take room
            self._db.execute("DELETE FROM event WHERE node = ? AND place <= ?", (node, up_to))
            self._db.execute(
                "DELETE FROM known WHERE place <= (SELECT max(place) FROM known) - ?",
                (REMEMBERED,),
            )

    def count(self, node: str | None = None) -> int:
        """How many events are there."""
        where, given = ("", ()) if node is None else (" WHERE node = ?", (node,))
        return int(self._db.execute(f"SELECT count(*) FROM event{where}", given).fetchone()[0])  # noqa: S608

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _failed(self, error: Exception) -> ResourceError:
        return ResourceError(
            f"The log of events {self._path.name} cannot be written or read: {error}",
            code="source.log_failed",
            hint="Look at the space and the rights of the data directory.",
            retryable=True,
        )


class Events(Source[dict[str, Any]]):
    """The events of one trigger, in the order in which they were written."""

    bounded = False

    def __init__(self, path: Path, node: str, keep: int) -> None:
        self._path = path
        self._node = node
        self._keep = keep

    def splits(self) -> tuple[str, ...]:
        return (self._node,)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[dict[str, Any]]:
        return _Reading(IngressLog(self._path), self._node, position or 0, self._keep)


class _Reading:
    def __init__(self, log: IngressLog, node: str, at: int, keep: int) -> None:
        self._log = log
        self._node = node
        self._at = at
        self._kept: deque[int] = deque(maxlen=keep + 1)

    def read(self, limit: int) -> list[dict[str, Any]]:
        found = self._log.read(self._node, self._at, limit)
        if found:
            self._at = found[-1][0]
        return [event for _, event in found]

    def position(self) -> int:
        return self._at

    def committed(self, position: int) -> None:
        """A checkpoint is durable: what is behind the oldest that is kept can go."""
        self._kept.append(position)
        if len(self._kept) == self._kept.maxlen:
            self._log.prune(self._node, self._kept[0])

    def close(self) -> None:
        self._log.close()
