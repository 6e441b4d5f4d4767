"""How many records a second pass the ports of a live run: over the last seconds, by the clock."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

WINDOW_S: Final = 10.0
"""How far back a rate looks; less while the run is younger."""
LEAST_S: Final = 1.0
"""No rate is taken over less: the first records of a run would seem to be a flood."""

Place = tuple[str, str | None]
"""A node and its output, or None for what it took."""


class Rates:
    """Counts of what passed, by the time it was known; rates are differences between two times.

    All rates are of the same two times, so what leaves a port and what is taken behind it agree.
    Times are seconds of any clock that does not go back.
    """

    def __init__(self) -> None:
        self._passed: dict[Place, int] = {}
        self._marks: deque[tuple[float, Mapping[Place, int]]] = deque()

    def begin(self, now: float) -> None:
        """Records pass from now on; only the first call counts."""
        if not self._marks:
            self._marks.append((now, {}))

    def count(self, node: str, before: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        """A subtask has counted on; both hold `in`, and `out` by port."""
        self._add((node, None), counts["in"] - before.get("in", 0))
        earlier = before.get("out", {})
        for port, count in counts["out"].items():
            self._add((node, port), count - earlier.get(port, 0))

    def mark(self, now: float) -> None:
        """Rates are those of now; what is older than the window is forgotten."""
        if not self._marks:
            return
        self._marks.append((now, dict(self._passed)))
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW_S:
            self._marks.popleft()

    def of(self, places: Iterable[Place]) -> float:
        """Records a second at these places together; 0 before anything began."""
        if not self._marks:
            return 0.0
        (since, then), (now, passed) = self._marks[0], self._marks[-1]
        more = sum(passed.get(place, 0) - then.get(place, 0) for place in places)
        return round(more / max(now - since, LEAST_S), 1)

    def _add(self, place: Place, more: int) -> None:
        # A subtask that went back to its checkpoint counts less than before: nothing has passed.
        self._passed[place] = self._passed.get(place, 0) + max(more, 0)
