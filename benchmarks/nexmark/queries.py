"""The queries, each from the stream of all events to its results.

Where the suites leave a choice, results are such that they do not depend on the order in which
records of different keys are worked on: averages are given for windows, and sales of a seller are
taken in the order in which the auctions close.
"""

from collections.abc import Callable
from typing import Any, Final

from benchmarks.nexmark import folds
from benchmarks.nexmark.closing import LastSales, WinningBid
from benchmarks.nexmark.generator import DISORDER_MS
from benchmarks.nexmark.local_items import LocalItems
from benchmarks.nexmark.model import Auction, Bid, Event, Person, kind_of, time_of
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.stream import DataStream
from weft_engine.kernel.windows import Session, Sliding, Tumbling

WINDOW_MS: Final = 10_000
SLIDE_MS: Final = 5_000
SESSION_MS: Final = 10_000
EURO: Final = 0.908
"""What a dollar is worth."""
AUCTION_STEP: Final = 123
"""Query 2 takes the bids for every so manyth auction."""
STATES: Final = frozenset({"OR", "ID", "CA"})
CATEGORY: Final = 10
SIDE_ROWS: Final = 500

Events = DataStream[Event]


def _kinds(events: Events) -> tuple[DataStream[Person], DataStream[Auction], DataStream[Bid]]:
    persons, auctions, bids = events.split(kind_of, 3, name="kinds")
    return persons, auctions, bids  # type: ignore[return-value]


def _timed(events: Events) -> Events:
    return events.assign_timestamps(time_of, max_out_of_orderness=DISORDER_MS, name="times")


def _bids(events: Events) -> DataStream[Bid]:
    return events.filter(Inline("type(item) is kind", kind=Bid), name="bids")  # type: ignore[return-value]


def q0(events: Events) -> DataStream[Event]:
    """All events as they are."""
    return events


def q1(events: Events) -> DataStream[Bid]:
    """The bids, in euros."""
    euros = Inline(
        "bid(item.auction, item.bidder, item.price * euro, item.time)", bid=Bid, euro=EURO
    )
    return _bids(events).map(euros, name="euros")


def q2(events: Events) -> DataStream[tuple[int, int]]:
    """Auction and price of the bids for some auctions."""
    wanted = Inline("type(item) is kind and item.auction % step == 0", kind=Bid, step=AUCTION_STEP)
    return events.filter(wanted, name="some auctions").map(Inline("(item.auction, item.price)"))


def q3(events: Events) -> DataStream[tuple[str, str, str, int]]:
    """Who sells in three states, in one category, and the auctions: a join that grows."""
    persons, auctions, _ = _kinds(events)
    near = persons.filter(Inline("item.state in states", states=STATES), name="near")
    wanted = auctions.filter(Inline("item.category == wanted", wanted=CATEGORY), name="category")
    both = near.connect(wanted).key_by(Inline("item.id"), Inline("item.seller"))
    return both.co_process(LocalItems, name="local items")


def winning_bids(events: Events) -> DataStream[tuple[Auction, int]]:
    """Every auction that was sold and its price, at the time it closes."""
    _, auctions, bids = _kinds(_timed(events))
    both = auctions.connect(bids).key_by(Inline("item.id"), Inline("item.auction"))
    return both.co_process(WinningBid, name="winning bids")


def q4(events: Events) -> DataStream[tuple[int, int, float]]:
    """The end of a sliding window, category, mean price of what was sold there in it."""
    sold = winning_bids(events).key_by(Inline("item[0].category"))
    return sold.window(Sliding(WINDOW_MS, SLIDE_MS)).aggregate(
        folds.MeanPrice, folds.with_end, name="mean price"
    )


def q5(events: Events) -> DataStream[tuple[int, int, int]]:
    """The end of a sliding window, and the auctions with the most bids in it, and how many."""
    bids = _bids(_timed(events)).key_by(Inline("item.auction"))
    counted = bids.window(Sliding(WINDOW_MS, SLIDE_MS)).aggregate(
        folds.HowMany, folds.with_end, name="bids of an auction"
    )
    # The results of one window all have the time of its end, and no others are within a slide.
    most = counted.window_all(Tumbling(SLIDE_MS)).aggregate(
        folds.Greatest(2), folds.alone, name="most bids"
    )
    return most.flat_map(list, name="each")


def q6(events: Events) -> DataStream[tuple[int, int, float]]:
    """Whenever an auction closes: it, its seller, the mean price of the last ten they sold."""
    sold = winning_bids(events).key_by(Inline("item[0].seller"))
    return sold.process(LastSales, name="last ten")


def q7(events: Events) -> DataStream[Bid]:
    """The highest bids of every window."""
    bids = _bids(_timed(events)).window_all(Tumbling(WINDOW_MS))
    highest = bids.aggregate(folds.Greatest(2), folds.alone, name="highest")
    return highest.flat_map(list, name="each")


def q8(events: Events) -> DataStream[tuple[int, str, int]]:
    """Who came and put something up for auction in the same window, and the auction."""
    persons, auctions, _ = _kinds(_timed(events))
    return persons.key_by(Inline("item.id")).window_join(
        auctions.key_by(Inline("item.seller")),
        Tumbling(WINDOW_MS),
        Inline("(person.id, person.name, auction.id)", "person", "auction"),
        name="new sellers",
    )


def q11(events: Events) -> DataStream[tuple[int, int, int]]:
    """The end of a session, who it was, how many bids they made in it."""
    bids = _bids(_timed(events)).key_by(Inline("item.bidder"))
    return bids.window(Session(SESSION_MS)).aggregate(folds.HowMany, folds.with_end, name="session")


def q12(events: Events) -> DataStream[tuple[int, int, int]]:
    """The end of a window by the clock, a bidder, how many bids came from them in it."""
    bids = _bids(events).key_by(Inline("item.bidder"))
    return bids.window(Tumbling(WINDOW_MS, time="processing")).aggregate(
        folds.HowMany, folds.with_end, name="bids of a window"
    )


def side_rows() -> list[tuple[int, str]]:
    """The table that query 13 joins."""
    return [(number, f"row {number}") for number in range(SIDE_ROWS)]


def q13(events: Events) -> DataStream[tuple[int, int, int, str]]:
    """The bids, each with its row of a table that was read before."""
    env: Any = events.graph.home
    table = env.from_collection(side_rows(), name="table", parallelism=1)
    return _bids(events).join(
        table,
        Inline("item.auction % rows", rows=SIDE_ROWS),
        Inline("item[0]"),
        Inline("(bid.auction, bid.bidder, bid.price, row[1])", "bid", "row"),
        name="with rows",
    )


QUERIES: Final[dict[str, Callable[[Events], DataStream[Any]]]] = {
    query.__name__: query for query in (q0, q1, q2, q3, q4, q5, q6, q7, q8, q11, q12, q13)
}
"""All of them by name."""
