"""Parses the updates of strangers before pycrdt sees them.

pycrdt 0.14 overflows the stack on a 52 KB update of nested values, reserves half a gigabyte for a
five-byte one, keeps an update that arrives out of order for ever without applying it, and writes
to freed memory when items refer to what they cannot refer to. So each update is read here first:
its sizes are bounded, it holds only what this product writes, and what it refers to is known.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from weft_server.rooms.codec import MAX_CLOCK, ProtocolError, Reader
from weft_server.rooms.pairs import Halves, Pairs, second_halves

ROOTS: Final = frozenset({"meta", "nodes", "edges", "notes", "comments"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one update may hold."""

    size: int
    structs: int
    values: int
    deletes: int
    clients: int
    string: int = 2 << 20
    key: int = 256
    value_depth: int = 34


LIVE: Final = Limits(size=512 << 10, structs=20_000, values=50_000, deletes=20_000, clients=200)
"""An update as it is made: one change, or a few."""
WHOLE: Final = Limits(
    size=2 << 20, structs=200_000, values=400_000, deletes=400_000, clients=20_000
)
"""The answer to a sync request: all that was done offline, and every deletion of the document."""
_ANY: Final = 1 << 62
STORED: Final = Limits(size=_ANY, structs=_ANY, values=_ANY, deletes=_ANY, clients=_ANY)
"""What was let in before, piece by piece."""

GC, DELETED, STRING, TYPE, VALUES, SKIP = 0, 1, 4, 7, 8, 10
Id = tuple[int, int]
"""An item, or a place in one: client and clock."""


class Item(NamedTuple):
    """A struct of an update: what it is and what it says about where it belongs."""

    clock: int
    length: int
    kind: int
    origin: Id | None = None
    """What stood to its left when it was made."""
    right: Id | None = None
    parent: Id | str | None = None
    """What it lies in, if no neighbour says so: a shared type or the name of a root."""
    key: str | None = None
    is_text: bool = False
    """Of a shared type: a text and not a map."""


@dataclass(slots=True)
class Contents:
    """What an update holds, as far as it matters who wrote it and whether it can be applied."""

    items: dict[int, list[Item]] = field(default_factory=dict)
    """All that is new in it, by author, in order."""
    needs: dict[int, int] = field(default_factory=dict)
    """How many clocks of a client must be known for its references to lead somewhere."""
    deletes: dict[int, int] = field(default_factory=dict)
    """How many clocks of a client must be known for its deletions to mean something."""
    deleted: list[tuple[int, int, int]] = field(default_factory=list)
    """What it deletes: client, first clock, and the clock behind."""
    halves: Halves = field(default_factory=dict)
    """The second halves of characters that count as two, by author."""

    @property
    def is_empty(self) -> bool:
        """Whether applying it changes nothing."""
        return not self.items and not self.deleted

    def new_clients(self, state: Mapping[int, int]) -> set[int]:
        """The clients of whom it carries something that is not known yet."""
        return {client for client in self.items if self._end(client) > state.get(client, 0)}

    def after(self, state: Mapping[int, int]) -> dict[int, int]:
        """What is known of the clients it carries, once it is applied."""
        return {client: max(state.get(client, 0), self._end(client)) for client in self.items}

    def _end(self, client: int) -> int:
        last = self.items[client][-1]
        return last.clock + last.length

    def fits(self, state: Mapping[int, int]) -> bool:
        """Whether it goes on exactly where something known ends, and needs nothing unknown."""
        if not all(_goes_on(items, state.get(client, 0)) for client, items in self.items.items()):
            return False
        after = self.after(state)
        return all(
            clock <= after.get(client, state.get(client, 0))
            for wanted in (self.needs, self.deletes)
            for client, clock in wanted.items()
        )

    def parts_a_character(self, pairs: Pairs) -> bool:
        """Whether it goes through the middle of a character that counts as two."""
        if not self.halves and not pairs:
            return False
        return any(
            pairs.is_parted(client, clock) or clock in self.halves.get(client, ())
            for client, clock in self._borders()
        )

    def _borders(self) -> Iterator[Id]:
        """Where text is parted when this is applied, by the clock behind the border."""
        for items in self.items.values():
            for item in items:
                if item.origin is not None:
                    yield item.origin[0], item.origin[1] + 1
                if item.right is not None:
                    yield item.right
        for client, start, end in self.deleted:
            yield client, start
            yield client, end


def _goes_on(items: list[Item], known: int) -> bool:
    """Whether the items reach what is known without a hole, and no item lies across its end."""
    first, last = items[0], items[-1]
    if first.clock > known:
        return False
    if any(item.kind == SKIP and item.clock + item.length > known for item in items):
        return False
    if last.clock + last.length <= known:
        return True
    index = bisect_left(items, (known,))
    return index < len(items) and items[index].clock == known


def parse_update(data: bytes, limits: Limits = LIVE) -> Contents:
    """Read an update in Yjs' first encoding.

    Raises:
        ProtocolError: it is malformed, too large, or holds what this product never writes.
    """
    if len(data) > limits.size:
        raise ProtocolError("the update is too large", 1009)
    parser = _Parser(data, limits)
    parser.blocks()
    parser.deletions()
    parser.reader.finish()
    return parser.contents


_HAS_ORIGIN, _HAS_RIGHT, _HAS_KEY = 0x80, 0x40, 0x20
_Y_MAP, _Y_TEXT = 1, 2
_PLAIN = frozenset({127, 126, 121, 120})  # undefined, null, false, true


