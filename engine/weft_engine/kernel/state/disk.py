"""Keyed state on disk, behind a write-back cache: for state that is larger than memory."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.api import Clock, StateSpec
from weft_engine.kernel.state.database import Database
from weft_engine.kernel.state.frozen import FrozenTable
from weft_engine.kernel.state.parts import Entries
from weft_engine.kernel.state.rows import FrozenRows, Row, Rows
from weft_engine.kernel.state.specs import merged
from weft_engine.kernel.state.store import Store

CACHED: Final = 50_000
"""How many entries of a state are kept in memory."""
_UNWRITTEN: Final = 8192
"""How many of them may differ from the disk: as many as can be written within some 50 ms, because
the stream waits for them at a barrier."""
_RECENT: Final = 8
_SWEEP_EVERY: Final = 8
_SWEEP_ROWS: Final = 256


class DiskTable:
    """One state; implements `Table`.

    A key is known when its row was looked up; then all keys that share its row are known too.
    """

    batched: Final = True
    """Many entries are read far cheaper at once than one by one."""

    def __init__(self, spec: StateSpec, rows: Rows, clock: Clock, cached: int = CACHED) -> None:
        self.spec = spec
        self.rows = rows
        self.tracking = False
        self._clock = clock
        self._cached = cached
        self._unwritten = min(_UNWRITTEN, cached)
        self._live: dict[Any, Any] = {}
        self._ids: dict[Any, int] = {}
        self._first: dict[int, Any] = {}
        self._mates: dict[int, set[Any]] = {}
        self._stored: dict[int, int] = {}
        self._times: dict[Any, int] = {}
        self._dirty: set[Any] = set()
        self._young: set[Any] = set()
        self._recent: deque[Collection[Any]] = deque(maxlen=_RECENT)
        self._count = 0
        self._begun = 0
        self._swept = -1

    def __len__(self) -> int:
        ids = {self._ids[key] for key in self._dirty}
        return self._count + sum(
            sum(key in self._live for key in self._members(id_)) - self._stored.get(id_, 0)
            for id_ in ids
        )

    @property
    def dirty(self) -> int:
        """How many entries have changed since the last snapshot."""
        return self.rows.changed() + len(self._dirty)

    def begin(self, keys: Iterable[Any]) -> dict[Any, Any]:
        """A dict with these entries and some others; reads those that are not in memory."""
        keys = keys if isinstance(keys, Collection) else list(keys)
        self._recent.append(keys)
        return self._open(keys)

    def done(self, keys: Iterable[Any]) -> None:
        """These keys may have changed since `begin`."""
        keys = keys if isinstance(keys, Collection) else list(keys)
        self._look_up(keys)
        if self.spec.ttl_ms is not None:
            self._times.update(dict.fromkeys(keys, self._clock()))
        self._changed(keys)

    def get(self, key: Any, default: Any = None) -> Any:
        """One value. What is changed inside it must be `put` again."""
        return self._open((key,)).get(key, default)

    def put(self, key: Any, value: Any) -> None:
        """Set one value."""
        self._open((key,))[key] = value
        self.done((key,))

    def delete(self, key: Any) -> None:
        """Take one value out, if it is there."""
        if self._open((key,)).pop(key, self) is not self:
            self.done((key,))

    def items(self) -> Iterator[tuple[Any, Any]]:
        """All entries, in no order; the table must not change meanwhile."""
        self.flush()
        oldest = None if self.spec.ttl_ms is None else self._clock() - self.spec.ttl_ms
        for entries in self.rows.all():
            for key, value, time in entries:
                if oldest is None or time is None or time > oldest:
                    yield key, value

    def load(self, entries: Entries) -> None:
        """Take entries over from a checkpoint."""
        for key in entries.dead:
            self.delete(key)
        live = self._open(entries.keys)
        live.update(zip(entries.keys, entries.values, strict=True))
        if self.spec.ttl_ms is not None:
            times = entries.times or [self._clock()] * len(entries.keys)
            self._times.update(zip(entries.keys, times, strict=True))
            self._drop(entries.keys, self._clock() - self.spec.ttl_ms)
        self._changed(entries.keys)

    def declare(self, spec: StateSpec) -> None:
        """The program says what the state is; it may have been restored before."""
        self.spec = merged(self.spec, spec)
        if spec.ttl_ms is not None:
            now = self._clock()
            for key in self._live:
                self._times.setdefault(key, now)

    def untrack(self) -> None:
        """Give up knowing what has changed: the next snapshot must be a full one."""
        self.tracking = False
        self.rows.clear_log()

    def track(self) -> None:
        """Note from now on what changes."""
        self.tracking = True
        self.rows.clear_log()

    def about_bytes(self) -> int:
        """Counted for the whole file, by the store."""
        return 0

    def flush(self) -> None:
        """Bring to the disk what has changed."""
        if not self._dirty:
            return
        ids = {self._ids[key] for key in self._dirty}
        written = [self._row(id_) for id_ in ids]
        self.rows.write(written, log=self.tracking)
        for row in written:
            self._count += len(row.entries) - self._stored.get(row.id, 0)
            self._stored[row.id] = len(row.entries)
        self._dirty.clear()

    def _open(self, keys: Collection[Any]) -> dict[Any, Any]:
        self._young.update(keys)
        self._look_up(keys)
        if self.spec.ttl_ms is not None:
            self._expire(keys, self.spec.ttl_ms)
        return self._live

    def _changed(self, keys: Collection[Any]) -> None:
        self._dirty.update(keys)
        if len(self._dirty) > self._unwritten:
            self.flush()

    def _row(self, id_: int) -> Row:
        live, times = self._live, self._times
        members = self._members(id_)
        keep = self.spec.ttl_ms is not None
        entries = [(k, live[k], times.get(k) if keep else None) for k in members if k in live]
        return Row(id_, entries, [key for key in members if key not in live])

    def _members(self, id_: int) -> Collection[Any]:
        return self._mates.get(id_) or (self._first[id_],)

    def _look_up(self, keys: Collection[Any]) -> None:
        known = self._ids
        unknown = [key for key in dict.fromkeys(keys) if key not in known]
        if not unknown:
            return
        if len(known) + len(unknown) > self._cached:
            self._evict(keys)
            unknown = [key for key in dict.fromkeys(keys) if key not in known]
        ids = self.rows.ids(unknown)
        for id_, entries in self.rows.read(list(dict.fromkeys(ids))):
            self._stored[id_] = len(entries)
            for key, value, time in entries:
                if key not in known:
                    self._know(key, id_)
                    self._live.setdefault(key, value)
                    if self.spec.ttl_ms is not None:
                        self._times[key] = self._clock() if time is None else time
        for key, id_ in zip(unknown, ids, strict=True):
            if key not in known:
                self._know(key, id_)

    def _know(self, key: Any, id_: int) -> None:
        self._ids[key] = id_
        other = self._first.setdefault(id_, key)
        if other != key:
            self._mates.setdefault(id_, {other}).add(key)

    def _evict(self, keys: Iterable[Any]) -> None:
        """Forget all but what was used since the last time, or all but the last batches."""
        self.flush()
        recent = set(keys).union(*self._recent)
        kept = self._young if len(self._young) <= self._cached // 2 else recent
        ids = {self._ids[key] for key in kept if key in self._ids}
        for key in [key for key, id_ in self._ids.items() if id_ not in ids]:
            id_ = self._ids.pop(key)
            self._live.pop(key, None)
            self._times.pop(key, None)
            self._first.pop(id_, None)
            self._mates.pop(id_, None)
            self._stored.pop(id_, None)
        self._young = recent

    def _expire(self, keys: Collection[Any], ttl: int) -> None:
        oldest = self._clock() - ttl
        self._begun += 1
        if self._begun % _SWEEP_EVERY == 0:
            old, last = self.rows.older(self._swept, oldest, _SWEEP_ROWS)
            self._swept = -1 if last is None else last
            if last is None:  # a round is over: what is not on the disk yet has its turn
                old += self._dirty
            self._look_up(old)
            self._drop(old, oldest)
            self._look_up(keys)
        self._drop(keys, oldest)

    def _drop(self, keys: Collection[Any], oldest: int) -> None:
        times = self._times
        gone = [
            key for key in keys if (time := times.get(key)) is not None and time <= oldest
        ]  # fmt: skip
        for key in gone:
            times.pop(key, None)
            if self._live.pop(key, self) is not self:
                self._dirty.add(key)


class DiskStore(Store[DiskTable]):
    """The keyed state of one operator in one subtask, on disk; implements `KeyedStore`."""

    def __init__(
        self,
        settings: Settings,
        key_groups: range,
        total: int,
        clock: Clock,
        *,
        folder: Path | None,
        name: str,
        cached: int = CACHED,
    ) -> None:
        super().__init__(settings, key_groups, total, clock)
        self._cached = cached
        self._database = Database(folder, name)

    def _make(self, spec: StateSpec) -> DiskTable:
        rows = Rows(self._database, len(self._tables), spec, self._total)
        return DiskTable(spec, rows, self._clock, self._cached)

    def _freeze(self, *, full: bool, keep: bool) -> Sequence[FrozenTable]:
        tables = list(self._tables.values())
        for table in tables:
            table.flush()
        if not tables:
            return []
        view = self._database.view()
        now = self._clock()
        frozen = [FrozenRows(view, t.rows, t.spec, full=full, now=now) for t in tables]
        if not keep:
            for table in tables:
                table.track()
        return frozen

    def size(self) -> tuple[int, int]:
        """How many entries there are, and how large the file is."""
        return sum(map(len, self._tables.values())), self._database.bytes()

    def close(self) -> None:
        """Remove the file."""
        super().close()
        self._database.close()
