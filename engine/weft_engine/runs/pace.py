"""How often something is told that goes on: often at first, seldom when it has gone on for long."""

from typing import Final

OFTEN_S: Final = 0.05
"""Between two tellings at the beginning."""
SELDOM_S: Final = 1.0
"""Between two tellings of what has gone on for minutes."""
_PART: Final = 200
"""A telling is worth waiting for so small a part of the time that it has gone on."""


class Pace:
    """The pace of one thing: a few hundred tellings at first, then one a second."""

    __slots__ = ("_began", "_next", "behind")

    def __init__(self) -> None:
        self._began: float | None = None
        self._next = 0.0
        self.behind = False
        """Whether something was not told that came last."""

    def due(self, now: float, *, anyway: bool = False) -> bool:
        """Whether to tell it now, in seconds of a clock that never goes back.

        Args:
            now: The time.
            anyway: It is to be told whatever the pace, as it is the last.
        """
        if now < self._next and not anyway:
            self.behind = True
            return False
        if self._began is None:
            self._began = now
        self._next = now + min(max((now - self._began) / _PART, OFTEN_S), SELDOM_S)
        self.behind = False
        return True
