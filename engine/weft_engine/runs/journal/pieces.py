"""Records as pieces of bytes: written while they come, read one piece at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import value_lost

_CHUNK: Final = 1024 * 1024
_LARGEST: Final = 16 * _CHUNK
_GROW: Final = 64
_AT_ONCE: Final = 64


class Pieces:
    """Records that are read piece by piece, each when it is needed.

    Args:
        pieces: What `load` takes for each piece, and how many records it has.
        load: Reads a piece.
    """

    def __init__(
        self, pieces: Sequence[tuple[str, int]], load: Callable[[str], bytes], codec: Codec
    ) -> None:
        self._pieces = pieces
        self._load = load
        self._codec = codec

    def read(self) -> Iterator[Any]:
        """All records.

        Raises:
            JournalError: `journal.value_lost` at a piece that is gone or damaged.
        """
        for piece, count in self._pieces:
            seen = 0
            for batch in self._codec.decode_all(self._load(piece)):
                if not isinstance(batch, list):
                    raise value_lost(piece, "it holds no records")
                seen += len(batch)
                yield from batch
            if seen != count:
                raise value_lost(piece, f"it holds {seen} records and not {count}")


class Chunks:
    """Makes pieces of records while they come: 1 MB each, and larger ones when there are many.

    Args:
        save: Keeps a piece, and says where.
    """

    def __init__(self, codec: Codec, save: Callable[[bytes], Any], where: str = "") -> None:
        self._codec = codec
        self._save = save
        self._where = where
        self._open = bytearray()
        self._records = 0
        self._at_once = 1
        self.pieces: list[tuple[Any, int, int]] = []
        """Where, how many records, how many bytes."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(size for _, _, size in self.pieces) + len(self._open)

    @property
    def open(self) -> bytes:
        """What is not yet in a piece."""
        return bytes(self._open)

    def add(self, records: list[Any]) -> None:
        """Take the next records."""
        at = 0
        while at < len(records):
            batch = records[at : at + self._at_once]
            data = self._codec.encode(batch, self._where)
            at += len(batch)
            self._open += data
            self._records += len(batch)
            # Large records go one by one, so that never much more than a piece is in memory.
            self._at_once = max(1, min(_AT_ONCE, _CHUNK * len(batch) // len(data)))
            if len(self._open) >= min(_LARGEST, _CHUNK * (1 + len(self.pieces) // _GROW)):
                self.flush()

    def flush(self) -> None:
        """Make a piece of what is there."""
        if self._records:
            data, count = bytes(self._open), self._records
            self._open, self._records = bytearray(), 0
            self.pieces.append((self._save(data), count, len(data)))
