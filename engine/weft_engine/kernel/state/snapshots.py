"""Snapshots of keyed state, each of which may build on the one before."""

import threading
from collections.abc import Iterator, Sequence

from weft_engine.kernel.checkpoint.api import CheckpointStorage, Part
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.frozen import FrozenTable
from weft_engine.kernel.state.parts import Chunk, write_parts

_DIRTY_SHARE = 0.3
"""From which share of changed entries on writing all of them is the better deal."""


class Snapshot:
    """Keyed state as it was at a barrier; implements `KeyedSnapshot`."""

    def __init__(
        self,
        checkpoint: int,
        tables: Sequence[FrozenTable],
        previous: "Snapshot | None",
        key_groups: int,
    ) -> None:
        self.failed = False
        """Whether writing it has failed, the last time it was tried."""
        self._checkpoint = checkpoint
        self._tables = tables
        self._previous = previous
        self._key_groups = key_groups
        self._parts: tuple[Part, ...] | None = None
        self._tries = 0
        self._lock = threading.Lock()

    def write(self, storage: CheckpointStorage, prefix: str) -> tuple[Part, ...]:
        """Write what has not been written yet, and first what it builds on.

        A snapshot that it builds on may have been given up, or be under way in another thread.

        Raises:
            ResourceError: when a value cannot be pickled or the storage fails. The next snapshot
                of the store is a full one then.
        """
        with self._lock:
            if self._parts is None:
                self._tries += 1
                try:
                    self._parts = self._write(storage, prefix)
                except BaseException:
                    self.failed = True
                    raise
                self.failed = False
                self._previous = None
                self._release()
            return self._parts

    def _write(self, storage: CheckpointStorage, prefix: str) -> tuple[Part, ...]:
        before = self._previous.write(storage, prefix) if self._previous is not None else ()
        name = f"{prefix}-{self._checkpoint}-{self._tries}"
        return before + write_parts(storage, name, self._chunks(), self._key_groups)

    def _chunks(self) -> Iterator[Chunk]:
        for table in self._tables:
            yield from table.chunks()

    def _release(self) -> None:
        for table in self._tables:
            table.release()
        self._tables = ()


class Chain:
    """Decides whether the next snapshot is a full one, and links it to the one before."""

    def __init__(self, settings: Settings, key_groups: int) -> None:
        self._incremental = settings.incremental
        self._full_every = settings.full_every
        self._key_groups = key_groups
        self._last: Snapshot | None = None
        self._deltas = 0

    @property
    def begun(self) -> bool:
        """Whether there is a snapshot that the next one may build on."""
        return self._last is not None

    def wants_full(self, dirty: int, entries: int) -> bool:
        """Whether everything is to be written, given how many entries have changed."""
        last = self._last
        return (
            not self._incremental
            or last is None
            or last.failed
            or self._deltas >= self._full_every
            or dirty > _DIRTY_SHARE * entries
        )

    def full(self, checkpoint: int, tables: Sequence[FrozenTable]) -> Snapshot:
        """Begin anew."""
        self._last = Snapshot(checkpoint, tables, None, self._key_groups)
        self._deltas = 0
        return self._last

    def delta(self, checkpoint: int, tables: Sequence[FrozenTable]) -> Snapshot:
        """Go on from the snapshot before."""
        self._last = Snapshot(checkpoint, tables, self._last, self._key_groups)
        self._deltas += 1
        return self._last

    def aside(self, checkpoint: int, tables: Sequence[FrozenTable]) -> Snapshot:
        """A full snapshot that no later one builds on, for a savepoint: it may be moved away."""
        return Snapshot(checkpoint, tables, None, self._key_groups)

    def reset(self) -> None:
        """What was written before has nothing to do with what is there now."""
        self._last = None
        self._deltas = 0
