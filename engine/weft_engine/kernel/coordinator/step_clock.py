"""The time by which checkpoints are due where one thread makes everything happen."""

import time
from collections.abc import Callable
from typing import Final

from weft_engine.kernel.backends.backend import Backend

_STEP_S: Final = 0.001

Clock = Callable[[], float]


class StepClock:
    """The time by which checkpoints are due on a stepping backend: the same in every run.

    It is the backend's processing time, if it has one, and a millisecond for every step. What a
    step has waited for something real counts as it is.
    """

    def __init__(self, backend: Backend) -> None:
        clock = getattr(backend, "clock", None)
        self._base: Clock = getattr(clock, "seconds", lambda: 0.0)
        self._more = 0.0

    def __call__(self) -> float:
        return self._base() + self._more

    def timed(self, step: Callable[[], bool]) -> bool:
        """Do a step, and count it."""
        start = time.monotonic()
        moved = step()
        self._more += _STEP_S if moved else max(_STEP_S, time.monotonic() - start)
        return moved

    def until(self, due: float) -> None:
        """Nothing happens before then."""
        self._more += max(due - self(), 0.0)
