"""When the next checkpoint is due, and when one has taken too long."""

from weft_engine.kernel.settings import Settings


class Triggers:
    """A timer; seconds of any clock that does not go back."""

    def __init__(self, settings: Settings) -> None:
        self._interval = settings.checkpoint_interval_s
        self._min_pause = settings.checkpoint_min_pause_s
        self._timeout = settings.checkpoint_timeout_s
        self._next = float("inf")

    def started(self, now: float) -> None:
        """The job has been deployed."""
        self._next = float("inf") if self._interval is None else now + self._interval

    def triggered(self, now: float) -> None:
        """A checkpoint was begun."""
        if self._interval is not None:
            self._next = now + self._interval

    def ended(self, now: float) -> None:
        """The checkpoint is complete, or given up."""
        self._next = max(self._next, now + self._min_pause)

    def due(self) -> float:
        """When the next one is to be begun."""
        return self._next

    def expires(self, started: float) -> float:
        """When a checkpoint has taken too long."""
        return started + self._timeout
