"""Writing records one after the other as CSV, JSON, JSON lines or plain text."""

import csv
import json
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Protocol

from weft_engine.errors import NodeError
from weft_engine.library.columns import as_row, kind_of, value


class RecordWriter(Protocol):
    """Writes records into an open file."""

    def write(self, record: Any, /) -> None:
        """Write one record."""

    def end(self) -> None:
        """Write what closes the file."""


def to_json(item: Any) -> str:
    """Return JSON text with readable characters.

    Raises:
        NodeError: `file.bad_record` when the value cannot be JSON.
    """
    try:
        return json.dumps(item, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise bad_record(f"The record cannot be written as JSON: {error}.") from error


def bad_record(message: str, hint: str = "") -> NodeError:
    """Describe a record that does not suit the format."""
    return NodeError(message, code="file.bad_record", hint=hint or "Change it first with Map.")


class CsvWriter:
    """Rows as CSV; the header goes before the first row."""

    def __init__(self, file: IO[str], columns: list[str], delimiter: str) -> None:
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._columns = list(columns)
        self._chosen = bool(columns)
        self._started = False

    def write(self, record: Any) -> None:
        row = as_row(record)
        if not self._columns:
            self._columns = list(row)
        self._start()
        if self._chosen:
            self._writer.writerow([_cell(value(row, column)) for column in self._columns])
            return
        if new := row.keys() - set(self._columns):
            names = ", ".join(sorted(map(str, new)))
            raise bad_record(
                f"A later row has columns that the header lacks: {names}.",
                "List the columns in the node's settings, or choose them with Columns.",
            )
        self._writer.writerow([_cell(row.get(column)) for column in self._columns])

    def _start(self) -> None:
        if not self._started:
            self._writer.writerow(self._columns)
            self._started = True

    def end(self) -> None:
        if self._columns:
            self._start()


def _cell(item: Any) -> Any:
    if item is None or isinstance(item, str):
        return item
    if isinstance(item, bool | Mapping | list):
        return to_json(item)
    return item


class JsonWriter:
    """All records as one JSON list."""

    def __init__(self, file: IO[str], columns: list[str], delimiter: str) -> None:
        del columns, delimiter
        self._file = file
        self._first = True

    def write(self, record: Any) -> None:
        text = to_json(record)
        self._file.write(("[\n" if self._first else ",\n") + text)
        self._first = False

    def end(self) -> None:
        self._file.write("[]\n" if self._first else "\n]\n")


class JsonLinesWriter:
    """One JSON value on each line."""

    def __init__(self, file: IO[str], columns: list[str], delimiter: str) -> None:
        del columns, delimiter
        self._file = file

    def write(self, record: Any) -> None:
        self._file.write(to_json(record) + "\n")

    def end(self) -> None:
        return


class TextWriter(JsonLinesWriter):
    """One text on each line; of a document its text, of a row with one column that column."""

    def write(self, record: Any) -> None:
        text = record
        if isinstance(record, Mapping):
            only = next(iter(record.values()), None) if len(record) == 1 else None
            text = record.get("text", only)
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise bad_record(
                f"A text is needed, not {kind_of(record)}.",
                "Make a text of each record first with Template, or write JSON.",
            )
        self._file.write(f"{text}\n")


WRITERS: Final[dict[str, Callable[[IO[str], list[str], str], RecordWriter]]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "text": TextWriter,
}
