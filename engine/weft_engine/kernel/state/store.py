"""What the stores of both backends have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from weft_engine.kernel.checkpoint.api import CheckpointStorage, Part
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.api import Clock, KeyedSnapshot, StateSpec, Table
from weft_engine.kernel.state.frozen import FrozenTable
from weft_engine.kernel.state.parts import Entries, read_part
from weft_engine.kernel.state.snapshots import Chain
from weft_engine.kernel.state.specs import merged
from weft_engine.kernel.state.timers import TIMERS, StateTimers


class StoredTable(Table, Protocol):
    """A table of a store."""

    spec: StateSpec
    tracking: bool
    """Whether it knows what has changed since the last snapshot. Not before the first one, so that
    a job without checkpoints neither pays for it nor remembers keys that are long gone."""

    @property
    def dirty(self) -> int:
        """How many entries have changed since the last snapshot."""
        ...

    def __len__(self) -> int: ...

    def items(self) -> Iterator[tuple[Any, Any]]:
        """All entries."""
        ...

    def load(self, entries: Entries) -> None:
        """Take entries over from a checkpoint."""

    def declare(self, spec: StateSpec) -> None:
        """The program says what the state is; it may have been restored before."""

    def untrack(self) -> None:
        """Give up knowing what has changed: the next snapshot must be a full one."""

    def about_bytes(self) -> int:
        """About how many bytes it takes."""
        ...


T = TypeVar("T", bound=StoredTable)


class Store(ABC, Generic[T]):
    """The keyed state of one operator in one subtask; implements `KeyedStore`."""

    def __init__(self, settings: Settings, key_groups: range, total: int, clock: Clock) -> None:
        self.key_groups = key_groups
        self._total = total
        self._clock = clock
        self._tables: dict[str, T] = {}
        self._timers: StateTimers | None = None
        self._chain = Chain(settings, total)
        self._incremental = settings.incremental

    @abstractmethod
    def _make(self, spec: StateSpec) -> T:
        """Make an empty table."""

    @abstractmethod
    def _freeze(self, *, full: bool, keep: bool) -> Sequence[FrozenTable]:
        """The tables as they are now, or what has changed in them since the last time.

        Args:
            full: Everything.
            keep: Go on as if it had not been asked for; else they track what changes from now on.
        """

    def table(self, spec: StateSpec) -> T:
        """The state of that name; always the same one.

        Raises:
            ResourceError: `state.incompatible` when there is another kind of state by that name.
        """
        found = self._tables.get(spec.name)
        if found is None:
            found = self._tables[spec.name] = self._make(spec)
            found.tracking = self._chain.begun  # nothing of it has been written so far
        elif found.spec != spec:
            found.declare(spec)
        return found

    def timers(self) -> StateTimers:
        """The timers of the operator."""
        if self._timers is None:
            self._timers = StateTimers(self.table(TIMERS))
        return self._timers

    def restore(self, storage: CheckpointStorage, parts: Sequence[tuple[Part, ...]]) -> None:
        """Take over what belongs to its key groups from the parts of a checkpoint.

        The next snapshot is a full one: a checkpoint that is restored may be a savepoint, which
        its owner may move away.

        Raises:
            ResourceError: `checkpoint.corrupt`, `checkpoint.format`, `checkpoint.key_groups` or
                `state.incompatible`.
        """
        for chain in parts:
            for part in chain:
                for spec, entries in read_part(storage, part, self.key_groups, self._total):
                    found = self._tables.get(spec.name)
                    if found is None:
                        found = self.table(spec)
                    merged(spec, found.spec)
                    found.load(entries)
        self._chain.reset()
        for table in self._tables.values():
            table.untrack()
        if self._timers is not None:
            self._timers.rebuild()

    def snapshot(self, checkpoint: int, *, full: bool) -> KeyedSnapshot:
        """Freeze what is there, or what has changed since the last time.

        Args:
            checkpoint: Its number, for names.
            full: Everything, and so that no later snapshot builds on it: for savepoints.
        """
        if full:
            return self._chain.aside(checkpoint, self._freeze(full=True, keep=True))
        tables = list(self._tables.values())
        tracking = all(table.tracking for table in tables)
        dirty = sum(table.dirty for table in tables)
        if tracking and not self._chain.wants_full(dirty, sum(map(len, tables))):
            return self._chain.delta(checkpoint, self._freeze(full=False, keep=False))
        made = self._chain.full(checkpoint, self._freeze(full=True, keep=False))
        if not self._incremental:
            for table in tables:
                table.untrack()
        return made

    def size(self) -> tuple[int, int]:
        """How many entries there are, and about how many bytes they take."""
        tables = list(self._tables.values())
        return sum(map(len, tables)), sum(table.about_bytes() for table in tables)

    def close(self) -> None:
        """Let go of everything."""
        self._tables.clear()
        self._timers = None
