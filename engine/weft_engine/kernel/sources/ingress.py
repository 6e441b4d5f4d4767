"""A log for sources that cannot be read again.

What such a source gives is written to a SQLite file in the checkpoint folder before it goes into
the stream; the position in a checkpoint is a row of that file. After a restart the rows behind it
are read first. Rows that no kept checkpoint needs any more are taken out.
"""

import pickle
import sqlite3
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from weft_engine.errors import ResourceError
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.graph import Graph, Vertex
from weft_engine.kernel.settings import Settings

T = TypeVar("T")


class LoggedSource(Source[T]):
    """A source whose records are on disk before they are in the stream.

    `run` names the job: one that starts again without a checkpoint finds its own log and reads it
    anew, while another one begins with an empty log, unless it is to `adopt` what is there.
    """

    replayable = True

    def __init__(
        self,
        source: Source[T],
        folder: str | Path,
        keep: int = 3,
        *,
        run: str = "",
        adopt: bool = False,
    ) -> None:
        self.source = source
        self.folder = Path(folder)
        self.bounded = source.bounded
        self.timed = source.timed
        self._keep = keep
        self._run = run
        self._adopt = adopt
        self._unwritten: dict[int, list[Any] | Batch] = {}
        """What was read but could not be written, by split: it cannot be had again."""

    def splits(self) -> Sequence[Any]:
        return list(enumerate(self.source.splits()))

    def take(self, number: int, reader: Reader[T], limit: int) -> list[Any] | Batch | None:
        """What could not be written the last time, or else what the source gives."""
        left = self._unwritten.pop(number, None)
        return reader.read(limit) if left is None else left

    def put_back(self, number: int, records: list[Any] | Batch) -> None:
        """It could not be written."""
        self._unwritten[number] = records

    @property
    def keep(self) -> int:
        """How many checkpoints are kept."""
        return self._keep

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        number, inner = split
        log = IngressLog(self.folder / f"ingress-{number}.sqlite")
        try:
            begin = log.begin(self._run, keep=self._adopt or position is not None)
            position = begin if position is None else position
            log.check(position)
            return _LoggedReader(self, number, inner, position, log, context)
        except BaseException:
            log.close()
            raise


