"""Query 3: people and what they sell, whoever comes first."""

from collections.abc import Iterable

from benchmarks.nexmark.model import Auction, Person
from weft_engine.kernel.functions import CoProcessFunction, FunctionContext

Found = tuple[str, str, str, int]


class LocalItems(CoProcessFunction[Person, Auction, Found]):
    """Keeps a person, and auctions only until their seller is known."""

    def open(self, context: FunctionContext) -> None:
        """Ask for state."""
        self._person = context.state.value("person")
        self._waiting = context.state.list("waiting")

    def process1(self, value: Person, context: FunctionContext) -> Iterable[Found]:
        """A person: all that they have put up so far."""
        self._person.update(value)
        waiting = self._waiting.get()
        self._waiting.clear()
        return [_found(value, auction) for auction in waiting]

    def process2(self, value: Auction, context: FunctionContext) -> Iterable[Found]:
        """An auction: at once if its seller is known."""
        person = self._person.value()
        if person is None:
            self._waiting.add(value)
            return ()
        return (_found(person, value),)


def _found(person: Person, auction: Auction) -> Found:
    return person.name, person.city, person.state, auction.id
