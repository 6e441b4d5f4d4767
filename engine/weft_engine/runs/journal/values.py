"""What nodes gave, as the journal keeps it: small values in their row, others in blobs beside it.

A stream is kept in pieces, which are written while it flows and read one at a time.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from weft_engine.runs.journal.blobs import Blobs
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import value_lost
from weft_engine.runs.journal.pieces import Chunks, Pieces
from weft_engine.runs.journal.records import MEMORY_BYTES, Records, records_of, roughly

_SINGLE: Final = frozenset({int, float, str, bool, type(None)})
_quick: Final = msgspec.msgpack.Encoder()

INLINE_BYTES: Final = 64 * 1024
"""Values up to this size stand in their row."""


class StoredValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a value, or the records of a stream, are kept."""

    kind: Literal["value", "records"] = "value"
    count: int = 1
    """How many records there are; 1 for a value."""
    size: int = 0
    """Bytes kept."""
    inline: bytes | None = None
    blob: str | None = None
    """Of a value: the SHA-256 of its bytes."""
    chunks: list[tuple[str, int, int]] = []
    """Of records: the SHA-256 of each piece, the number of its records and of its bytes."""
    gaps: bool = False
    """Of records: whether `SKIP` may stand among them."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data, bytes among it; what `StepRow.outputs` has."""
        plain: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(bytes,))
        return plain

    @classmethod
    def read(cls, plain: "dict[str, Any] | StoredValue") -> "StoredValue":
        """What `as_dict` gave; JSON of it will do too.

        Raises:
            JournalError: `journal.value_lost`.
        """
        if isinstance(plain, StoredValue):
            return plain
        try:
            return msgspec.convert(plain, cls)
        except msgspec.ValidationError as error:
            raise value_lost("", str(error)) from error


class ValueStore:
    """Keeps values below a directory, in the same `blobs/` as `OutputStore`.

    Args:
        codec: Says which classes' objects may be kept; `Codec.of(catalogue)` in a run.
        in_memory: Records of up to so many bytes that were just collected stay in memory beside.
    """

    def __init__(
        self, directory: Path, codec: Codec | None = None, in_memory: int = MEMORY_BYTES
    ) -> None:
        self.blobs = Blobs(directory)
        self.codec = codec or Codec()
        self.in_memory = in_memory

    def put(self, value: Any, where: str = "") -> StoredValue:
        """Keep a value or `Records`; when this returns it survives the loss of power.

        Args:
            value: What to keep.
            where: The node and port that gave it, `fetch.text`, for the error.

        Raises:
            JournalError: `journal.unstorable`, `journal.full`, `journal.unavailable`.
        """
        if isinstance(value, Records):
            collector = self.collect(where, gaps=value.gaps)
            for batch in value.batches():
                collector.take(batch)
            return collector.finish()[0]
        data = self.codec.encode(value, where)
        if len(data) <= INLINE_BYTES:
            return StoredValue(size=len(data), inline=data)
        return StoredValue(size=len(data), blob=self.blobs.save(data))

    def plain(self, value: Any, where: str = "") -> dict[str, Any]:
        """As `put`, with the answer as plain data: what a row has.

        Raises:
            JournalError: as `put`.
        """
        if type(value) in _SINGLE:
            with suppress(UnicodeEncodeError, OverflowError):
                data = _quick.encode(value)  # the same bytes, ten times faster
                if len(data) <= INLINE_BYTES:
                    return {"size": len(data), "inline": data}
        return self.put(value, where).as_dict()

    def get(self, stored: StoredValue | dict[str, Any]) -> Any:
        """The value, or `Records` whose pieces are read when they are needed.

        Raises:
            JournalError: `journal.value_lost`; of records that are read, while they are.
        """
        stored = StoredValue.read(stored)
        if stored.kind == "records":
            return self._records(stored)
        if stored.blob is not None:
            return self.codec.decode(self.blobs.load(stored.blob))
        if stored.inline is None:
            raise value_lost("", "there is nothing of it")
        return self.codec.decode(stored.inline)

    def collect(self, where: str = "", *, gaps: bool = False) -> "StoredCollector":
        """Begin to keep the records of a stream."""
        return StoredCollector(self, where, gaps=gaps)

    def _records(self, stored: StoredValue) -> Records:
        if stored.inline is not None:
            batches = self.codec.decode_all(stored.inline)
            records = [record for batch in batches for record in batch]
            if len(records) != stored.count:
                raise value_lost("", f"{len(records)} records and not {stored.count}")
            return records_of(records, gaps=stored.gaps)
        pieces = Pieces(
            [(piece[0], piece[1]) for piece in stored.chunks], self.blobs.load, self.codec
        )
        return Records([], gaps=stored.gaps, file=pieces, count=stored.count)


class StoredCollector:
    """Keeps the records of a stream while they come; used like `RecordsWriter`."""

    def __init__(self, store: ValueStore, where: str, *, gaps: bool) -> None:
        self._store = store
        self._chunks = Chunks(store.codec, store.blobs.save, where)
        self._gaps = gaps
        self._held: list[Any] | None = []
        self._size = 0
        self.count = 0

    def take(self, batch: list[Any]) -> None:
        """Take the next records.

        Raises:
            JournalError: `journal.unstorable`, `journal.full`, `journal.unavailable`.
        """
        if not batch:
            return
        self.count += len(batch)
        self._chunks.add(batch)
        if self._held is not None:
            self._held.extend(batch)
            self._size += roughly(batch[0], 2) * len(batch)
            if self._size > self._store.in_memory:
                self._held = None

    def finish(self) -> tuple[StoredValue, Records]:
        """Where the records are kept, and the records themselves; nothing more is to come.

        Raises:
            JournalError: As `take`.
        """
        chunks, size = self._chunks, self._chunks.size
        small = not chunks.pieces and size <= INLINE_BYTES
        inline = chunks.open if small else None
        if not small:
            chunks.flush()
        stored = StoredValue(
            kind="records",
            count=self.count,
            size=size,
            inline=inline,
            chunks=[] if small else list(chunks.pieces),
            gaps=self._gaps,
        )
        if self._held is not None:
            return stored, records_of(self._held, gaps=self._gaps)
        return stored, self._store.get(stored)
