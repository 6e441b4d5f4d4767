"""What all operators with windows have in common."""

from collections.abc import Sequence
from typing import Any, Final

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Batch
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.state.api import StateSpec, Table
from weft_engine.kernel.state.hashing import UnstableKeyError, stable_hash
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import RecordContext, keys_of
from weft_engine.kernel.streaming.windows.folding import Folding
from weft_engine.kernel.windows import Window

EARLY: Final = "early"
"""What timers of results before the end of a window are set with, and the end of the window."""
SKIPPED: Final[Any] = object()
"""Stands for an accumulator where a record was left out."""


class WindowOperator(StreamOperator):
    """Takes records apart by key, keeps time, emits results, leads off what is late.

    With processing time, the time of a record is that of the clock when it comes, nothing is ever
    late, and the end of the input ends all windows.
    """

    two_inputs = False
    """Whether records are given to the folding as pairs of input and value."""

    def __init__(
        self,
        spec: OperatorSpec,
        folding: Folding,
        *,
        processing: bool = False,
        lateness_ms: int = 0,
        sides: tuple[str, ...] = (),
        early_ms: int | None = None,
    ) -> None:
        self._spec = spec
        self._folding = folding
        self._processing = processing
        self._lateness = 0 if processing else lateness_ms
        self._sides = sides
        self._early = early_ms
        self._ended = False
        """Whether the input has ended, so that no early results are wanted any more."""
        self._reached = MIN_TIME

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._out = Collector(context, 1 + len(self._sides))
        self._folding.open(RecordContext(context))
        self._timers = context.timers
        self._table: Table = context.state.table(self.state())

    def state(self) -> StateSpec:
        """What is kept."""
        return StateSpec("windows")

    def restore(self, pieces: Sequence[Any]) -> None:
        self._reached = min(pieces, default=MIN_TIME)

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._reached]

    def process(self, port: int, batch: Batch) -> None:
        keys = keys_of(batch, self._spec, port)
        times = batch.times
        if self._processing or times is None:
            times = [self.context.now()] * len(keys)
        values = [(port, value) for value in batch.values] if self.two_inputs else batch.values
        try:
            self.add(values, keys, times)
        except TypeError:
            self._refuse(keys, batch.values)
            raise
        self._out.flush()

    def _refuse(self, keys: list[Any], values: list[Any]) -> None:
        """Name the record whose key is none, if that is what has failed.

        Where records are not divided, nobody has looked at their keys before.
        """
        for key, value in zip(keys, values, strict=True):
            try:
                stable_hash(key)
            except UnstableKeyError as refused:
                raise OperatorFailure(self._spec.uid, refused, value) from refused

    def add(self, values: list[Any], keys: list[Any], times: list[int]) -> None:
        """Take records into their windows."""
        raise NotImplementedError

    def advance(self, time: int) -> int | None:
        if not self._processing:
            self._reached = max(time, self._reached)
            self.fire(self._timers.pop_event(time))
            self._out.flush()
        return time

    def due(self) -> int | None:
        return self._timers.next_processing()

    def tick(self, now: int) -> None:
        self.fire(self._timers.pop_processing(now))
        self._out.flush()

    def finish(self) -> None:
        self._early = None
        self._ended = True
        while self._processing and self._timers.next_processing() is not None:
            self.tick(MAX_TIME)

    def fire(self, due: Any) -> None:
        """Do what timers call for: time, key and tag of each."""
        raise NotImplementedError

    def close(self) -> None:
        self._folding.close()

    def deadline(self, end: int) -> int:
        """When a window that ends there is complete, on the clock that it goes by."""
        return end if self._processing else end - 1

    def set_timer(self, key: Any, time: int, tag: Any = None) -> None:
        """Have `fire` called."""
        setting = self._timers.set_processing if self._processing else self._timers.set_event
        setting(key, time, tag)

    def set_early_timer(self, key: Any, end: int | None = None) -> None:
        """Have the window fire before its end, and again as long as records come."""
        if self._early is not None:
            time = (self.context.now() // self._early + 1) * self._early
            self._timers.set_processing(key, time, (EARLY, end))

    def add_one(self, held: Any, value: Any, time: int) -> Any:
        """The accumulator with a record in it; `SKIPPED` when it fails and is left out."""
        try:
            return self._folding.add(held, value)
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            return self.settle(exc, held, value, time)

    def settle(self, exc: Exception, held: Any, value: Any, time: int) -> Any:
        """Adding a record has failed: try again as often as the policy says."""
        record = value[1] if self.two_inputs else value
        add = self._folding.add
        continuing = self._failures.policy.on_error == "continue"
        kept, after = self._failures.settle(exc, record, lambda: add(held, value), time)
        return after if kept and not (continuing and after is None) else SKIPPED

    def emit(self, key: Any, window: Window, held: Any, time: int | None = None) -> None:
        """Emit what has become of a window."""
        when = window.end - 1 if time is None else time
        try:
            found = self._folding.results(key, window, held)
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            where = {"key": key, "window": [window.start, window.end]}
            self._failures.give_up(exc, where, time=when)
            return
        self._out.extend(found, when)
        if self._out.full:
            self._out.flush()

    def late(self, value: Any, time: int) -> None:
        """A record whose windows are all over."""
        self.context.count("late")
        if self._sides:
            self._out.add(value[1] if self.two_inputs else value, time, 1)
