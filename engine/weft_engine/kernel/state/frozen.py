"""A state as it was at a barrier, while the stream goes on.

Freezing copies no entries. Whoever is about to change a key for the first time after the barrier
leaves the value it has with the snapshot (its pre-image); the thread that writes takes pre-images
first, and what is in the table else. A value that can be changed in place is left as a pickle.

There is no lock, for a stream that waits for one while another thread runs gets the interpreter
back only 5 ms later. What makes it right is the order: the stream leaves pre-images before it
changes anything, and the writer reads the table before it looks for pre-images. So a value that
stands in the table after the barrier's is never taken for that; and what can be changed in place
is pickled again (from its pre-image) should one have been left meanwhile.
"""

import pickle
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, compress, islice, repeat, starmap
from typing import Any, Final, Protocol
from uuid import UUID

from weft_engine.errors import ResourceError
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.grouping import GroupReader, KnownGroups, group_finder
from weft_engine.kernel.state.parts import Chunk, dumps, pack

CHUNK: Final = 2000
"""How many entries are pickled in one go: that long the stream may have to wait."""
PIECE: Final = 32_768
"""How many entries are divided among the key groups at a time. In the order of the table they stand
close together in memory; key group by key group, to find them would take longer than to write."""


class _Mark:
    """What a pre-image says instead of a value."""


_GONE: Final = _Mark()
"""The key was not there."""
_PICKLED: Final = _Mark()
"""The value is among the pickles."""
_WRITTEN: Final = _Mark()
"""A value that can be changed in place is written by now."""
_PLAIN: Final[frozenset[type]] = frozenset(
    {
        *(int, float, str, bytes, bool, type(None), complex, Decimal, Fraction),
        *(datetime, date, time, timedelta, UUID),
    }
)
_PLAIN_OR_GONE: Final = _PLAIN | {_Mark}


class FrozenTable(Protocol):
    """What a snapshot writes of one state."""

    def chunks(self) -> Iterator[Chunk]:
        """Its entries by key group; may be asked for again when writing has failed."""
        ...

    def release(self) -> None:
        """It is written, or will never be."""


def is_plain(value: Any) -> bool:
    """Whether a value cannot be changed in place."""
    kind = type(value)
    return kind in _PLAIN or (kind is tuple and all(type(item) in _PLAIN for item in value))


