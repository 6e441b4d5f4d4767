"""Files, record by record."""

import csv
import glob
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.program_errors import ProgramError

FileFormat = Literal["text", "csv", "jsonl"]

_LOOK: Final = "Look at the path: it is relative to where the program runs."
_FIELD_CHARS: Final = 2**30
"""How long a value in a CSV file may be; Python's own limit is too small for documents."""
_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class FileSource(Source[Any]):
    """Lines of text, rows of CSV as dicts (with a header), or JSON values a line.

    Every file is a split, so that several subtasks read several files; within a file the order is
    kept, and a position is a place in its bytes. `paths` may hold patterns with `*`; the format
    follows from the ending of the name unless it is given. Files are UTF-8, and must not change
    while a job may read them again.
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        *,
        format: FileFormat | None = None,  # noqa: A002 - the usual word
    ) -> None:
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        self.paths = [str(path) for path in given]
        if format not in (None, "text", "csv", "jsonl"):
            raise ProgramError(f"there is no format {format!r}", hint="It is text, csv or jsonl.")
        self.format = format

    def splits(self) -> Sequence[Any]:
        found: list[str] = []
        for path in self.paths:
            found += [match for match in _matches(path) if match not in found]
        if not found:
            raise ResourceError(
                f"no file matches {', '.join(self.paths)}",
                code="source.no_file",
                hint=_LOOK,
            )
        return found

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Any]:
        kind = self.format or _FORMATS.get(Path(split).suffix.lower(), "text")
        try:
            file = Path(split).open("rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise ResourceError(
                f"the file {split} cannot be read: {error.strerror}",
                code="source.no_file",
                hint=_LOOK,
            ) from error
        make = {"csv": _CsvReader, "jsonl": _JsonReader}.get(kind, _LineReader)
        try:
            return make(file, split, position)
        except BaseException:
            file.close()
            raise


class _LineReader:
    """Reads lines from a place on."""

    def __init__(self, file: BinaryIO, path: str, position: int | None) -> None:
        self._file = file
        self._path = path
        self._at = position or 0
        self._begin()
        file.seek(self._at)

    def read(self, limit: int) -> list[Any] | None:
        part: list[Any] = []
        while len(part) < limit:
            record = self._record()
            if record is _END:
                break
            if record is not _NONE:
                part.append(record)
        return part or None

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()

    def _begin(self) -> None:
        """Look at the beginning of the file."""
        if not self._at and self._file.read(3) == b"\xef\xbb\xbf":
            self._at = 3  # a mark that says UTF-8

    def _line(self) -> str | None:
        line = self._file.readline()
        if not line:
            return None
        before, self._at = self._at, self._at + len(line)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._failed(before, "it is not UTF-8") from error

    def _record(self) -> Any:
        line = self._line()
        return _END if line is None else line.rstrip("\r\n")

    def _failed(self, place: int, why: str) -> ResourceError:
        return ResourceError(
            f"the file {self._path} cannot be read at byte {place}: {why}",
            code="source.malformed",
            params={"path": self._path, "byte": place},
        )


class _JsonReader(_LineReader):
    """One JSON value a line; empty lines are passed over."""

    def _record(self) -> Any:
        before = self._at
        line = self._line()
        if line is None:
            return _END
        if not line.strip():
            return _NONE
        try:
            return json.loads(line)
        except ValueError as error:
            raise self._failed(before, str(error)) from error


class _CsvReader(_LineReader):
    """Rows below a header, as dicts; a row may go over several lines."""

    def _begin(self) -> None:
        place, self._at = self._at, 0
        super()._begin()
        self._file.seek(self._at)
        csv.field_size_limit(max(csv.field_size_limit(), _FIELD_CHARS))
        try:
            self._names = next(csv.reader(self._lines(), strict=True), [])
        except csv.Error as error:
            raise self._failed(0, str(error)) from error
        if len(set(self._names)) < len(self._names):
            raise self._failed(0, "two columns have the same name")
        self._at = max(place, self._at)
        self._rows = csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while (line := self._line()) is not None:
            yield line

    def _record(self) -> Any:
        before = self._at
        try:
            row = next(self._rows, None)
        except csv.Error as error:
            raise self._failed(before, str(error)) from error
        if row is None:
            return _END
        if not row:
            return _NONE
        if len(row) > len(self._names):
            raise self._failed(before, f"{len(row)} values for {len(self._names)} columns")
        return dict(zip(self._names, row + [""] * (len(self._names) - len(row)), strict=True))


def _matches(path: str) -> list[str]:
    """The files that a path means; folders are not among what a pattern finds."""
    if "*" not in path or Path(path).exists():
        return [path]
    return [each for each in sorted(glob.glob(path, recursive=True)) if Path(each).is_file()]  # noqa: PTH207


_END: Final = object()
_NONE: Final = object()
