"""Calls in the run's own thread that turn out to take long: another thread takes over the run.

Most calls take microseconds, and a thread for each would cost ten times that. Which ones do not,
nobody knows before. So a call is made in the run's thread, and a watch looks every few
milliseconds whether one still stands: then the run goes on in another thread, and the call, once it
is done, comes back by the mailbox like any other. From then on such a node gets a thread at once.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

_LOOK_S: Final = 0.005
_REST_S: Final = 0.05


class HandedOver(BaseException):
    """The run goes on in another thread."""


class Handover:
    """Who drives a run: claimed for every call in its thread, and lost when that takes long."""

    __slots__ = ("_claim", "_seen", "calls", "flush", "take_over")

    def __init__(self) -> None:
        self._claim: list[Any] = []
        """Of the call that stands: what it is about, until one of two threads takes it."""
        self._seen = -1
        self.calls = 0
        """How many calls were made; the watch sees by it whether one still stands."""
        self.take_over: Callable[[Any], None] | None = None
        """Goes on with the run in another thread."""
        self.flush: Callable[[], None] = _nothing

    def enter(self, ticket: Any) -> list[Any]:
        """A call begins; what is returned is for `leave`."""
        claim = [ticket]
        self.calls += 1
        self._claim = claim
        return claim

    def leave(self, claim: list[Any]) -> bool:
        """A call is done; False when the run goes on elsewhere."""
        try:
            claim.pop()  # one of two threads gets it
        except IndexError:
            return False
        return True

    def look(self) -> bool:
        """Take the run over when the same call stands as when looked last.

        Returns:
            Whether anything moves.
        """
        self.flush()
        claim = self._claim
        if self.take_over is None or not claim:
            moved, self._seen = self.calls != self._seen, self.calls
            return moved
        if self.calls != self._seen:
            self._seen = self.calls
            return True
        try:
            ticket = claim.pop()
        except IndexError:
            return True
        self.take_over(ticket)
        return True


class Watch:
    """Looks after the runs of this process."""

    def __init__(self) -> None:
        self._runs: set[Handover] = set()
        self._changed = threading.Condition()
        self._alive = False

    def add(self, run: Handover) -> None:
        """Look after a run."""
        with self._changed:
            self._runs.add(run)
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._look, name="weft-watch", daemon=True).start()
            self._changed.notify()

    def remove(self, run: Handover) -> None:
        """It is over."""
        with self._changed:
            self._runs.discard(run)

    def _look(self) -> None:
        while True:
            with self._changed:
                while not self._runs:
                    self._changed.wait()
                runs = list(self._runs)
            moved = [run.look() for run in runs]
            time.sleep(_LOOK_S if any(moved) else _REST_S)


watch: Final = Watch()


def _nothing() -> None:
    """Nothing to hand on."""
