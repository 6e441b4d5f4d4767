"""Streams between units: written once, read any number of times, from any thread.

Their records are in memory up to a size; the rest lies in a file that goes with the process
(`RecordsWriter`), or in the blobs of the journal (`ValueStore.collect`).
"""

import os
import pickle
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import IO, Any, Final, Protocol

from weft_engine.nodes.types import SKIP
from weft_engine.runs.journal.blobs import FULL
from weft_engine.runs.journal.errors import JournalError, full, unavailable

MEMORY_BYTES: Final = 64 * 1024 * 1024
"""About how much of one stream is held in memory; the rest lies in a file."""
_PART: Final = 1024


class Source(Protocol):
    """Where records are that are not in memory."""

    def read(self) -> Iterator[Any]:
        """All of them; called by any thread, and again while another reads."""
        ...


class Records:
    """The records of a stream, in order.

    In a stream that is in step with another, `SKIP` stands where a record has nothing.
    """

    __slots__ = ("_file", "_held", "_parts", "count", "gaps")

    def __init__(
        self,
        held: list[Any],
        *,
        gaps: bool = False,
        file: Source | None = None,
        count: int | None = None,
    ) -> None:
        self._held = held
        self._file = file
        self.gaps = gaps
        """Whether it may hold `SKIP`."""
        self.count = len(held) if count is None else count
        """How many records there are, gaps included."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        if self._file is not None:
            yield from self._file.read()
        yield from self._held

    def live(self) -> Iterator[Any]:
        """The records without the gaps."""
        return (record for record in self if record is not SKIP) if self.gaps else iter(self)

    def listed(self) -> list[Any]:
        """The records without the gaps, as a list."""
        if self._file is None and not self.gaps:
            return list(self._held)
        return list(self.live())

    def first(self, most: int) -> list[Any]:
        """The first records, gaps included, at most so many."""
        return list(islice(self, most))

    def batches(self, size: int = _PART) -> Iterator[list[Any]]:
        """The records, gaps included, some at a time."""
        rest = iter(self)
        while part := list(islice(rest, size)):
            yield part


class RecordsWriter:
    """Takes the records of a stream; what is too much for the memory goes into a file."""

    def __init__(self, *, gaps: bool = False, memory: int = MEMORY_BYTES) -> None:
        self.count = 0
        self._gaps = gaps
        self._memory = memory
        self._held: list[Any] = []
        self._size = 0
        self._file: _Spool | None = None

    def take(self, batch: list[Any]) -> None:
        """Take the next records."""
        if not batch:
            return
        self.count += len(batch)
        self._held.extend(batch)
        self._size += roughly(batch[0], 2) * len(batch)
        if self._size > self._memory:
            self._file = self._file or _Spool()
            self._file.write(self._held)
            self._held, self._size = [], 0

    def finish(self) -> Records:
        """All of them; nothing more is to come."""
        return Records(self._held, gaps=self._gaps, file=self._file, count=self.count)


def records_of(values: Iterable[Any], *, gaps: bool = False) -> Records:
    """Records from what is there already."""
    return Records(list(values), gaps=gaps)


class _Spool:
    """A file that has no name, gone with the last who reads it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = BytesIO()
        try:
            self._file = tempfile.TemporaryFile(prefix="weft-records-")  # noqa: SIM115 - stays open
        except OSError as error:
            raise _unwritten(error) from error
        self._parts: list[tuple[int, int]] = []
        self._end = 0

    def write(self, records: list[Any]) -> None:
        for start in range(0, len(records), _PART):
            data = pickle.dumps(records[start : start + _PART], protocol=5)
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                raise _unwritten(error) from error
            self._parts.append((self._end, len(data)))
            self._end += len(data)

    def __del__(self) -> None:
        self._file.close()

    def read(self) -> Iterator[Any]:
        """Every reader has its own place, so several may read at once."""
        for offset, size in list(self._parts):
            yield from pickle.loads(_read(self._file.fileno(), offset, size))  # noqa: S301 - ours


def _unwritten(error: OSError) -> JournalError:
    known = full if error.errno in FULL else unavailable
    return known(tempfile.gettempdir(), error.strerror or str(error))


def _read(handle: int, offset: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.pread(handle, size, offset)
        if not part:
            raise OSError("the file of a stream is shorter than what was written")
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return b"".join(parts)


def roughly(value: Any, depth: int) -> int:
    """About how many bytes a record takes."""
    size = sys.getsizeof(value, 64)
    if depth and isinstance(value, Mapping):
        return size + sum(roughly(item, depth - 1) for item in islice(value.values(), 64))
    if depth and isinstance(value, list | tuple) and value:
        return size + roughly(value[0], depth - 1) * len(value)
    return size
