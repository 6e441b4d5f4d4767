"""Queries 4 and 6: what auctions close at."""

from collections.abc import Iterable
from typing import Final

from benchmarks.nexmark.model import Auction, Bid
from weft_engine.kernel.functions import CoProcessFunction, FunctionContext, ProcessFunction

Sold = tuple[Auction, int]

LAST: Final = 10
"""Of how many sales of a seller the mean is taken."""


class WinningBid(CoProcessFunction[Auction, Bid, Sold]):
    """Keeps the best bid of an auction until it closes.

    A bid counts when it is made while the auction is open and is not below the reserve. Bids that
    come before their auction wait for it until event time has passed them: an auction that opened
    in time for them has come by then.
    """

    def open(self, context: FunctionContext) -> None:
        """Ask for state."""
        self._auction = context.state.value("auction")
        self._best = context.state.value("best", 0)
        self._early = context.state.list("early")

    def process1(self, value: Auction, context: FunctionContext) -> None:
        """An auction opens."""
        self._auction.update(value)
        context.set_timer(value.expires, tag="close")
        best = max((bid.price for bid in self._early.get() if _counts(bid, value)), default=0)
        self._early.clear()
        if best:
            self._best.update(best)

    def process2(self, value: Bid, context: FunctionContext) -> None:
        """A bid comes."""
        auction = self._auction.value()
        if auction is None:
            self._early.add(value)
            context.set_timer(value.time)
        elif value.price > self._best.value() and _counts(value, auction):
            self._best.update(value.price)

    def on_timer(self, time: int, context: FunctionContext) -> Iterable[Sold]:
        """Close the auction, or give up on bids for which none has come."""
        if context.tag != "close":
            left = [bid for bid in self._early.get() if bid.time > time]
            self._early.update(left) if left else self._early.clear()
            return ()
        auction, price = self._auction.value(), self._best.value()
        self._auction.clear()
        self._best.clear()
        return ((auction, price),) if price else ()


def _counts(bid: Bid, auction: Auction) -> bool:
    return bid.price >= auction.reserve and auction.time <= bid.time < auction.expires


class LastSales(ProcessFunction[Sold, tuple[int, int, float]]):
    """The mean of the last ten prices of a seller, in the order in which auctions close."""

    def open(self, context: FunctionContext) -> None:
        """Ask for state."""
        self._closing = context.state.list("closing")
        self._prices = context.state.value("prices", ())

    def process(self, value: Sold, context: FunctionContext) -> None:
        """Wait until nothing can come that closed before."""
        self._closing.add(value)
        context.set_timer(value[0].expires)

    def on_timer(self, time: int, context: FunctionContext) -> Iterable[tuple[int, int, float]]:
        """All that closed then are there."""
        closing = self._closing.get()
        prices = self._prices.value()
        for auction, price in sorted(sold for sold in closing if sold[0].expires <= time):
            prices = (*prices, price)[-LAST:]
            yield auction.id, auction.seller, sum(prices) / len(prices)
        self._prices.update(prices)
        left = [sold for sold in closing if sold[0].expires > time]
        self._closing.update(left) if left else self._closing.clear()
