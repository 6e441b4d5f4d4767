"""Keyed states as functions see them: handles on whatever the current key is."""

import builtins
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from weft_engine.errors import NodeError
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.state.api import KeyedStore, StateSpec, Table

_Handle = TypeVar("_Handle", bound="Handle")


class HasKey(Protocol):
    """Whoever knows the current key."""

    key: Any
    keyed: bool
    """Whether there are keys at all."""
    begun: bool
    """Whether records come by now, so that None is a key."""


class Handle:
    """One named state. While a batch is worked on its entries are read and written in a dict."""

    def __init__(self, owner: HasKey, table: Table) -> None:
        self._owner = owner
        self._table = table
        self._entries: dict[Any, Any] | None = None
        self._touched: set[Any] = set()

    def begin(self, keys: Iterable[Any]) -> None:
        """Records of these keys follow."""
        self._entries = self._table.begin(keys)

    def done(self) -> None:
        """The batch is through."""
        self._entries = None
        if self._touched:
            touched, self._touched = self._touched, set()
            self._table.done(touched)

    def clear(self) -> None:
        """Take it out."""
        key = self._key()
        if self._entries is None:
            self._table.delete(key)
        elif self._entries.pop(key, self) is not self:
            self._touched.add(key)

    def _get(self, default: Any = None) -> Any:
        key = self._key()
        if self._entries is None:
            return self._table.get(key, default)
        return self._entries.get(key, default)

    def _put(self, value: Any) -> None:
        key = self._key()
        if self._entries is None:
            self._table.put(key, value)
        else:
            self._entries[key] = value
            self._touched.add(key)

    def _key(self) -> Any:
        key = self._owner.key
        if key is None and self._entries is None and not self._owner.begun:
            raise NodeError(
                "A keyed state was used where there is no key.",
                code="state.no_key",
                hint="Use it in process() or on_timer(); in open(), only ask for it.",
            )
        return key


class ValueHandle(Handle):
    """One value."""

    def __init__(self, owner: HasKey, table: Table, default: Any) -> None:
        super().__init__(owner, table)
        self._default = default

    def value(self) -> Any:
        """The value, or the default."""
        if self._entries is not None:  # the short way, once a record
            return self._entries.get(self._owner.key, self._default)
        return self._get(self._default)

    def update(self, value: Any) -> None:
        """Set it."""
        if self._entries is not None:
            key = self._owner.key
            self._entries[key] = value
            self._touched.add(key)
        else:
            self._put(value)


class ListHandle(Handle):
    """A list."""

    def get(self) -> list[Any]:
        """A copy of the list."""
        return list(self._get(()))

    def add(self, value: Any) -> None:
        """Append to it."""
        self.extend((value,))

    def extend(self, values: Iterable[Any]) -> None:
        """Append several."""
        added = list(values)  # it may fail, and nothing is changed then
        held = self._get()
        if held is None:
            held = []
        held.extend(added)
        self._put(held)

    def update(self, values: Iterable[Any]) -> None:
        """Replace it."""
        self._put(list(values))


class MapHandle(Handle):
    """A dict."""

    def get(self, name: Any, default: Any = None) -> Any:
        """One of its values."""
        held = self._get()
        return default if held is None else held.get(name, default)

    def put(self, name: Any, value: Any) -> None:
        """Set one of its values."""
        held = self._get()
        if held is None:
            held = {}
        held[name] = value
        self._put(held)

    def remove(self, name: Any) -> None:
        """Take one out, if it is there."""
        held = self._get()
        if held is None or name not in held:
            return
        del held[name]
        if held:
            self._put(held)
        else:
            self.clear()

    def items(self) -> list[tuple[Any, Any]]:
        """What it holds."""
        return list((self._get() or {}).items())


class ReducingHandle(Handle):
    """One value, made of all that was added."""

    def __init__(self, owner: HasKey, table: Table, fn: Callable[[Any, Any], Any]) -> None:
        super().__init__(owner, table)
        self._fn = fn

    def get(self) -> Any:
        """The value so far."""
        return self._get()

    def add(self, value: Any) -> None:
        """Bring one more in."""
        held = self._get(_NOTHING)
        self._put(value if held is _NOTHING else self._fn(held, value))


class _Nothing:
    """Stands for no value where None is one."""


_NOTHING = _Nothing()


class KeyedStates:
    """All states of one function."""

    def __init__(self, owner: HasKey, store: KeyedStore) -> None:
        self._owner = owner
        self._store = store
        self._handles: dict[str, Handle] = {}
        self._keys: builtins.list[Any] | None = None

    def begin(self, keys: builtins.list[Any]) -> None:
        """Records of these keys follow: read what belongs to them at once."""
        self._keys = keys
        for handle in self._handles.values():
            handle.begin(keys)

    def done(self) -> None:
        """The batch is through: hand back what was changed."""
        self._keys = None
        for handle in self._handles.values():
            handle.done()

    def value(self, name: str, default: Any = None, *, ttl_s: float | None = None) -> ValueHandle:
        """A value a key."""
        return self._handle(
            ValueHandle, lambda table: ValueHandle(self._owner, table, default), name, ttl_s
        )

    def list(self, name: str, *, ttl_s: float | None = None) -> ListHandle:
        """A list a key."""
        return self._handle(ListHandle, lambda table: ListHandle(self._owner, table), name, ttl_s)

    def map(self, name: str, *, ttl_s: float | None = None) -> MapHandle:
        """A dict a key."""
        return self._handle(MapHandle, lambda table: MapHandle(self._owner, table), name, ttl_s)

    def reducing(
        self, name: str, fn: Callable[[Any, Any], Any], *, ttl_s: float | None = None
    ) -> ReducingHandle:
        """A value a key, brought together two at a time."""
        return self._handle(
            ReducingHandle, lambda table: ReducingHandle(self._owner, table, fn), name, ttl_s
        )

    def _handle(
        self,
        kind: type[_Handle],
        make: Callable[[Table], _Handle],
        name: str,
        ttl_s: float | None,
    ) -> _Handle:
        found = self._handles.get(name)
        if found is None:
            if not self._owner.keyed:
                raise NodeError(
                    f"The state {name!r} is asked for on a stream without keys.",
                    code="state.no_key",
                    hint="Call key_by() first; key_by(lambda record: None) is one state for all.",
                )
            spec = StateSpec(name, _KINDS[kind], _milliseconds(name, ttl_s))
            found = self._handles[name] = make(self._store.table(spec))
            if self._keys is not None:
                found.begin(self._keys)
        if not isinstance(found, kind):
            raise NodeError(
                f"The state {name!r} is asked for as two different kinds.",
                code="state.kind_changed",
                hint="Give each state of a function a name of its own.",
            )
        return found


def _milliseconds(name: str, ttl_s: float | None) -> int | None:
    if ttl_s is None:
        return None
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, int | float) or ttl_s <= 0:
        raise ProgramError(
            f"ttl_s of the state {name!r} cannot be {ttl_s!r}",
            hint="Give a number of seconds above 0.",
        )
    return round(ttl_s * 1000)


_KINDS: dict[type[Handle], Any] = {
    ValueHandle: "value",
    ListHandle: "list",
    MapHandle: "map",
    ReducingHandle: "reducing",
}
