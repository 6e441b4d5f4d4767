"""The SQLite file behind a store on disk.

It is no more durable than memory, and need not be: it holds what does not fit into memory, and
after a crash the state comes from the checkpoint. So nothing waits for the disk to sync.
"""

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes

_ROWS = 500
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=OFF",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
)


class View:
    """The database as it was at some moment; may be read in another thread.

    It may also be closed while that thread reads, when a job ends: SQLite itself would crash.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._connection = _connect(path)
        self._connection.execute("BEGIN")
        # A transaction sees what was there when it first reads.
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._users = 0

    def use(self) -> None:
        """One more reads from it."""
        self._users += 1

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Rows, some hundred at a time.

        Raises:
            ResourceError: `state.disk_failed`, also when it has been closed.
        """
        with self._reading() as connection:
            cursor = connection.execute(query)
            found = cursor.fetchmany(_ROWS)
        while found:
            yield from found
            with self._reading():
                found = cursor.fetchmany(_ROWS)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, disk_errors():
            if self._closed:
                raise sqlite3.ProgrammingError("its subtask has ended")
            yield self._connection

    def release(self) -> None:
        """One less reads from it; it is closed behind the last."""
        self._users -= 1
        if self._users <= 0:
            self.close()

    def close(self) -> None:
        """Let go of the file, as soon as nobody reads from it."""
        with self._lock:
            self._closed = True
            self._connection.close()


class Database:
    """One file in a folder of its own, which is removed with it."""

    def __init__(self, folder: Path | None, name: str) -> None:
        """Make it in a folder, which is made too; in the system's temporary one when None."""
        with disk_errors():
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            safe = "".join(char if char.isalnum() else "-" for char in name)[:40]
            self._folder = Path(tempfile.mkdtemp(prefix=f"weft-state-{safe}-", dir=folder))
            self._path = self._folder / "state.sqlite"
            self.connection = _connect(self._path)
            for pragma in _PRAGMAS:
                self.connection.execute(pragma)
        self._views: WeakSet[View] = WeakSet()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes or none."""
        with disk_errors():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def view(self) -> View:
        """The database as it is now, for as long as the view is open."""
        with disk_errors():
            made = View(self._path)
        self._views.add(made)
        return made

    def bytes(self) -> int:
        """How large it is."""
        with disk_errors():
            (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
            (size,) = self.connection.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(size)

    def close(self) -> None:
        """Remove everything."""
        for view in list(self._views):
            view.close()
        self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Say what went wrong with the file in the engine's own words."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        raise ResourceError(
            f"state on the disk cannot be read or written: {exc}",
            code="state.disk_failed",
            hint="See that there is space left where state_dir points to.",
            retryable=True,
        ) from exc
