"""Restart strategies: whether and when a failed job is started again."""

import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

from weft_engine.kernel.settings import Restart


class RestartStrategy(Protocol):
    """Asked once for every failure. Times are seconds of any clock that does not go back."""

    def failed(self, now: float) -> float | None:
        """How many seconds to wait before the job is started again; None to give up."""
        ...


class NoRestart:
    """Gives up at once."""

    def failed(self, now: float) -> float | None:
        """None."""
        return None


class FixedDelay:
    """So many times in all, always after the same time."""

    def __init__(self, attempts: int, delay_s: float) -> None:
        self._left = attempts
        self._delay_s = delay_s

    def failed(self, now: float) -> float | None:
        """The delay, until there was one failure too many."""
        self._left -= 1
        return self._delay_s if self._left >= 0 else None


class ExponentialDelay:
    """Every time later than the time before, until the job has run quietly for a while."""

    def __init__(self, settings: Restart, jitter: Callable[[], float]) -> None:
        self._settings = settings
        self._jitter = jitter
        self._failures = 0
        self._until = float("-inf")

    def failed(self, now: float) -> float | None:
        """The delay, spread at random so that many jobs do not come back at once."""
        settings = self._settings
        if now - self._until >= 2 * settings.max_delay_s:
            self._failures = 0
        if self._failures >= settings.attempts:
            return None
        delay = _power(settings.delay_s, settings.backoff, self._failures, settings.max_delay_s)
        delay *= 1 + settings.jitter * (2 * self._jitter() - 1)
        self._failures += 1
        self._until = now + delay
        return delay


class FailureRate:
    """As long as there are not too many failures within a time."""

    def __init__(self, attempts: int, interval_s: float, delay_s: float) -> None:
        self._attempts = attempts
        self._interval_s = interval_s
        self._delay_s = delay_s
        self._failures: deque[float] = deque()

    def failed(self, now: float) -> float | None:
        """The delay, unless the failures within the interval have become too many."""
        self._failures.append(now)
        while self._failures[0] <= now - self._interval_s:
            self._failures.popleft()
        return self._delay_s if len(self._failures) <= self._attempts else None


def make_strategy(settings: Restart, seed: int | None = None) -> RestartStrategy:
    """The strategy that the settings ask for."""
    if settings.kind == "fixed":
        return FixedDelay(settings.attempts, settings.delay_s)
    if settings.kind == "exponential":
        return ExponentialDelay(settings, random.Random(seed).random)  # noqa: S311 - no secret
    if settings.kind == "failure_rate":
        return FailureRate(settings.attempts, settings.interval_s, settings.delay_s)
    return NoRestart()


def _power(start: float, factor: float, times: int, most: float) -> float:
    value = start
    for _ in range(times):
        if value >= most:
            break
        value *= factor
    return min(value, most)
