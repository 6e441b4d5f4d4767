"""Events of a made-up auction house: the same for the same seed, however they are read.

Of every 50 events one is a person, three are auctions and 46 are bids. Half of the bids go to a
hot auction, three in four come from a hot bidder, three in four auctions from a hot seller. An
event is at most `disorder_ms` behind the one before it in time.
"""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any, Final

from benchmarks.nexmark.model import Auction, Bid, Event, Person
from weft_engine.kernel.connectors import Reader, ReaderContext, Source

START: Final = 1_436_918_400_000
"""When the first event happens; a multiple of all windows here."""
EPOCH: Final = 50
AUCTIONS: Final = 3
"""Of so many events so many are auctions; one is a person."""
BLOCK: Final = 20 * EPOCH
"""So many events are made at once, from random numbers of their own."""
FIRST_PERSON: Final = 1_000
FIRST_AUCTION: Final = 1_000
FIRST_CATEGORY: Final = 10
CATEGORIES: Final = 5
ACTIVE_PEOPLE: Final = 1_000
IN_FLIGHT: Final = 100
"""Bids go to one of so many latest auctions."""
HOT: Final = 100
"""One in so many auctions or people is hot."""
PRICES: Final = tuple(round(10 ** (step / 4096 * 6) * 100) for step in range(4096))
"""In cents; as many between 1 and 10 as between 10 and 100."""
LONGEST_MS: Final = 20_000
"""How long an auction may last."""
DISORDER_MS: Final = 200

_STATES: Final = ("AZ", "CA", "ID", "OR", "WA", "WY")
_CITIES: Final = ("Phoenix", "Los Angeles", "Boise", "Portland", "Bend", "Seattle", "Kent")
_FIRST: Final = ("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah")
_LAST: Final = ("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones")


class Events(Source[Event]):
    """So many events, in parts that can be read side by side."""

    def __init__(
        self,
        count: int,
        seed: int = 1,
        *,
        per_second: int = 1_000,
        disorder_ms: int = DISORDER_MS,
        parts: int = 64,
        paced: bool = False,
    ) -> None:
        """Make it.

        Args:
            count: how many events there are.
            seed: decides about all of them.
            per_second: how many happen in a second of event time.
            disorder_ms: how far behind the time of its turn an event may be.
            parts: into how many parts they are cut.
            paced: whether every event comes when its turn is by the clock, from the moment on that
                the part is opened; at once if not.
        """
        self.count = count
        self.seed = seed
        self.per_second = per_second
        self.disorder_ms = disorder_ms
        self.paced = paced
        self._parts = parts

    def splits(self) -> Sequence[Any]:
        """Events from one number up to another."""
        marks = [self.count * part // self._parts for part in range(self._parts + 1)]
        return list(pairwise(marks))

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Event]:
        """Open a part."""
        start, stop = split
        return _EventsReader(self, start if position is None else position, stop, context)

    def turn(self, number: int) -> int:
        """When it is an event's turn, in milliseconds after the first one."""
        return number * 1000 // self.per_second

    def block(self, number: int) -> list[Event]:
        """Make a block of events."""
        make = _Maker(self, number)
        return [make.event(at) for at in range(number * BLOCK, (number + 1) * BLOCK)]

    def all(self) -> list[Event]:
        """All events, in their order."""
        blocks = -(-self.count // BLOCK)
        return [event for number in range(blocks) for event in self.block(number)][: self.count]


class _EventsReader:
    def __init__(self, events: Events, at: int, stop: int, context: ReaderContext) -> None:
        self._events = events
        self._at = at
        self._stop = stop
        self._context = context
        self._began = context.now() - events.turn(at)
        self._block: list[Event] = []
        self._number = -1

    def read(self, limit: int) -> list[Event] | None:
        at = self._at
        if at >= self._stop:
            return None
        if at // BLOCK != self._number:
            self._number = at // BLOCK
            self._block = self._events.block(self._number)
        first = self._number * BLOCK
        stop = min(at + limit, self._stop, first + BLOCK)
        if self._events.paced:
            stop = self._in_turn(at, stop)
        self._at = stop
        return self._block[at - first : stop - first]

    def _in_turn(self, at: int, stop: int) -> int:
        passed = self._context.now() - self._began
        while stop > at and self._events.turn(stop - 1) > passed:
            stop -= 1
        return stop

    def due(self) -> int:
        """When it is the turn of the next event."""
        return self._began + self._events.turn(self._at)

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


class _Maker:
    """Makes the events of one block. A bid takes one large random number, to be quick about it."""

    def __init__(self, events: Events, block: int) -> None:
        self._per_second = events.per_second
        self._delays = events.disorder_ms + 1
        self._bits = Random(f"{events.seed}-{block}").getrandbits

    def event(self, number: int) -> Event:
        """Make the next one; in order, because each takes random numbers."""
        epoch, offset = divmod(number, EPOCH)
        turn = number * 1000 // self._per_second
        if offset > AUCTIONS:
            return self._bid(epoch, turn)
        time = START + max(0, turn - self._bits(16) % self._delays)
        return self._auction(epoch, offset - 1, time) if offset else self._person(epoch, time)

    def _bid(self, epoch: int, turn: int) -> Bid:
        bits = self._bits(64)
        late = (bits & 0xFFFF) % self._delays
        last = (epoch + 1) * AUCTIONS - 1
        if bits >> 16 & 1:
            auction = last // HOT * HOT
        else:
            oldest = last - IN_FLIGHT if last > IN_FLIGHT else 0
            auction = oldest + (bits >> 20 & 0xFFFF) % (last - oldest + 1)
        bidder = _somebody(bits >> 36 & 0xFFFF, epoch, 1)
        price = PRICES[bits >> 52]
        time = START + (turn - late if turn > late else 0)
        return Bid(FIRST_AUCTION + auction, bidder, price, time)

    def _auction(self, epoch: int, offset: int, time: int) -> Auction:
        id_ = FIRST_AUCTION + epoch * AUCTIONS + offset
        price = PRICES[self._bits(12)]
        reserve = price + PRICES[self._bits(12)] // 4
        expires = time + 1 + self._bits(32) % LONGEST_MS
        category = FIRST_CATEGORY + self._bits(16) % CATEGORIES
        seller = _somebody(self._bits(16), epoch, 0)
        return Auction(id_, f"item {id_}", price, reserve, time, expires, seller, category)

    def _person(self, epoch: int, time: int) -> Person:
        first, last = self._one_of(_FIRST), self._one_of(_LAST)
        email = f"{first}.{last}@example.com".lower()
        city, state = self._one_of(_CITIES), self._one_of(_STATES)
        return Person(FIRST_PERSON + epoch, f"{first} {last}", email, city, state, time)

    def _one_of(self, choices: tuple[str, ...]) -> str:
        return choices[self._bits(16) % len(choices)]


def _somebody(bits: int, epoch: int, which: int) -> int:
    """One of the latest people; hot sellers and hot bidders are not the same."""
    if bits & 3:
        hot = epoch // HOT * HOT + which
        return FIRST_PERSON + (min(epoch, hot))
    oldest = epoch - ACTIVE_PEOPLE if epoch > ACTIVE_PEOPLE else 0
    return FIRST_PERSON + oldest + (bits >> 2) % (epoch - oldest + 1)
