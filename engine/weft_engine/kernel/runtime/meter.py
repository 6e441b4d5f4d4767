"""Reads the counters of a subtask from time to time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from weft_engine.kernel.metrics.counters import STATE_BYTES, STATE_ENTRIES
from weft_engine.kernel.metrics.sample import SubtaskSample
from weft_engine.kernel.runtime.driver import Driver, clock_ns
from weft_engine.kernel.tracing import QueueProbe

_SHORTEST_S: Final = 0.01


class Meter:
    """Completes the counters with what is only known when asked, such as the size of state."""

    def __init__(self, driver: Driver, seconds: Callable[[], float]) -> None:
        self._driver = driver
        self._place = driver.place
        self._seconds = seconds
        self._every = max(_SHORTEST_S, self._place.host.spec.settings.metrics_interval_s)
        self.due = seconds() + self._every
        """When they are to be read next."""

    def arm(self) -> None:
        """Measure as closely as the settings ask for."""
        settings = self._place.host.spec.settings
        if settings.tracing:
            tracer = self._driver.tracer
            tracer.every = settings.trace_every
            tracer.probe = self._place.gate.probe = QueueProbe()
        if settings.profiling:
            for operator in self._driver.operators:
                operator.measure_always()

    def sample(self) -> SubtaskSample:
        """The counters as they are now."""
        place = self._place
        for context, row in zip(self._driver.contexts, place.counters.rows, strict=True):
            row[STATE_ENTRIES], row[STATE_BYTES] = context.state_size()
        self.due = self._seconds() + self._every
        return self._read()

    def _read(self) -> SubtaskSample:
        place = self._place
        counters, gate = place.counters, place.gate
        counters.blocked_in_ns = gate.waited_ns
        counters.queue_records = gate.records
        counters.queue_bytes = gate.size
        return counters.sample(place.stage.id, place.index, place.attempt, place.clock())

    def overdue(self) -> SubtaskSample | None:
        """For another thread: the counters, if their own thread is held up and cannot read them.

        What it is at counts as far as it has come: as work, or as waiting for room. The size of
        state is as it was, for it must not be looked at while it changes.
        """
        if self._seconds() < self.due + self._every / 2:
            return None
        driver, now = self._driver, clock_ns()
        began, blocked = driver.began_ns, driver.blocked_ns - driver.blocked_before_ns
        since = [router.blocked_since_ns for router in driver.routers if router.blocked_since_ns]
        waiting = max(0, now - min(since, default=now))
        working = max(0, now - began - blocked - waiting) if began else 0
        sample = self._read()
        return replace(
            sample,
            busy_ns=sample.busy_ns + working,
            blocked_out_ns=sample.blocked_out_ns + waiting,
        )
