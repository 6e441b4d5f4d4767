"""How much may be under way at a time in a run and in the runs that it calls, together."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

MOST_ACTIVE: Final = 64
"""How many activations of a run are under way at a time, where nothing else is said."""

Then = Callable[[], None]


class Places:
    """So many places; runs have shares in them, each on a thread of its own.

    Only what executors work on takes a place. A run that waits for one that it called takes none,
    so however deep runs call each other there is always one that can go on.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = most
        self._waiting: OrderedDict[Share, deque[Then]] = OrderedDict()
        """What waits, by runs; these take turns."""
        self._lock = threading.Lock()

    def take(self, share: "Share", then: Then) -> bool:
        """Take a place for a run; see `Share.take`."""
        with self._lock:
            if share.closed:
                return False
            if self._free > 0 and share.room:
                self._free -= 1
                share.held += 1
                return True
            self._waiting.setdefault(share, deque()).append(then)
            return False

    def occupy(self, share: "Share") -> None:
        """Take a place although none may be free; see `Share.occupy`."""
        with self._lock:
            self._free -= 1
            share.held += 1

    def give(self, share: "Share", *, last: bool = False) -> None:
        """Give a place back, or at last all that a run has: to what has waited longest."""
        told: list[Then] = []
        with self._lock:
            if share.closed:
                return
            count = share.held if last else 1
            share.held -= count
            self._free += count
            if last:
                share.closed = True
                self._waiting.pop(share, None)
            while self._free > 0 and (then := self._next()) is not None:
                self._free -= 1
                told.append(then)
        for then in told:
            then()

    @property
    def idle(self) -> bool:
        """Whether all of them are free, and nothing waits for one."""
        with self._lock:
            return self._free == self._most and not self._waiting

    @property
    def waiting(self) -> int:
        """How much waits for one."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _next(self) -> Then | None:
        for share, waiting in self._waiting.items():
            if share.room:
                share.held += 1
                then = waiting.popleft()
                if waiting:
                    self._waiting.move_to_end(share)
                else:
                    del self._waiting[share]
                return then
        return None


class Share:
    """The places that one run has taken."""

    def __init__(self, places: Places, most: int) -> None:
        """Begin with none.

        Args:
            places: Those of the outermost run.
            most: How many of them the run may have.
        """
        self.places = places
        self.held = 0
        self.closed = False
        self._most = most

    @property
    def room(self) -> bool:
        """Whether it may have one more."""
        return self.held < self._most

    def take(self, then: Then) -> bool:
        """Take a place; where none is free, `then` is called on any thread once one is taken."""
        return self.places.take(self, then)

    def occupy(self) -> None:
        """Take a place for what is under way already; until it is given back others wait longer."""
        self.places.occupy(self)

    def give(self) -> None:
        """Give a place back."""
        self.places.give(self)

    def close(self) -> None:
        """The run has ended: it gives back what it has, and waits for no place any more."""
        self.places.give(self, last=True)