class Frozen:
    """The entries of a heap table at a barrier.

    `protect` is called by the thread of the stream, everything else by the one that writes.
    """

    __slots__ = (
        "__weakref__",
        "_chunks",
        "_data",
        "_failed",
        "_find",
        "_keys",
        "_now",
        "_only",
        "_pickles",
        "_reader",
        "_rest",
        "_saved",
        "_saved_times",
        "_spec",
        "_stale",
        "_times",
        "_todo",
        "finished",
    )

    def __init__(
        self,
        spec: StateSpec,
        data: dict[Any, Any],
        times: dict[Any, int] | None,
        keys: list[Any] | set[Any],
        key_groups: int,
        now: int,
        known: KnownGroups | None = None,
        stale: set[Any] | None = None,
    ) -> None:
        """Make it at the barrier.

        Args:
            spec: The state.
            data: The entries of the table, which go on changing.
            times: When they were written, likewise.
            keys: A list of all keys; or a set of those that have changed, some of which may be
                gone. They become its own.
            key_groups: How many groups there are.
            now: The time of an entry whose time is not known.
            known: The groups of all keys, as far as they are known.
            stale: A set to let go of: of a million keys that takes as long as copying them, and
                whoever writes the snapshot has time for it.
        """
        self._spec = spec
        self._data = data
        self._times = times
        self._keys = keys
        self._only = keys if isinstance(keys, set) else None
        self._rest = iter(keys)
        self._now = now
        self._stale = stale
        self._find = group_finder(spec, key_groups)
        self._reader: GroupReader | None = None
        if known is not None and self._only is None:
            self._reader = known.reader(self._find)
        self._saved: dict[Any, Any] = {}
        self._saved_times: dict[Any, int] = {}
        self._pickles: deque[bytes] = deque()
        self._failed: ResourceError | None = None
        self._chunks: list[Chunk] = []
        self._todo: deque[tuple[int, list[Any], list[Any] | None]] = deque()
        """Key groups with keys, and the values where none of them can be changed in place."""
        self.finished = False
        """Whether nothing in it can change any more."""

    def protect(self, keys: Collection[Any]) -> None:
        """The stream is about to change these entries: keep them as they are."""
        only = self._only
        if only is not None:
            keys = only.intersection(keys)
        if self.finished or not keys:
            return
        saved, times = self._saved, self._times
        if times is not None:
            _keep(self._saved_times, keys, map(times.get, keys, repeat(self._now)))
        values = list(map(self._data.get, keys, repeat(_GONE)))
        if _all_plain(values, _PLAIN_OR_GONE):
            _keep(saved, keys, values)
            return
        touched: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if key in saved:
                continue
            if value is _GONE or is_plain(value):
                saved[key] = value
            else:
                touched[key] = value
        if touched:
            try:
                self._pickles.append(dumps(self._spec, touched))
            except ResourceError as exc:  # told by whoever writes the snapshot
                self._failed = exc
            saved.update(dict.fromkeys(touched, _PICKLED))

    def protect_one(self, key: Any) -> None:
        """The same for a single entry."""
        only = self._only
        if key not in self._saved and (only is None or key in only):
            self.protect((key,))

    def chunks(self) -> Iterator[Chunk]:
        """Its entries by key group.

        What has been pickled is kept until `release`: what is asked for again goes on where it
        stopped.
        """
        _let_go(self._stale)
        done = self._chunks
        yield from list(done)
        while self._deal():
            group, keys, values = self._todo[0]
            if values is None:
                chunk = self._take(group, keys[-CHUNK:])
            else:
                chunk = self._pack_there(group, keys[-CHUNK:], values[-CHUNK:])
                del values[-CHUNK:]
            del keys[-CHUNK:]
            if not keys:
                self._todo.popleft()
            if chunk is not None:
                done.append(chunk)
                yield chunk
        self.finished = True
        if self._failed is not None:
            raise self._failed
        while self._pickles:
            # Values of its own by now: nobody else can change them.
            kept: dict[Any, Any] = pickle.loads(self._pickles[0])  # noqa: S301 - pickled above
            made = [
                self._pack(group, keys, [kept[key] for key in keys])
                for group, keys in _by_group(kept, self._find(kept)).items()
            ]
            self._pickles.popleft()
            done += made
            yield from made

    def release(self) -> None:
        """Let go of everything."""
        self.finished = True
        self._data = {}
        self._times = None
        self._chunks = []
        self._todo.clear()
        self._rest = iter(())
        self._pickles.clear()
        keys, self._keys = self._keys, []
        saved, self._saved = self._saved, {}
        times, self._saved_times = self._saved_times, {}
        for held in (keys, self._stale, saved, times):
            _let_go(held)

    def _deal(self) -> bool:
        """See to it that there is something to do; whether there is."""
        if self._todo:
            return True
        keys = list(islice(self._rest, PIECE))
        if keys:
            groups = self._find(keys) if self._reader is None else self._reader.groups_of(keys)
            dealt, values = _by_group(keys, groups), self._values(keys)
            if _all_plain(values, _PLAIN_OR_GONE):
                held = _by_group(values, groups)
                self._todo.extend((group, own, held[group]) for group, own in dealt.items())
            else:
                self._todo.extend((group, own, None) for group, own in dealt.items())
            return True
        reader, self._reader = self._reader, None
        if reader is not None and isinstance(self._keys, list):
            keys, self._keys = self._keys, []
            for needless in reader.done(keys):
                _let_go(needless)
        return False

    def _values(self, keys: list[Any]) -> list[Any]:
        """What was there at the barrier, or a mark; what can be changed in place may have been."""
        found: list[Any] = []
        for start in range(0, len(keys), CHUNK):
            some = keys[start : start + CHUNK]
            live = map(self._data.get, some, repeat(_GONE))
            found += map(self._saved.get, some, live)
        return found

    def _take(self, group: int, keys: list[Any]) -> Chunk | None:
        """Pickle entries as they were at the barrier, also those that can be changed in place."""
        saved = self._saved
        while True:
            values = self._values(keys)
            changeable = [
                key
                for key, value in zip(keys, values, strict=True)
                if type(value) is not _Mark and not is_plain(value)
            ]
            try:
                chunk = self._pack_there(group, keys, values)
            except ResourceError:
                if saved.keys().isdisjoint(changeable):
                    raise
                continue  # it was changed just then
            if saved.keys().isdisjoint(changeable):
                saved.update(dict.fromkeys(changeable, _WRITTEN))
                return chunk

    def _pack_there(self, group: int, keys: list[Any], values: list[Any]) -> Chunk | None:
        """Pickle entries, leaving out those with a mark; None when there is nothing to say."""
        gone: list[Any] = []
        if _Mark in set(map(type, values)):
            if self._only is not None:
                gone = [key for key, value in zip(keys, values, strict=True) if value is _GONE]
            there = [type(value) is not _Mark for value in values]
            keys, values = list(compress(keys, there)), list(compress(values, there))
        return self._pack(group, keys, values, gone) if keys or gone else None

    def _pack(
        self, group: int, keys: list[Any], values: list[Any], gone: Sequence[Any] = ()
    ) -> Chunk:
        times = None
        if self._times is not None:
            live = map(self._times.get, keys, repeat(self._now))
            times = list(map(self._saved_times.get, keys, live))
        return pack(self._spec, group, keys, values, times, gone)


def _by_group(items: Iterable[Any], groups: Iterable[int]) -> dict[int, list[Any]]:
    """Divide keys, or their values, among the groups of the keys; the first group first."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for item, group in zip(items, groups, strict=True):
        found[group].append(item)
    return dict(sorted(found.items()))


def _all_plain(values: list[Any], plain: frozenset[type]) -> bool:
    """Whether none of many values can be changed in place."""
    kinds = set(map(type, values))
    if kinds <= plain:
        return True
    if tuple not in kinds or not kinds <= plain | {tuple}:
        return False
    tuples = (value for value in values if type(value) is tuple)
    return set(map(type, chain.from_iterable(tuples))) <= _PLAIN


def _keep(held: dict[Any, Any], keys: Iterable[Any], values: Iterable[Any]) -> None:
    """Put values into a dict, under keys that have none."""
    deque(map(held.setdefault, keys, values), maxlen=0)


def _let_go(held: list[Any] | set[Any] | dict[Any, Any] | None) -> None:
    """Empty what may be large bit by bit, for in one go nobody else could run meanwhile."""
    if held is None:
        return
    take = held.popitem if isinstance(held, dict) else held.pop
    while held:
        deque(starmap(take, repeat((), min(len(held), CHUNK))), maxlen=0)
