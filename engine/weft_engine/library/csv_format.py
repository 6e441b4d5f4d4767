"""Reading CSV as people really send it: any delimiter, ragged rows, quotes that never close."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from weft_engine.errors import NodeError
from weft_engine.library.encodings import Encoding, bad_bytes, resolve

Delimiter = Literal["auto", ",", ";", "tab", "|"]
"""What separates the fields of a line; `auto` looks at the first lines."""
BadRow = Literal["fail", "skip", "keep"]
"""What to do with a row that has too few or too many fields."""

EXTRA = "_extra"
"""Where the surplus fields of a row go when such rows are kept; `_extra_2` if that is taken."""

MAX_FIELD = 10_000_000
MAX_LINE = 2 * MAX_FIELD
_MOST_WARNINGS = 5
_CANDIDATES = (",", ";", "\t", "|")
# Not numbers: leading zeros and long digits (ids), a plus sign (telephones), 12e4 (codes).
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]\d{1,2})?")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})")
_BOOLS = {"true": True, "false": False}

Convert = Callable[[str], Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class CsvOptions:
    """How to read a CSV file."""

    delimiter: Delimiter = "auto"
    encoding: Encoding = "auto"
    header: bool = True
    infer: bool = True
    on_bad_row: BadRow = "fail"
    skip_lines: int = 0
    limit: int | None = None
    only: frozenset[str] | None = None
    """The columns that are wanted. All are read when the file lacks one of them."""


class CsvReader:
    """Reads one CSV file as dictionaries, a row at a time."""

    def __init__(
        self, path: Path, options: CsvOptions, *, shown: str, warn: Callable[[str], None]
    ) -> None:
        """Look at the file's first lines.

        Args:
            path: The file.
            options: How to read it.
            shown: What to call the file in messages.
            warn: Takes a sentence about each of the first rows that were left out.
        """
        csv.field_size_limit(MAX_FIELD)
        self._path = path
        self._options = options
        self._shown = shown
        self._warn = warn
        self._codec = resolve(path, options.encoding)
        self._delimiter = self._find_delimiter()

    def rows(self) -> Iterator[Row]:
        """Yield the rows.

        Types are inferred over the whole file first, so that one column has one type from its
        first row to its last.
        """
        names = self._names()
        width, extra = len(names), _free_name(EXTRA, set(names), {})
        picked = self._picked(names)
        convert = self._infer(names, picked) if self._options.infer else None
        for fields in self._records(names, report=True):
            if picked is not None and len(fields) == width:
                row: Row = {name: fields[at] for at, name in picked}
            else:
                row = dict(zip(names, fields, strict=False))
            if convert is not None:
                if "" in fields:
                    row = {name: field or None for name, field in row.items()}
                for name, make in convert:
                    if (field := row.get(name)) is not None:
                        row[name] = make(field)
            if len(fields) != width:
                row.update(dict.fromkeys(names[len(fields) :]))
                if len(fields) > width:
                    row[extra] = fields[width:]
            yield row

    def _picked(self, names: list[str]) -> list[tuple[int, str]] | None:
        """The places and names of the columns that are wanted; None for all."""
        only = self._options.only
        if only is None or not only.issubset(names):
            return None
        return [(at, name) for at, name in enumerate(names) if name in only]

    def _names(self) -> list[str]:
        names: list[str] = []
        first = next(self._raw(), None)
        if first is None:
            raise NodeError(
                f"{self._shown} is empty.",
                code="csv.empty",
                hint="Choose a file with at least a header line.",
                params={"file": self._shown},
            )
        line, fields = first
        if isinstance(fields, csv.Error):
            raise self._bad_quotes(fields, line)
        if not self._options.header:
            return [f"column_{i}" for i in range(1, len(fields) + 1)]
        taken: set[str] = set()
        numbers: dict[str, int] = {}
        for position, field in enumerate(fields, start=1):
            name = _free_name(field.strip() or f"column_{position}", taken, numbers)
            taken.add(name)
            names.append(name)
        return names

    def _raw(self) -> Iterator[tuple[int, list[str] | csv.Error]]:
        """Yield every record, or what is wrong with it, with the line it begins on.

        Blank lines are passed over. A quotation mark that never closes takes in the lines behind
        it; these are read again.
        """
        line = self._options.skip_lines + 1
        with self._path.open(encoding=self._codec, newline="") as file:
            held: list[str] = []
            again: deque[str] = deque()
            try:
                for _ in islice(self._lines(file, held, again), self._options.skip_lines):
                    held.clear()
                reader = self._reader(file, held, again)
                while True:
                    try:
                        fields = next(reader, None)
                    except csv.Error as error:
                        yield line, error
                        again.extendleft(reversed(held[1:]))
                        del held[1:]
                        fields, reader = [], self._reader(file, held, again)
                    if fields is None:
                        return
                    if fields:
                        yield line, fields
                    line += len(held)
                    held.clear()
            except UnicodeDecodeError as error:
                raise bad_bytes(error, file=self._shown, line=line) from error
            except _LineTooLongError:
                raise self._too_long(line + len(held)) from None

    def _reader(self, file: IO[str], held: list[str], again: deque[str]) -> Iterator[list[str]]:
        lines = self._lines(file, held, again)
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _lines(self, file: IO[str], held: list[str], again: deque[str]) -> Iterator[str]:
        """Yield the lines of the file, those to be read again first, and note them."""
        readline = file.readline
        while line := again.popleft() if again else readline(MAX_LINE):
            if len(line) >= MAX_LINE:
                raise _LineTooLongError
            held.append(line)
            yield line

    def _records(self, names: list[str], *, report: bool) -> Iterator[list[str]]:
        """Yield the data rows that are in order, or kept although they are not."""
        return islice(self._kept(names, report=report), self._options.limit)

    def _kept(self, names: list[str], *, report: bool) -> Iterator[list[str]]:
        raw = self._raw()
        if self._options.header:
            next(raw, None)
        width, bad = len(names), 0
        for line, fields in raw:
            if not isinstance(fields, csv.Error) and (
                len(fields) == width or self._options.on_bad_row == "keep"
            ):
                yield fields
                continue
            why = self._left_out(line, fields, width)
            bad += 1
            if report and bad <= _MOST_WARNINGS:
                self._warn(why)
        if report and bad > _MOST_WARNINGS:
            self._warn(f"{bad:,} lines were left out in all.")

    def _left_out(self, line: int, fields: list[str] | csv.Error, width: int) -> str:
        """Why a line is left out; an error when it may not be."""
        if isinstance(fields, csv.Error):
            if self._options.on_bad_row == "fail" or "field limit" in str(fields):
                raise self._bad_quotes(fields, line) from fields
            return f"Line {line} was left out: its quotation marks do not match."
        if self._options.on_bad_row == "fail":
            raise self._ragged(line, len(fields), width)
        return f"Line {line} was left out: {len(fields)} fields instead of {width}."

    def _infer(
        self, names: list[str], picked: list[tuple[int, str]] | None
    ) -> list[tuple[str, Convert]]:
        """Find the narrowest type that every value of each column has; text is left out."""
        kinds: list[_Column] = [_Column() for _ in names]
        wanted = range(len(names)) if picked is None else [at for at, _ in picked]
        open_kinds = [(at, kinds[at]) for at in wanted]
        for fields in self._records(names, report=False):
            count, decided = len(fields), False
            for index, kind in open_kinds:
                if index < count and (value := fields[index]):
                    decided = kind.see(value) or decided
            if decided:
                open_kinds = [pair for pair in open_kinds if not pair[1].is_text]
                if not open_kinds:
                    break
        found = zip(names, (kind.converter() for kind in kinds), strict=True)
        return [(name, convert) for name, convert in found if convert is not None]

    def _find_delimiter(self) -> str:
        chosen = self._options.delimiter
        lines = self._sample_lines()
        if chosen == "auto":
            return detect_delimiter(lines)
        delimiter = "\t" if chosen == "tab" else chosen
        if lines and len(lines) > 1 and _widths(lines, delimiter) == {1}:
            other = detect_delimiter(lines)
            widths = _widths(lines, other)
            if len(widths) == 1 and max(widths) > 1:
                raise NodeError(
                    f"{self._shown} has no {_called(delimiter)} between its fields, "
                    f"but every line has {max(widths)} fields separated by {_called(other)}.",
                    code="csv.wrong_delimiter",
                    hint=f"Set the delimiter to {_called(other)}, or to auto.",
                    params={"file": self._shown, "delimiter": delimiter, "likely": other},
                )
        return delimiter

    def _sample_lines(self) -> list[str]:
        try:
            with self._path.open(encoding=self._codec, newline="") as file:
                for _ in islice(file, self._options.skip_lines):
                    pass
                text = file.read(64 * 1024)
        except UnicodeDecodeError as error:
            raise bad_bytes(error, file=self._shown) from error
        lines = text.splitlines(keepends=True)
        # The last line of a sample may be cut.
        return lines[:-1] if len(text) == 64 * 1024 and len(lines) > 1 else lines

    def _ragged(self, line: int, found: int, expected: int) -> NodeError:
        return NodeError(
            f"{self._shown}, line {line}: {found} fields instead of {expected}.",
            code="csv.ragged_row",
            hint="Correct the line, set the delimiter, or choose to skip or keep such rows.",
            params={"file": self._shown, "line": line, "found": found, "expected": expected},
        )

    def _too_long(self, line: int) -> NodeError:
        return NodeError(
            f"{self._shown}, line {line} is longer than {MAX_LINE:,} characters.",
            code="csv.field_too_large",
            hint="This is hardly a CSV file; check what made it.",
            params={"file": self._shown, "line": line},
        )

    def _bad_quotes(self, error: csv.Error, line: int) -> NodeError:
        too_large = "field limit" in str(error)
        what = (
            f"a field is longer than {MAX_FIELD:,} characters"
            if too_large
            else "a quotation mark is opened and never closed, or stands inside a field"
        )
        return NodeError(
            f"{self._shown}, line {line}: {what}.",
            code="csv.field_too_large" if too_large else "csv.bad_quotes",
            hint="Look for a stray quotation mark on that line; double it inside a field.",
            params={"file": self._shown, "line": line},
        )


def _free_name(base: str, taken: set[str], numbers: dict[str, int]) -> str:
    """The name, or the name with the next number that no other has."""
    name, number = base, numbers.get(base, 1)
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    numbers[base] = number
    return name


class _LineTooLongError(Exception):
    """A line does not end where any line should."""


class _Column:
    """The types a column may still have."""

    def __init__(self) -> None:
        self._seen = False
        self._whole = self._number = self._bool = True

    @property
    def is_text(self) -> bool:
        return not (self._number or self._bool)

    def see(self, value: str) -> bool:
        """Take a value in; true when nothing but text is left."""
        self._seen = True
        if self._number:
            if self._whole and not _WHOLE.fullmatch(value):
                self._whole = False
            if not self._whole and not _NUMBER.fullmatch(value):
                self._number = False
        if self._bool and value.lower() not in _BOOLS:
            self._bool = False
        return not (self._number or self._bool)

    def converter(self) -> Convert | None:
        if not self._seen or self.is_text:
            return None
        if self._bool:
            return _bool
        return int if self._whole else float


def _bool(value: str) -> bool:
    return _BOOLS[value.lower()]


def detect_delimiter(lines: list[str]) -> str:
    """Return the delimiter that cuts the lines into the most fields, equally many in each.

    >>> detect_delimiter(["a;b;c", "1,5;2;3", "4;5,5;6"])
    ';'
    >>> detect_delimiter(["just one column"])
    ','
    """

    def score(delimiter: str) -> tuple[float, int]:
        rows = [len(row) for row in _parse(lines, delimiter) if row]
        if not rows or rows[0] == 1:
            return (0.0, 0)
        return (rows.count(rows[0]) / len(rows), rows[0])

    best = max(_CANDIDATES, key=score)
    return best if score(best)[0] > 0 else ","


def _parse(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines[:200], delimiter=delimiter)
    except csv.Error:
        return


def _widths(lines: list[str], delimiter: str) -> set[int]:
    return {len(row) for row in _parse(lines, delimiter) if row}


def _called(delimiter: str) -> str:
    return {"\t": "tab"}.get(delimiter, f"'{delimiter}'")