class _Parser:
    """One pass over an update."""

    __slots__ = ("contents", "limits", "reader", "structs", "values")

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.reader = Reader(data)
        self.limits = limits
        self.contents = Contents()
        self.structs = 0
        self.values = 0

    def blocks(self) -> None:
        reader = self.reader
        count = reader.uint()
        if count > self.limits.clients or count > reader.left // 3:
            raise ProtocolError("the update counts too many clients")
        for _ in range(count):
            structs = reader.uint()
            client = reader.client()
            if client in self.contents.items:
                raise ProtocolError("a client is listed twice")
            self.structs += structs
            if self.structs > self.limits.structs or not 0 < structs <= reader.left:
                raise ProtocolError("the update counts too many structs")
            self.contents.items[client] = self._block(client, reader.clock(), structs)

    def _block(self, client: int, clock: int, structs: int) -> list[Item]:
        items = []
        for _ in range(structs):
            info = self.reader.byte()
            kind = info & 0x1F
            if kind in {GC, SKIP}:
                if info != kind:
                    raise ProtocolError("a struct has flags it cannot have")
                item = Item(clock, self.reader.uint(), kind)
            else:
                item = self._item(client, clock, info)
            clock += item.length
            if item.length <= 0 or clock >= MAX_CLOCK:
                raise ProtocolError("the length of a struct is out of range")
            items.append(item)
        return items

    def _item(self, client: int, clock: int, info: int) -> Item:
        origin = right = parent = key = None
        if info & _HAS_ORIGIN:
            origin = self._reference(client, clock)
        if info & _HAS_RIGHT:
            right = self._reference(client, clock)
        if origin is None and right is None:
            parent = self._parent(client, clock)
            if info & _HAS_KEY:
                key = self.reader.string(self.limits.key)
        kind = info & 0x1F
        if kind == TYPE:
            return Item(clock, 1, kind, origin, right, parent, key, self._type())
        length = self._content(kind, client, clock)
        return Item(clock, length, kind, origin, right, parent, key)

    def _parent(self, client: int, clock: int) -> Id | str:
        named = self.reader.uint()
        if named == 0:
            return self._reference(client, clock)
        if named != 1:
            raise ProtocolError("a parent is neither a name nor an item")
        name = self.reader.string(self.limits.key)
        if name not in ROOTS:
            raise ProtocolError("this product has no such shared type")
        return name

    def _reference(self, client: int, clock: int) -> Id:
        other, at = self.reader.client(), self.reader.clock()
        if other == client and at >= clock:
            raise ProtocolError("an item depends on a later one of its own author")
        needs = self.contents.needs
        if at >= needs.get(other, 0):
            needs[other] = at + 1
        return other, at

    def _type(self) -> bool:
        kind = self.reader.uint()
        if kind not in {_Y_MAP, _Y_TEXT}:
            raise ProtocolError("a shared type is none that this product uses")
        return kind == _Y_TEXT

    def _content(self, kind: int, client: int, clock: int) -> int:
        """Step over the content of an item; its length in clocks."""
        reader = self.reader
        if kind == VALUES:
            count = reader.count()
            for _ in range(count):
                self._value(1)
            return count
        if kind == STRING:
            return self._string(client, clock)
        if kind == DELETED:
            return reader.uint()
        raise ProtocolError("an item holds what this product never writes")

    def _string(self, client: int, clock: int) -> int:
        """Step over a piece of text; its length as Yjs counts it, in UTF-16 units."""
        text = self.reader.string(self.limits.string)
        if text.isascii():
            return len(text)
        halves = set(second_halves(text, clock))
        if halves:
            self.contents.halves.setdefault(client, set()).update(halves)
        return len(text) + len(halves)

    def _value(self, depth: int) -> None:
        """Step over a plain value."""
        self.values += 1
        if self.values > self.limits.values:
            raise ProtocolError("the update holds too many values")
        if depth > self.limits.value_depth:
            raise ProtocolError("a value is nested too deeply")
        reader = self.reader
        tag = reader.byte()
        if tag == 119:
            reader.string(self.limits.string)
        elif tag == 125:
            self._signed()
        elif tag in {124, 123}:
            reader.skip(4 if tag == 124 else 8)
        elif tag in {118, 117}:
            self._values(tag, depth)
        elif tag not in _PLAIN:
            raise ProtocolError("a value is of a kind that JSON does not have")

    def _values(self, tag: int, depth: int) -> None:
        for _ in range(self.reader.count()):
            if tag == 118:
                self.reader.string(self.limits.string)
            self._value(depth + 1)

    def _signed(self) -> None:
        for _ in range(8):
            if self.reader.byte() < 0x80:
                return
        raise ProtocolError("a number is too long")

    def deletions(self) -> None:
        reader = self.reader
        clients = reader.uint()
        if clients > self.limits.clients or clients > reader.left // 2:
            raise ProtocolError("the update deletes from too many clients")
        total = 0
        contents = self.contents
        for _ in range(clients):
            client = reader.client()
            ranges = reader.uint()
            total += ranges
            if total > self.limits.deletes or ranges > reader.left // 2:
                raise ProtocolError("the update holds too many deletions")
            for _ in range(ranges):
                start = reader.clock()
                end = start + reader.uint()
                if end >= MAX_CLOCK:
                    raise ProtocolError("a deletion is out of range")
                contents.deletes[client] = max(end, contents.deletes.get(client, 0))
                contents.deleted.append((client, start, end))
