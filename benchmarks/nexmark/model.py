"""What happens at an auction house."""

from operator import attrgetter
from typing import Final, NamedTuple


class Person(NamedTuple):
    """Somebody who sells or bids has come."""

    id: int
    name: str
    email: str
    city: str
    state: str
    time: int
    """Milliseconds since 1970, as all times here."""


class Auction(NamedTuple):
    """Something is up for auction."""

    id: int
    item: str
    initial_bid: int
    reserve: int
    """The least price that it is sold at, in cents."""
    time: int
    expires: int
    """When it closes; a bid of that time is too late."""
    seller: int
    category: int


class Bid(NamedTuple):
    """Somebody offers a price, in cents."""

    auction: int
    bidder: int
    price: int
    time: int


Event = Person | Auction | Bid

KINDS: Final = {Person: 0, Auction: 1, Bid: 2}
"""The number of the stream that each kind goes to."""


def kind_of(event: Event) -> int:
    """The number of an event's kind."""
    return KINDS[type(event)]


time_of: Final = attrgetter("time")
"""When an event happened."""
