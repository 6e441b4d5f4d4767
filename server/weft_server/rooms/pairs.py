"""Characters that Yjs counts as two, and that nobody may part.

Yjs counts text in UTF-16 units, yrs keeps it as UTF-8. An edit in the middle of a character beyond
the basic plane, an emoji for example, makes the two disagree from then on, and what yrs then sends
breaks every client. No keyboard makes such an edit; what does is refused.
"""

from collections.abc import Iterable

Halves = dict[int, set[int]]
"""By client, the clocks of the second halves of such characters."""


def second_halves(text: str, clock: int) -> Iterable[int]:
    """The clocks of the second halves in a text that begins at a clock."""
    for character in text:
        if character > "\uffff":
            clock += 1
            yield clock
        clock += 1


class Pairs:
    """All characters of a document that count as two, by where their second half lies."""

    def __init__(self) -> None:
        self._halves: Halves = {}

    def add(self, halves: Halves) -> None:
        """Take over those of an update."""
        for client, clocks in halves.items():
            self._halves.setdefault(client, set()).update(clocks)

    def is_parted(self, client: int, clock: int) -> bool:
        """Whether a border in front of this clock goes through a character."""
        return clock in self._halves.get(client, ())

    def __bool__(self) -> bool:
        return bool(self._halves)
