"""Gives records their event times, and says how far event time has come."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Batch
from weft_engine.kernel.functions import applied, instantiate
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    open_function,
)

LATEST: Final = 2**62
"""The latest time a record may have, as far off as any clock will go; windows behind it would end
when there is no time any more."""


class Timestamps(StreamOperator):
    """Watermarks for records that come out of order by no more than a bound.

    Behind every batch (or, with `watermarks="record"`, in front of every record that is later than
    all before it, which cuts batches there) it says that event time has reached the greatest time
    seen, less the bound, less one millisecond (as Flink's bounded out-of-orderness generator does).
    Watermarks from before it are not passed on. After `idle_ms` of processing time without a record
    it says that it is idle, so that others do not wait for it.

    The bound is about the order in which a subtask sees records. Where a source gives a subtask
    several splits, it must cover how far their times are apart: bounded splits are read one after
    the other, unbounded ones in turns.
    """

    def __init__(
        self,
        spec: OperatorSpec,
        fn: Callable[[Any], Any] | None = None,
        bound_ms: int = 0,
        idle_ms: int | None = None,
        watermarks: str = "batch",
    ) -> None:
        self._by_record = watermarks == "record"
        self._fn = fn
        self._bound = bound_ms
        self._idle_ms = idle_ms
        self._greatest: int | None = None
        self._active: int | None = None
        self._made: Any = None
        self._catch_up = False

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._call = None
        if self._fn is not None:
            self._call, self._made = instantiate(self._fn)
            open_function(self._made, RecordContext(context))

    def restore(self, pieces: Sequence[Any]) -> None:
        times = [piece for piece in pieces if piece is not None]
        self._greatest = min(times, default=None)
        self._catch_up = self._greatest is not None
        self._active = self.context.now()

    def process(self, port: int, batch: Batch) -> None:
        stamped = self._stamp(batch) if self._call is not None else batch
        if self._idle_ms is not None:
            self._active = self.context.now()
        if not stamped.values or stamped.times is None:
            return
        if self._by_record:
            self._emit_by_record(stamped, stamped.times)
            return
        self.context.emit(stamped)
        greatest = max(stamped.times)
        if self._greatest is None or greatest > self._greatest:
            self._greatest = greatest
            self.context.emit_watermark(self._watermark())

    def _emit_by_record(self, batch: Batch, times: list[int]) -> None:
        """Emit it in pieces that begin with a record that moves event time on, and say so first.

        Whatever is due before such a record then happens before it.
        """
        start = 0
        for at, time in enumerate(times):
            if self._greatest is None or time > self._greatest:
                if start < at:
                    self.context.emit(_piece(batch, start, at))
                start, self._greatest = at, time
                self.context.emit_watermark(self._watermark())
        self.context.emit(_piece(batch, start, len(times)))

    def advance(self, time: int) -> int | None:
        return time if time == MAX_TIME else None

    def due(self) -> int | None:
        if self._catch_up:
            return self.context.now()
        if self._idle_ms is None or self._active is None:
            return None
        return self._active + self._idle_ms

    def tick(self, now: int) -> None:
        if self._catch_up:
            self._catch_up = False
            self.context.emit_watermark(self._watermark())
            return
        due = self.due()
        if due is not None and now >= due:
            self._active = None
            self.context.emit_idle()

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._greatest]

    def close(self) -> None:
        close_function(self._made)

    def _watermark(self) -> int:
        greatest = MIN_TIME if self._greatest is None else self._greatest
        return max(greatest - self._bound - 1, MIN_TIME)

    def _stamp(self, batch: Batch) -> Batch:
        call = self._call
        assert call is not None
        try:
            times = applied(call, batch.values)
        except Exception:  # noqa: BLE001 - found and settled one by one
            return self._one_by_one(batch)
        if set(map(type, times)) != {int} or max(times) > LATEST or min(times) < -LATEST:
            return self._one_by_one(batch)
        return Batch(batch.values, times, batch.keys)

    def _one_by_one(self, batch: Batch) -> Batch:
        kept: list[int] = []
        times: list[int] = []
        for position, value in enumerate(batch.values):
            try:
                times.append(self._time(value))
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                again, time = self._failures.settle(exc, value, partial(self._time, value))
                if not again or time is None:
                    continue
                times.append(time)
            kept.append(position)
        keys = None if batch.keys is None else [batch.keys[position] for position in kept]
        return Batch([batch.values[position] for position in kept], times, keys)

    def _time(self, value: Any) -> int:
        assert self._call is not None
        return milliseconds(self._call(value))


def _piece(batch: Batch, start: int, stop: int) -> Batch:
    return Batch(
        batch.values[start:stop],
        None if batch.times is None else batch.times[start:stop],
        None if batch.keys is None else batch.keys[start:stop],
    )


def milliseconds(value: Any) -> int:
    """A time as milliseconds since 1970: numbers are that already, datetimes need a time zone.

    Raises:
        NodeError: `time.not_a_time` for anything else, and for numbers that are no such times.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return round(value.timestamp() * 1000)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if -LATEST <= value <= LATEST:  # neither can be said of NaN
            return int(value)
        raise NodeError(
            f"The time of a record is {value}.",
            code="time.not_a_time",
            hint="Give milliseconds since 1970; is this in nanoseconds, or no number at all?",
        )
    raise NodeError(
        f"The time of a record is a {type(value).__name__}"
        f"{' without a time zone' if isinstance(value, datetime) else ''}.",
        code="time.not_a_time",
        hint="Give milliseconds since 1970, or a datetime with a time zone.",
    )
