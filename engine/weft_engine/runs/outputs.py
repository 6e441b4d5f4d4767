"""What the ports of a run gave, kept for looking at and for runs that start in the middle.

Small outputs travel inside their reference; larger ones lie in `DIR/blobs/<aa>/<sha256>`, named by
their content, so the same output is kept once. A stream keeps its first records and their count.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from weft_engine.errors import ResourceError
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.encode import encode
from weft_engine.runs.journal.blobs import Blobs
from weft_engine.runs.journal.errors import JournalError

MOST_RECORDS: Final = 10_000
"""How many records of a stream are kept."""
INLINE_BYTES: Final = 64 * 1024
"""Outputs up to this size travel inside their reference."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""How much of one output is kept."""
_PREVIEW: Final = 1000


class OutputRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an output is kept."""

    kind: Literal["records", "value"]
    count: int
    """How many records there were; 1 for a value."""
    kept: int
    """How many of them are kept."""
    size: int
    """Bytes kept."""
    inline: Any = None
    blob: str | None = None
    """The SHA-256 of the kept bytes."""
    partial: bool = False
    """The node did not get to its end, or was spared what others do not need."""

    def as_dict(self) -> dict[str, Any]:
        """The reference as plain data."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @property
    def whole(self) -> bool:
        """Whether everything the port gave is kept."""
        return self.kept == self.count and not self.partial


def reference(plain: dict[str, Any]) -> OutputRef:
    """Read a reference that `OutputRef.as_dict` wrote."""
    return msgspec.convert(plain, OutputRef)


class OutputStore:
    """Keeps outputs below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._blobs = Blobs(directory)

    @property
    def blobs(self) -> Blobs:
        """Where larger outputs are."""
        return self._blobs

    def records(self, most: int | None = None) -> "RecordsWriter":
        """Begin to keep the records of a stream, at most so many of them."""
        return RecordsWriter(self, MOST_RECORDS if most is None else min(most, MOST_RECORDS))

    def value(self, value: Any, *, partial: bool = False) -> OutputRef:
        """Keep a single value."""
        data = encode(value)
        if len(data) > MOST_BYTES:
            data = encode(f"{data[:_PREVIEW].decode('utf-8', 'ignore')}… ({len(data):,} bytes)")
            return self._keep("value", 1, 0, data, partial=partial)
        return self._keep("value", 1, 1, data, partial=partial)

    def read(
        self, ref: OutputRef | dict[str, Any], offset: int = 0, limit: int = MOST_RECORDS
    ) -> dict[str, Any]:
        """What is kept, for looking at.

        Returns:
            `{kind: "value", count, value, truncated}` or
            `{kind: "records", count, records, offset, truncated}`; truncated when not everything
            the port gave is kept.

        Raises:
            ResourceError: `run.output_missing`.
        """
        if isinstance(ref, dict):
            ref = reference(ref)
        if ref.kind == "value":
            value = ref.inline if ref.blob is None else msgspec.json.decode(self._load(ref.blob))
            return {"kind": "value", "count": 1, "value": value, "truncated": not ref.whole}
        return {
            "kind": "records",
            "count": ref.count,
            "records": self._page(ref, offset, limit),
            "offset": offset,
            "truncated": not ref.whole,
        }

    def _page(self, ref: OutputRef, offset: int, limit: int) -> list[Any]:
        end = offset + limit
        if ref.blob is None:
            page: list[Any] = (ref.inline or [])[offset:end]
            return page
        lines = self._load(ref.blob).split(b"\n")[offset:end]
        return [msgspec.json.decode(line) for line in lines]

    def _keep(
        self,
        kind: Literal["records", "value"],
        count: int,
        kept: int,
        data: bytes,
        *,
        partial: bool,
    ) -> OutputRef:
        if len(data) > INLINE_BYTES:
            return OutputRef(
                kind=kind,
                count=count,
                kept=kept,
                size=len(data),
                blob=self._save(data),
                partial=partial,
            )
        listed = b"[" + data.replace(b"\n", b",") + b"]" if kind == "records" else data
        return OutputRef(
            kind=kind,
            count=count,
            kept=kept,
            size=len(data),
            inline=msgspec.json.decode(listed),
            partial=partial,
        )

    def _save(self, data: bytes) -> str:
        try:
            return self._blobs.save(data)
        except JournalError as error:
            raise _unsaved(error) from error

    def _load(self, digest: str) -> bytes:
        try:
            return self._blobs.load(digest)
        except JournalError as error:
            raise _missing(digest) from error


class RecordsWriter:
    """Keeps the first records of a stream while it flows."""

    def __init__(self, store: OutputStore, most: int = MOST_RECORDS) -> None:
        self._store = store
        self._most = most
        self._lines: list[bytes] = []
        self._size = 0
        self._open = True
        self.count = 0
        """How many records there were."""

    @property
    def full(self) -> bool:
        """Whether it keeps no more, and only counts."""
        return not self._open

    def take(self, records: list[Any], part: Callable[[Any], Any] | None = None) -> None:
        """See the next records; `part` says what of each is to be kept."""
        self.count += len(records)
        if not self._open:
            return
        for record in records[: self._most - len(self._lines)]:
            line = encode(record if part is None else part(record))
            if self._size + len(line) > MOST_BYTES:
                self._open = False
                return
            self._lines.append(line)
            self._size += len(line) + 1
        self._open = len(self._lines) < self._most

    def finish(self, *, partial: bool = False) -> OutputRef:
        """Keep them; nothing more is to come."""
        data = b"\n".join(self._lines)
        kept, self._lines = len(self._lines), []
        return self._store._keep("records", self.count, kept, data, partial=partial)  # noqa: SLF001


def _missing(digest: str) -> ResourceError:
    return ResourceError(
        "The stored output is no longer there, or damaged.",
        code="run.output_missing",
        hint="Run the flow again.",
        params={"blob": digest},
    )


def _unsaved(error: JournalError) -> ResourceError:
    cause = error.__cause__
    reason, number = (cause.strerror, cause.errno) if isinstance(cause, OSError) else (None, None)
    return ResourceError(
        f"The output of a node cannot be kept: {reason or error}.",
        code="run.output_unsaved",
        hint="Make room on the disk that holds the data directory, then run the flow again.",
        params={"errno": number},
        retryable=True,
    )
