"""What a job logs: who says it, one line of JSON for each, and not a line for every bad record."""

import json
import logging
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

from weft_engine.errors import said
from weft_engine.kernel.redact import redacted

FIELDS: Final = ("job", "operator", "subtask", "attempt", "worker")
"""What a line says of its origin, where it is known."""
_FIRST: Final = 10
_LONGEST: Final = 8_000
_LONGEST_SAMPLE: Final = 200
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]+@")


class OperatorLog(logging.LoggerAdapter[logging.Logger]):
    """A log that says with every line where in a job it comes from."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add what is known of the origin to what the caller says itself."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs


class JsonLines(logging.Formatter):
    """One line of JSON for each record: time, level, logger, message, origin, and the error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _clipped(record.getMessage()),
        }
        for field in FIELDS:
            value = getattr(record, field, None)
            if value is not None:
                line[field] = value
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = {"type": type(error).__qualname__, "message": _clipped(said(error))}
            line["traceback"] = _clipped(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class RecordErrors:
    """Logs the records of one operator that failed: the first ones, then now and then how many."""

    def __init__(self, log: logging.LoggerAdapter[logging.Logger], first: int = _FIRST) -> None:
        self._log = log
        self._operator = (log.extra or {}).get("operator", "")  # for logs without the extra fields
        self._first = first
        self._next = first * 10
        self.count = 0

    def failed(self, error: Exception, record: Any) -> None:
        """One more has failed, and is lived with."""
        self.count += 1
        if self.count <= self._first:
            last = (
                "; from now on such records are only counted" if self.count == self._first else ""
            )
            kind = type(error).__qualname__
            self._log.warning(
                "the operator %r failed on the record %s: %s: %s%s",
                self._operator,
                _sample(record),
                kind,
                _clipped(said(error)),
                last,
            )
        elif self.count >= self._next:
            self._next *= 10
            self._log.warning(
                "the operator %r has failed on %d records so far", self._operator, self.count
            )


def _sample(record: Any) -> str:
    try:
        text = repr(redacted(record))
    except Exception:  # noqa: BLE001 - a record may refuse to be looked at
        text = f"<{type(record).__qualname__}>"
    return text if len(text) <= _LONGEST_SAMPLE else f"{text[: _LONGEST_SAMPLE - 1]}…"


def _clipped(text: str) -> str:
    """Not too long, and without the passwords of addresses."""
    text = _USERINFO.sub("•••@", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
