"""The time, as a run reads it."""

from time import monotonic, time


class Clock:
    """The time, for the run; tests have one of their own."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time()
