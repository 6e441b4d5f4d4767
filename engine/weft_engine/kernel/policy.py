"""What an operator does when it fails or takes too long."""

from dataclasses import dataclass
from typing import Literal

OnError = Literal["fail", "skip", "continue", "route"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Retries, time limit, and what becomes of a record that still fails."""

    max_attempts: int = 1
    """How often a record is tried in all."""
    delay_s: float = 1.0
    """How long to wait before the second attempt."""
    backoff: float = 2.0
    """By how much the wait grows from attempt to attempt."""
    max_delay_s: float = 60.0
    timeout_s: float | None = None
    """How long one attempt may take; for an operator that works on a whole stream, how long it may
    work in all."""
    on_error: OnError = "fail"
    """`skip` drops the record, `continue` puts null in its place (where one record becomes many,
    there are none), `route` sends the failure to the operator's error output."""

    def delay(self, attempt: int) -> float:
        """How long to wait after an attempt (counted from 1) that failed."""
        growth = self.backoff ** min(attempt - 1, 64)
        return min(self.delay_s * growth, self.max_delay_s)

    @property
    def plain(self) -> bool:
        """Whether failing simply fails."""
        return self.max_attempts == 1 and self.timeout_s is None and self.on_error == "fail"


PLAIN = Policy()
