"""Moments that containers wait for: the end of a time limit, the beginning of another attempt.

They are written down as what the run waits for, so that they come when the run has parked, or the
engine was away, as if it had been there all the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.journal.base import WakeRow

Why = Literal["limit", "attempt"]


@dataclass(slots=True, eq=False)
class Moment:
    """What is to happen, and when."""

    due: float
    """Seconds since the epoch."""
    why: Why
    then: Callable[[], None]


class Moments:
    """Those of one run; a container has one at a time."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._moments: dict[tuple[str, str], Moment] = {}
        self._written: set[tuple[str, str]] = set()
        """Of which there is no row from an earlier life any more."""

    def set(self, activation: Activation, why: Why, seconds: float, then: Any) -> None:
        """Do something so long after now; or after the time that is left from an earlier life.

        Args:
            activation: The container, in its present attempt.
            why: Which of its moments this is.
            seconds: How far away it is.
            then: Called in the run's thread, unless another moment is set or it is cleared.
        """
        core, place = self.core, (activation.unit.path, activation.scope.path)
        mark = {"attempt": activation.attempt}
        known = core.recorded.wake(*place) if core.recorded is not None else None
        if known is not None and known.due is not None and (known.kind, known.data) == (why, mark):
            due, there = known.due, place not in self._written
        else:
            due, there = core.clock.time() + seconds, False
        if not there:
            row = WakeRow(node=place[0], scope=place[1], kind=why, due=due, data=mark)
            core.recording.park(row)
            if known is not None:
                self._written.add(place)
        moment = self._moments[place] = Moment(due, why, then)
        core.after(max(due - core.clock.time(), 0.0), self._come, place, moment)

    def _come(self, place: tuple[str, str], moment: Moment) -> None:
        if self._moments.get(place) is moment:
            self._clear(place)
            moment.then()

    def clear(self, activation: Activation) -> None:
        """The container waits for no moment any more."""
        self._clear((activation.unit.path, activation.scope.path))

    def _clear(self, place: tuple[str, str]) -> None:
        if self._moments.pop(place, None) is not None:
            self.core.recording.unpark(*place)

    @property
    def resting(self) -> bool:
        """Whether a container waits for its next attempt."""
        return any(moment.why == "attempt" for moment in self._moments.values())

    def near(self, limit: float, attempt: float) -> bool:
        """Whether a time limit ends, or an attempt begins, before one of these moments."""
        return any(
            moment.due <= (attempt if moment.why == "attempt" else limit)
            for moment in self._moments.values()
        )

    def listed(self) -> list[dict[str, Any]]:
        """The attempts that are waited for, as `run_paused` tells them."""
        return [
            {"node": node, "scope": scope, "kind": "timer", "due": moment.due, "signal": None,
             "message": "", "data": None}
            for (node, scope), moment in self._moments.items()
            if moment.why == "attempt"
        ]  # fmt: skip
