"""A state as it was at a barrier, while the stream goes on.

Freezing copies a dict, not the values in it. A value that can be changed in place is pickled before
the stream gets hold of it again (`Frozen.protect`), everything else when its turn comes in the
thread that writes the checkpoint. This is copy-on-write as in Flink's heap backend, by key.
"""

import pickle
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Protocol
from uuid import UUID

from weft_engine.errors import ResourceError
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.hashing import key_groups_of
from weft_engine.kernel.state.parts import Chunk, dumps, pack

CHUNK: Final = 2000
"""How many entries are pickled in one go: that long the stream may have to wait."""
_MISSING: Final = object()
_PLAIN: Final[frozenset[type]] = frozenset(
    {
        *(int, float, str, bytes, bool, type(None), complex, Decimal, Fraction),
        *(datetime, date, time, timedelta, UUID),
    }
)


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


def group_finder(spec: StateSpec, key_groups: int) -> Callable[[Iterable[Any]], list[int]]:
    """What finds the key groups of a table's keys."""
    if spec.namespaced:
        return lambda keys: key_groups_of((key[0] for key in keys), key_groups)
    return lambda keys: key_groups_of(keys, key_groups)


class Frozen:
    """The entries of a heap table at a barrier."""

    __slots__ = (
        "__weakref__",
        "_chunks",
        "_entries",
        "_failed",
        "_find",
        "_lock",
        "_now",
        "_only",
        "_saved",
        "_spec",
        "_stale",
        "_times",
        "_todo",
        "finished",
    )

    def __init__(
        self,
        spec: StateSpec,
        entries: dict[Any, Any],
        times: dict[Any, int] | None,
        only: set[Any] | None,
        key_groups: int,
        now: int,
        stale: set[Any] | None = None,
    ) -> None:
        """All entries, or `only` some: keys that are not among the entries are gone.

        The collections become its own. `stale` ones are only let go of: of a million keys that
        takes as long as copying them, and whoever writes the snapshot has time for it.
        """
        self._spec = spec
        self._entries = entries
        self._times = times
        self._only = only
        self._now = now
        self._stale = stale
        self._find = group_finder(spec, key_groups)
        self._lock = threading.Lock()
        self._saved: list[bytes] = []
        self._failed: ResourceError | None = None
        self._chunks: list[Chunk] = []
        self._todo: deque[tuple[int, list[Any]]] | None = None
        self.finished = False
        """Whether nothing in it can change any more."""

    def protect(self, keys: Collection[Any]) -> None:
        """The stream is about to get hold of these values: keep them as they are."""
        entries = self._entries
        only = self._only
        if set(map(type, map(entries.get, keys))) <= _PLAIN:
            return  # looked at without the lock: what is not there any more is pickled
        with self._lock:
            touched: dict[Any, Any] = {}
            for key in keys:
                value = entries.get(key, _MISSING)
                if value is not _MISSING and not is_plain(value) and (only is None or key in only):
                    touched[key] = value
            if not touched:
                return
            try:
                self._saved.append(dumps(self._spec, touched))
            except ResourceError as exc:  # told by whoever writes the snapshot
                self._failed = exc
            for key in touched:
                del entries[key]

    def chunks(self) -> Iterator[Chunk]:
        """Its entries by key group.

        Entries are let go of as they are pickled, and the pickles kept until `release`: what is
        asked for again goes on where it stopped.
        """
        self._let_go()
        done = self._chunks
        yield from list(done)
        if self._todo is None:
            keys = list(self._entries if self._only is None else self._only)
            self._todo = deque(self._by_group(keys))
        while self._todo:
            group, keys = self._todo[0]
            chunk = self._take(group, keys[:CHUNK])
            del keys[:CHUNK]
            if not keys:
                self._todo.popleft()
            if chunk is not None:
                done.append(chunk)
                yield chunk
        self.finished = True
        if self._failed is not None:
            raise self._failed
        while self._saved:
            # Values of its own by now: nobody else can change them.
            kept: dict[Any, Any] = pickle.loads(self._saved[0])  # noqa: S301 - pickled above
            made = [
                self._pack(group, keys, [kept[key] for key in keys])
                for group, keys in self._by_group(list(kept))
            ]
            del self._saved[0]
            done += made
            yield from made

    def release(self) -> None:
        """Let go of everything."""
        self.finished = True
        self._entries = {}
        self._only = self._times = self._stale = None
        self._saved = []
        self._chunks = []

    def _let_go(self) -> None:
        """Empty what is stale one by one, for in one go nobody else could run meanwhile."""
        stale, self._stale = self._stale, None
        while stale:
            stale.pop()

    def _take(self, group: int, keys: list[Any]) -> Chunk | None:
        """Pickle entries, and only then let go of them: `protect` looks without the lock."""
        entries = self._entries
        gone: list[Any] = []
        with self._lock:
            if not all(map(entries.__contains__, keys)):
                if self._only is not None:  # the others may be in `_saved`, which comes after
                    gone = [key for key in keys if key not in entries]
                keys = [key for key in keys if key in entries]
            values = list(map(entries.__getitem__, keys))
            chunk = self._pack(group, keys, values, gone) if keys or gone else None
            for key in keys:
                del entries[key]
        return chunk

    def _pack(
        self, group: int, keys: list[Any], values: list[Any], gone: Sequence[Any] = ()
    ) -> Chunk:
        held = self._times
        times = None if held is None else [held.get(key, self._now) for key in keys]
        return pack(self._spec, group, keys, values, times, gone)

    def _by_group(self, keys: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        groups: defaultdict[int, list[Any]] = defaultdict(list)
        for start in range(0, len(keys), CHUNK):
            part = keys[start : start + CHUNK]
            for key, group in zip(part, self._find(part), strict=True):
                groups[group].append(key)
        return iter(sorted(groups.items()))