class IngressLog:
    """Rows of pickled records, numbered from 1 on without gaps."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        path.touch(0o600)  # records are in it, and SQLite's other files are made like this one
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
        with _failing(path):
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS log (row INTEGER PRIMARY KEY AUTOINCREMENT, "
                "record BLOB NOT NULL, time INTEGER)"
            )
            self._db.execute("CREATE TABLE IF NOT EXISTS ended (position BLOB)")
            self._db.execute("CREATE TABLE IF NOT EXISTS run (name TEXT)")

    def begin(self, run: str, *, keep: bool) -> int:
        """Let the log be that job's, and empty it if it was another's; before its first row."""
        found = self._db.execute("SELECT name FROM run").fetchone()
        if found is None or found[0] != run:
            with _failing(self._path):
                if not keep:
                    self.clear()
                self._db.execute("DELETE FROM run")
                self._db.execute("INSERT INTO run VALUES (?)", (run,))
        first = self._db.execute("SELECT min(row) FROM log").fetchone()[0]
        return self.last() if first is None else int(first) - 1

    def append(self, records: Sequence[Any], times: Sequence[int] | None) -> int:
        """Write records durably; the number of the last row."""
        rows = [pickle.dumps(record, pickle.HIGHEST_PROTOCOL) for record in records]
        marks = [None] * len(rows) if times is None else times
        pairs = zip(rows, marks, strict=True)
        with _failing(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO log (record, time) VALUES (?, ?)", pairs)
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        return self.last()

    def last(self) -> int:
        """The number of the last row that was ever written."""
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
        return 0 if found is None else int(found[0])

    def read(self, after: int, limit: int) -> list[tuple[int, Any, int | None]]:
        """Rows behind a number."""
        query = "SELECT row, record, time FROM log WHERE row > ? ORDER BY row LIMIT ?"
        with _failing(self._path):
            rows = self._db.execute(query, (after, limit)).fetchall()
        return [(row, pickle.loads(record), time) for row, record, time in rows]  # noqa: S301

    def end(self) -> None:
        """The source has ended; it is not opened again."""
        self._db.execute("INSERT INTO ended VALUES (NULL)")

    @property
    def ended(self) -> bool:
        """Whether the source has ended."""
        return self._db.execute("SELECT 1 FROM ended").fetchone() is not None

    def prune(self, up_to: int) -> None:
        """Take out rows that nobody needs any more."""
        with _failing(self._path):
            self._db.execute("DELETE FROM log WHERE row <= ?", (up_to,))

    def clear(self) -> None:
        """Begin anew."""
        with _failing(self._path):
            self._db.execute("DELETE FROM log")
            self._db.execute("DELETE FROM ended")
            self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'log'")

    def check(self, position: int) -> None:
        """See that everything behind a position is there.

        Raises:
            ResourceError: `source.log_pruned`.
        """
        first = self._db.execute("SELECT min(row) FROM log").fetchone()[0]
        known = self.last()
        if position > known or (first if first is not None else known + 1) > position + 1:
            raise ResourceError(
                f"the log {self._path.name} no longer has what comes after record {position}",
                code="source.log_pruned",
                hint="Records are kept for the newest checkpoints only; start from one of those.",
            )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


class _LoggedReader:
    """First what the log has behind the position, then what the source gives, through the log."""

    def __init__(
        self,
        logged: LoggedSource[Any],
        number: int,
        split: Any,
        position: int,
        log: IngressLog,
        context: ReaderContext,
    ) -> None:
        self._source = logged
        self._number = number
        self._log = log
        self._at = position
        self._logged = log.last()
        self._timed = logged.timed
        self._committed: deque[int] = deque(maxlen=logged.keep + 1)
        self._ended = log.ended
        self._inner = None if self._ended else logged.source.reader(split, None, context)

    def read(self, limit: int) -> list[Any] | Batch | None:
        if self._at < self._logged:
            return self._again(limit)
        if self._inner is None:
            return None
        got = self._source.take(self._number, self._inner, limit)
        if got is None:
            self._log.end()
            inner, self._inner = self._inner, None
            inner.close()
            return None
        if len(got):
            times = got.times if isinstance(got, Batch) else None
            try:
                self._log.append(got.values if isinstance(got, Batch) else got, times)
            except ResourceError:
                self._source.put_back(self._number, got)
                raise
            self._at = self._logged = self._log.last()
        return got

    def position(self) -> int:
        return self._at

    def committed(self, position: int) -> None:
        """A checkpoint with that position is durable: rows before the oldest kept one can go."""
        self._committed.append(position)
        if len(self._committed) == self._committed.maxlen:
            self._log.prune(self._committed[0])

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()
        self._log.close()

    def _again(self, limit: int) -> list[Any] | Batch:
        rows = self._log.read(self._at, limit)
        self._at = rows[-1][0]
        values = [record for _, record, _ in rows]
        return Batch(values, [time or 0 for _, _, time in rows]) if self._timed else values


def with_logs(graph: Graph, settings: Settings, job: str, run: str, *, adopt: bool) -> Graph:
    """A graph in which sources that cannot be read again go through logs, if there is a folder.

    `job` is its name, and `run` this start of it; `adopt` says that it goes on where an earlier
    one was.
    """
    if settings.checkpoint_dir is None:
        return graph
    folder = Path(settings.checkpoint_dir) / "ingress" / _safe(job)

    def logged(vertex: Vertex) -> Vertex:
        source = vertex.params.get("source")
        if not isinstance(source, Source) or source.replayable:
            return vertex
        source = source.logged() if hasattr(source, "logged") else source
        home, keep = folder / _safe(vertex.uid), settings.checkpoint_keep
        made = LoggedSource(source, home, keep, run=run, adopt=adopt)
        return replace(vertex, params={**vertex.params, "source": made})

    return Graph([logged(vertex) for vertex in graph.vertices], list(graph.feedback))


def _safe(name: str) -> str:
    """A name for a folder: readable, and different for different names."""
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60]
    return f"{plain}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


class _failing:  # noqa: N801 - used like a function
    """Says what SQLite's errors mean."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, sqlite3.Error):
            raise ResourceError(
                f"the log {self._path.name} cannot be written or read: {error}",
                code="source.log_failed",
                hint="Look at the space and the rights of the checkpoint folder.",
                retryable=True,
            ) from error
