"""How much a source is asked for at once, and when."""

from weft_engine.kernel.runtime.operator import Pull
from weft_engine.kernel.runtime.tempo import Tempo


class Pace:
    """Begins with few records, so that the first ones are soon through, and adapts to the work."""

    def __init__(self, batch_size: int) -> None:
        self._tempo = Tempo(batch_size)
        self.idle_until: float | None = None
        """Nothing is to be had before then; None when the source may be asked at once."""

    @property
    def limit(self) -> int:
        """How many records to ask for."""
        return self._tempo.limit

    def wake(self) -> None:
        """There may be something now."""
        self.idle_until = None

    def resting(self, now: float) -> bool:
        """Whether the source need not be asked now."""
        if self.idle_until is not None and now >= self.idle_until:
            self.idle_until = None
        return self.idle_until is not None

    def pulled(self, pull: Pull, taken_ns: int, records: int, now: float) -> None:
        """Learn from what came of asking, and how long it took until all of it was passed on."""
        if pull.state == "idle":
            self.idle_until = now + (float("inf") if pull.wait_s is None else pull.wait_s)
        elif records:
            self._tempo.took(taken_ns, records)
