"""Where everything in a document lies, as far as new items may refer to it.

An item says where it belongs by naming its neighbours or the shared type around it. pycrdt
believes that: items whose neighbours lie in different places, or that lie in what is no shared
type, make it write to freed memory. So we keep a note of where each item lies and refuse those.
Deep chains of shared types, whose deletion overflows the stack, are found on the way.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, TypeAlias

from weft_server.rooms.codec import MAX_CLOCK, ProtocolError
from weft_server.rooms.guard import DELETED, GC, SKIP, STRING, TYPE, Contents, Id, Item

DEEPEST: Final = 16
"""How deeply shared types may nest; ours nest four deep."""

Home: TypeAlias = tuple[Id | str, str | None] | None
"""The shared type around an item and its key there, none in a text; nothing if it was deleted."""


class Structure:
    """The homes of the items of a document, and its shared types."""

    def __init__(self) -> None:
        self._starts: dict[int, list[int]] = {}
        self._homes: dict[int, list[Home]] = {}
        self._types: dict[Id, tuple[bool, int]] = {}
        self._deleted: dict[int, list[tuple[int, int]]] = {}
        self._known: dict[Home, Home] = {}

    def plan(
        self, contents: Contents, state: Mapping[int, int], *, trusted: bool = False
    ) -> "Plan":
        """Work out where the new items of an update lie that goes on where the document ends.

        Raises:
            ProtocolError: an item refers to what it cannot refer to.
        """
        fresh = {
            client: [item for item in items if item.clock >= state.get(client, 0)]
            for client, items in contents.items.items()
        }
        plan = Plan(self, fresh, trusted=trusted)
        plan.resolve()
        return plan

    def take(self, plan: "Plan") -> None:
        """Note where items lie; neighbours in the same place share a note."""
        self._types.update(plan.types)
        for client, items in plan.fresh.items():
            starts = self._starts.setdefault(client, [])
            places = self._homes.setdefault(client, [])
            for item in items:
                if item.kind == DELETED:
                    run = item.clock, item.clock + item.length
                    self._deleted.setdefault(client, []).append(run)
                home = plan.homes[client, item.clock]
                home = self._known.setdefault(home, home)
                if not places or places[-1] is not home:
                    starts.append(item.clock)
                    places.append(home)

    def home(self, at: Id) -> Home:
        """Where the item at a place lies."""
        index = bisect_right(self._starts.get(at[0], ()), at[1]) - 1
        return None if index < 0 else self._homes[at[0]][index]

    def is_deleted(self, at: Id) -> bool:
        """Whether what a place held was deleted before we heard of it; nobody knows what it was."""
        runs = self._deleted.get(at[0], ())
        index = bisect_right(runs, (at[1], MAX_CLOCK)) - 1
        return index >= 0 and at[1] < runs[index][1]

    def type(self, at: Id) -> tuple[bool, int] | None:
        """Whether a shared type is a text, and how deep it lies; nothing if it is none."""
        return self._types.get(at)


class Plan:
    """Where the items of one update lie, which may depend on each other."""

    def __init__(
        self, structure: Structure, fresh: Mapping[int, list[Item]], *, trusted: bool
    ) -> None:
        self._structure = structure
        self.fresh = fresh
        self._starts = {client: [item.clock for item in items] for client, items in fresh.items()}
        self._trusted = trusted
        self.homes: dict[Id, Home] = {}
        self.types: dict[Id, tuple[bool, int]] = {}

    def resolve(self) -> None:
        """Work out the home of every item."""
        for client, items in self.fresh.items():
            for item in items:
                if (client, item.clock) not in self.homes:
                    self._resolve(client, item)

    def _resolve(self, client: int, item: Item) -> None:
        """Resolve an item after what it refers to, without recursion: chains may be long."""
        if not self._unresolved(item):
            self._settle((client, item.clock), item)
            return
        stack = [(client, item)]
        visiting: set[Id] = set()
        while stack:
            client, item = stack[-1]
            id_ = client, item.clock
            waiting = self._unresolved(item)
            if not waiting:
                self._settle(id_, item)
                stack.pop()
            elif id_ in visiting:
                raise ProtocolError("items depend on each other in a circle")
            else:
                visiting.add(id_)
                stack.extend(waiting)

    def _unresolved(self, item: Item) -> list[tuple[int, Item]]:
        """The items of this update that must be resolved before this one."""
        waiting = []
        for at in (item.origin, item.right, item.parent):
            if not isinstance(at, tuple) or at in self.homes:
                continue
            found = self._find(at)
            if found is not None and (at[0], found.clock) not in self.homes:
                waiting.append((at[0], found))
        return waiting

    def _find(self, at: Id) -> Item | None:
        """The item of this update that a place is in."""
        index = bisect_right(self._starts.get(at[0], ()), at[1]) - 1
        return None if index < 0 else self.fresh[at[0]][index]

    def _settle(self, id_: Id, item: Item) -> None:
        if id_ in self.homes:
            return
        home = None if item.kind in {GC, SKIP} else self._home_of(item)
        if home is not None and not _belongs(item, home):
            home = self._refuse("an item is of a kind that its place does not hold")
        self.homes[id_] = home
        if item.kind == TYPE:
            self.types[id_] = item.is_text, self._depth_in(home)

    def _home_of(self, item: Item) -> Home:
        if item.origin is None and item.right is None:
            return self._named_home(item)
        homes = [self._home_at(at) for at in (item.origin, item.right) if at is not None]
        # What is deleted with all around it has no home any more; then neither neighbour has one.
        if homes[0] != homes[-1]:
            return self._refuse("the neighbours of an item lie in different places")
        return homes[0]

    def _named_home(self, item: Item) -> Home:
        if isinstance(item.parent, str):
            if item.key is None:
                return self._refuse("a root of this product holds keys")
            return item.parent, item.key
        assert item.parent is not None
        found = self._type_at(item.parent)
        if found is None:
            # It may have been one before it was deleted; then what lies in it is gone too.
            if self._is_deleted(item.parent) or self._home_at(item.parent) is None:
                return None
            return self._refuse("an item lies in what is no shared type")
        if found[0] is not (item.key is None):
            return self._refuse("a text holds no keys, and a map nothing else")
        return item.parent, item.key

    def _home_at(self, at: Id) -> Home:
        if at in self.homes:
            return self.homes[at]
        found = self._find(at)
        if found is None:
            return self._structure.home(at)
        return self.homes[at[0], found.clock]

    def _is_deleted(self, at: Id) -> bool:
        found = self._find(at)
        if found is None:
            return self._structure.is_deleted(at)
        return found.kind == DELETED

    def _type_at(self, at: Id) -> tuple[bool, int] | None:
        return self.types.get(at) or self._structure.type(at)

    def _depth_in(self, home: Home) -> int:
        around = None if home is None or isinstance(home[0], str) else self._type_at(home[0])
        depth = 1 if around is None else around[1] + 1
        if depth > DEEPEST:
            self._refuse("shared types are nested too deeply")
        return depth

    def _refuse(self, reason: str) -> Home:
        """Refuse what a stranger sent; what is stored counts as deleted where it makes no sense."""
        if not self._trusted:
            raise ProtocolError(reason)
        return None


def _belongs(item: Item, home: tuple[Id | str, str | None]) -> bool:
    """Whether an item is of a kind that its place holds: characters in a text, values in a map."""
    return item.kind == DELETED or (item.kind == STRING) is (home[1] is None)
