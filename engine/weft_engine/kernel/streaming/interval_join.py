"""Pairs of records of two streams that are near in event time."""

from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from weft_engine.kernel.batch import MIN_TIME, Batch
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    keys_of,
    open_function,
)

Held = list[tuple[int, Any]]
"""Records of a key that may still find partners, with their times and sorted by them."""


class IntervalJoin(StreamOperator):
    """A right record is a partner of a left one when `lower <= right - left <= upper` in time.

    The time of a pair is the later of its two. A record is forgotten once no partner can come any
    more that is not late; what comes at or behind the watermark is late and has no partners.
    """

    def __init__(
        self,
        spec: OperatorSpec,
        lower_ms: int,
        upper_ms: int,
        fn: Callable[[Any, Any], Any],
        sides: tuple[str, ...] = (),
    ) -> None:
        self._spec = spec
        self._fn = fn
        self._sides = sides
        self._ranges = ((lower_ms, upper_ms), (-upper_ms, -lower_ms))
        """For each input, how much later a partner may be than its record."""
        self._reached = MIN_TIME
        self._made: Any = None

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._out = Collector(context, 1 + len(self._sides))
        self._call, self._made = instantiate(self._fn)
        open_function(self._made, RecordContext(context))
        self._tables = tuple(context.state.table(StateSpec(name)) for name in ("left", "right"))

    def restore(self, pieces: Sequence[Any]) -> None:
        self._reached = min(pieces, default=MIN_TIME)

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._reached]

    def process(self, port: int, batch: Batch) -> None:
        keys = keys_of(batch, self._spec, port)
        own, others = (self._tables[port].begin(keys), self._tables[1 - port].begin(keys))
        assert batch.times is not None
        for value, key, time in zip(batch.values, keys, batch.times, strict=True):
            if time <= self._reached:
                self.context.count("late")
                if self._sides:
                    self._out.add(value, time, 1)
                continue
            partners = others.get(key)
            if partners is not None:
                self._pair(port, value, time, partners)
            self._keep(port, own, key, time, value)
        self._tables[port].done(keys)
        self._out.flush()

    def advance(self, time: int) -> int | None:
        self._reached = max(time, self._reached)
        for due, key, port in self.context.timers.pop_event(time):
            self._forget(port, key, due)
        return time

    def close(self) -> None:
        close_function(self._made)

    def _keep(self, port: int, own: dict[Any, Held], key: Any, time: int, value: Any) -> None:
        until = time + max(self._ranges[port][1], 0)
        held = own.get(key)
        if held is None:
            own[key] = [(time, value)]
            self.context.timers.set_event(key, until, port)
            return
        if held[0][0] > time:
            self.context.timers.set_event(key, until, port)
        insort_right(held, (time, value), key=_time)

    def _forget(self, port: int, key: Any, now: int) -> None:
        table, late = self._tables[port], max(self._ranges[port][1], 0)
        held = table.begin([key])
        if key in held:
            records = held[key]
            del records[: bisect_right(records, now - late, key=_time)]
            if records:
                self.context.timers.set_event(key, records[0][0] + late, port)
            else:
                del held[key]
            table.done([key])

    def _pair(self, port: int, value: Any, time: int, partners: Held) -> None:
        lower, upper = self._ranges[port]
        first = bisect_left(partners, time + lower, key=_time)
        last = bisect_right(partners, time + upper, key=_time)
        for when, partner in partners[first:last]:
            left, right = (value, partner) if port == 0 else (partner, value)
            at = max(time, when)
            try:
                self._out.add(self._call(left, right), at)
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                again = partial(self._call, left, right)
                kept, joined = self._failures.settle(exc, (left, right), again, at)
                if kept:
                    self._out.add(joined, at)
        if self._out.full:
            self._out.flush()


def _time(held: tuple[int, Any]) -> int:
    return held[0]
