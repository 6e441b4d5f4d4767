"""Keyed state in dicts."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from weakref import ref

from weft_engine.kernel.state.api import Clock, StateSpec
from weft_engine.kernel.state.expiry import Expiry
from weft_engine.kernel.state.frozen import Frozen, FrozenTable, is_plain
from weft_engine.kernel.state.grouping import KnownGroups
from weft_engine.kernel.state.parts import Entries
from weft_engine.kernel.state.sizes import about_bytes
from weft_engine.kernel.state.specs import merged
from weft_engine.kernel.state.store import Store

_MOST_DIRTY: Final = 100_000


class HeapTable:
    """One state in a dict; implements `Table`."""

    def __init__(self, spec: StateSpec, key_groups: int, clock: Clock) -> None:
        self.spec = spec
        self._key_groups = key_groups
        self._clock = clock
        self._data: dict[Any, Any] = {}
        self._dirty: set[Any] = set()
        self.tracking = False
        """Whether it knows what has changed since the last snapshot. Not before the first one, so
        that a job without checkpoints neither pays for it nor remembers keys that are long gone."""
        self._frozen: list[ref[Frozen]] = []
        self._known = KnownGroups()
        self._expiry = Expiry(spec.ttl_ms, clock) if spec.ttl_ms is not None else None

    def __len__(self) -> int:
        return len(self._data)

    @property
    def dirty(self) -> int:
        """How many entries have changed since the last snapshot."""
        return len(self._dirty)

    def begin(self, keys: Iterable[Any]) -> dict[Any, Any]:
        """The dict with all entries. Nothing is kept unless a snapshot is being written."""
        if self._expiry is not None or self._frozen:
            keys = keys if isinstance(keys, Collection) else list(keys)
            self._expire(keys)
            self._protect(keys)
        return self._data

    def done(self, keys: Iterable[Any]) -> None:
        """These keys may have changed since `begin`."""
        if self._expiry is not None:
            keys = keys if isinstance(keys, Collection) else list(keys)
            self._expiry.written(keys)
        if self.tracking:
            self._dirty.update(keys)
            if len(self._dirty) > _MOST_DIRTY:
                self._bound()

    def get(self, key: Any, default: Any = None) -> Any:
        """One value. What is changed inside it must be `put` again."""
        if self._expiry is not None:
            self._expire((key,))
        value = self._data.get(key, default)
        if self._frozen and value is not default and not is_plain(value):
            self._protect_one(key)
        return value

    def put(self, key: Any, value: Any) -> None:
        """Set one value."""
        if self._frozen:
            self._protect_one(key)
        self._data[key] = value
        if self.tracking:
            self._dirty.add(key)
        if self._expiry is not None:
            self._expiry.written((key,))

    def delete(self, key: Any) -> None:
        """Take one value out, if it is there."""
        if self._frozen:
            self._protect_one(key)
        self._data.pop(key, None)
        if self.tracking:
            self._dirty.add(key)
            if len(self._dirty) > _MOST_DIRTY:
                self._bound()
        if self._expiry is not None:
            self._expiry.forget(key)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """All entries, in no order; the table must not change meanwhile."""
        if self._expiry is not None:
            self._expire(list(self._data))
        if self._frozen:
            self._protect([key for key, value in self._data.items() if not is_plain(value)])
        return iter(self._data.items())

    def load(self, entries: Entries) -> None:
        """Take entries over from a checkpoint."""
        data = self._data
        self._protect(entries.dead)
        self._protect(entries.keys)
        for key in entries.dead:
            data.pop(key, None)
        expiry = self._expiry
        if expiry is None:
            data.update(zip(entries.keys, entries.values, strict=True))
            return
        times = entries.times or [self._clock()] * len(entries.keys)
        for key, value, time in zip(entries.keys, entries.values, times, strict=True):
            if expiry.restored(key, time):
                data[key] = value
            else:  # an earlier part may have brought it
                data.pop(key, None)

    def declare(self, spec: StateSpec) -> None:
        """The program says what the state is; it may have been restored before."""
        ttl = spec.ttl_ms
        self.spec = merged(self.spec, spec)
        if self._expiry is not None and self._expiry.ttl_ms == ttl:
            return
        before = self._expiry.times if self._expiry is not None else {}
        self._expiry = Expiry(ttl, self._clock) if ttl is not None else None
        if self._expiry is not None:
            now = self._clock()
            gone = [k for k in self._data if not self._expiry.restored(k, before.get(k, now))]
            for key in gone:
                self.delete(key)

    def freeze(self, *, full: bool, keep: bool) -> Frozen:
        """The entries as they are now, or those that have changed since the last time.

        Args:
            full: All entries.
            keep: Go on as if it had not been asked for.
        """
        times = self._expiry.times if self._expiry is not None else None
        stale: set[Any] | None = None
        keys: list[Any] | set[Any]
        if full:
            keys = list(self._data)
            stale = None if keep else self._dirty
        else:
            keys = self._dirty.copy() if keep else self._dirty
        now = self._clock()
        known = None if self.spec.namespaced else self._known
        frozen = Frozen(self.spec, self._data, times, keys, self._key_groups, now, known, stale)
        if keys:
            self._frozen.append(ref(frozen))
        if not keep:
            self._dirty = set()
            self.tracking = True
        return frozen

    def untrack(self) -> None:
        """Give up knowing what has changed: the next snapshot must be a full one."""
        self.tracking = False
        self._dirty = set()

    def about_bytes(self) -> int:
        """About how many bytes it takes."""
        return about_bytes(len(self._data), islice(self._data.items(), 32))

    def _bound(self) -> None:
        # Keys that come and go, as those of windows do, must not pile up between checkpoints.
        if len(self._dirty) > len(self._data):
            self.untrack()

    def _protect(self, keys: Collection[Any]) -> None:
        for frozen in self._unfinished():
            frozen.protect(keys)

    def _protect_one(self, key: Any) -> None:
        for frozen in self._unfinished():
            frozen.protect_one(key)

    def _unfinished(self) -> list[Frozen]:
        if not self._frozen:
            return []
        found = [frozen for known in self._frozen if (frozen := known()) and not frozen.finished]
        if len(found) < len(self._frozen):
            self._frozen = [ref(frozen) for frozen in found]
        return found

    def _expire(self, keys: Collection[Any]) -> None:
        expiry = self._expiry
        if expiry is None:
            return
        for key in expiry.expired(keys):
            self.delete(key)
        for key in expiry.swept(len(keys)):
            self.delete(key)


class HeapStore(Store[HeapTable]):
    """The keyed state of one operator in one subtask, in memory; implements `KeyedStore`."""

    def _make(self, spec: StateSpec) -> HeapTable:
        return HeapTable(spec, self._total, self._clock)

    def _freeze(self, *, full: bool, keep: bool) -> Sequence[FrozenTable]:
        return [table.freeze(full=full, keep=keep) for table in self._tables.values()]
