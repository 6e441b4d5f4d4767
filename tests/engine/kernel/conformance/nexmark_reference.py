"""What the Nexmark queries mean: over a list of all events, with no thought of speed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.nexmark.generator import START, Events
from benchmarks.nexmark.model import Auction, Bid, Event, Person
from benchmarks.nexmark.queries import (
    AUCTION_STEP,
    CATEGORY,
    EURO,
    SESSION_MS,
    SIDE_ROWS,
    SLIDE_MS,
    STATES,
    WINDOW_MS,
)

Rows = Iterable[Any]


def bids_of(events: list[Event]) -> list[Bid]:
    return [event for event in events if isinstance(event, Bid)]


def auctions_of(events: list[Event]) -> list[Auction]:
    return [event for event in events if isinstance(event, Auction)]


def persons_of(events: list[Event]) -> list[Person]:
    return [event for event in events if isinstance(event, Person)]


def ends(time: int, every: int) -> list[int]:
    """The ends of all windows that a time is in."""
    first = time - time % every + every
    return list(range(first, first + WINDOW_MS, every))


def sales(events: list[Event]) -> list[tuple[Auction, int]]:
    """What was sold, in the order in which auctions close."""
    bids = defaultdict(list)
    for bid in bids_of(events):
        bids[bid.auction].append(bid)
    sold = []
    for auction in auctions_of(events):
        prices = [
            bid.price
            for bid in bids[auction.id]
            if auction.time <= bid.time < auction.expires and bid.price >= auction.reserve
        ]
        if prices:
            sold.append((auction, max(prices)))
    return sorted(sold, key=lambda sale: (sale[0].expires, sale[0].id))


def q0(events: list[Event]) -> Rows:
    return events


def q1(events: list[Event]) -> Rows:
    return [(b.auction, b.bidder, b.price * EURO, b.time) for b in bids_of(events)]


def q2(events: list[Event]) -> Rows:
    return [(b.auction, b.price) for b in bids_of(events) if not b.auction % AUCTION_STEP]


def q3(events: list[Event]) -> Rows:
    return [
        (person.name, person.city, person.state, auction.id)
        for person in persons_of(events)
        if person.state in STATES
        for auction in auctions_of(events)
        if auction.seller == person.id and auction.category == CATEGORY
    ]


def q4(events: list[Event]) -> Rows:
    prices = defaultdict(list)
    for auction, price in sales(events):
        for end in ends(auction.expires, SLIDE_MS):
            prices[end, auction.category].append(price)
    return [(end, category, sum(all_) / len(all_)) for (end, category), all_ in prices.items()]


def q5(events: list[Event]) -> Rows:
    counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for bid in bids_of(events):
        for end in ends(bid.time, SLIDE_MS):
            counts[end][bid.auction] += 1
    return [
        (end, auction, count)
        for end, of in counts.items()
        for auction, count in of.items()
        if count == max(of.values())
    ]


def q6(events: list[Event]) -> Rows:
    prices = defaultdict(list)
    for auction, price in sales(events):
        prices[auction.seller].append(price)
        last = prices[auction.seller][-10:]
        yield auction.id, auction.seller, sum(last) / len(last)


def q7(events: list[Event]) -> Rows:
    bids = bids_of(events)
    windows = defaultdict(list)
    for bid in bids:
        windows[bid.time // WINDOW_MS].append(bid)
    for inside in windows.values():
        highest = max(bid.price for bid in inside)
        yield from (bid for bid in inside if bid.price == highest)


def q8(events: list[Event]) -> Rows:
    return [
        (person.id, person.name, auction.id)
        for person in persons_of(events)
        for auction in auctions_of(events)
        if auction.seller == person.id and auction.time // WINDOW_MS == person.time // WINDOW_MS
    ]


def q11(events: list[Event]) -> Rows:
    times = defaultdict(list)
    for bid in bids_of(events):
        times[bid.bidder].append(bid.time)
    for bidder, all_ in times.items():
        count, last = 0, None
        for time in sorted(all_):
            if last is not None and time - last >= SESSION_MS:
                yield last + SESSION_MS, bidder, count
                count = 0
            count, last = count + 1, time
        if last is not None:
            yield last + SESSION_MS, bidder, count


def q12(source: Events) -> Rows:
    """Of events that come in their turn, in one part, on a clock that begins with zero."""
    counts = Counter(
        (source.turn(number) // WINDOW_MS * WINDOW_MS + WINDOW_MS, event.bidder)
        for number, event in enumerate(source.all())
        if isinstance(event, Bid)
    )
    return [(end, bidder, count) for (end, bidder), count in counts.items()]


def q13(events: list[Event]) -> Rows:
    return [(b.auction, b.bidder, b.price, f"row {b.auction % SIDE_ROWS}") for b in bids_of(events)]


REFERENCE = {fn.__name__: fn for fn in (q0, q1, q2, q3, q4, q5, q6, q7, q8, q11, q13)}

assert START % WINDOW_MS == 0
