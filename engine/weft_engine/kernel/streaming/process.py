"""Functions with keyed state, timers and side outputs."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import MAX_TIME, Batch
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    keys_of,
    open_function,
)
from weft_engine.kernel.streaming.limits import Limit

_MOST_AT_THE_END: Final = 1_000_000
"""How many timers may be set by timers once event time has come to its end."""

Handler = Callable[..., Iterable[Any] | None]


class FunctionOperator(StreamOperator):
    """Runs the handlers of one function object; each is given a record and the context.

    What an object holds beside keyed state, such as rules that are broadcast to all subtasks, it
    can put into checkpoints by two methods: `snapshot_state()` gives a list of pieces, and
    `restore_state(pieces)` takes over those that are dealt to its subtask, before any record. With
    another parallelism every subtask is given the pieces of all where an input is broadcast (what
    all of them held is there as often as there were subtasks), and its part of them otherwise.
    """

    null_on_error = False
    """Whether the policy `continue` puts null in the place of a record."""

    def __init__(self, spec: OperatorSpec, fn: Any, sides: tuple[str, ...] = ()) -> None:
        self._spec = spec
        self._fn = fn
        self._sides = sides
        self._made: Any = None

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._out = Collector(context, 1 + len(self._sides))
        self._records = RecordContext(context, self._sides, self._out)
        self._handlers, self._made = self.handlers(self._fn)
        self._on_timer: Handler | None = getattr(self._made, "on_timer", None)
        open_function(self._made, self._records)

    def handlers(self, fn: Any) -> tuple[tuple[Handler, ...], Any]:
        """What is called for the records of each input, and the object to open and close."""
        call, made = instantiate(fn)
        return (call,), made

    def process(self, port: int, batch: Batch) -> None:
        records, out, handler = self._records, self._out, self._handlers[port]
        keys = keys_of(batch, self._spec, port)
        times = batch.times if batch.times is not None else [None] * len(keys)
        run = self._run_plainly if self._spec.policy.plain else self._run
        records.begin(keys)
        try:
            for value, key, time in zip(batch.values, keys, times, strict=True):
                records.key = key
                records.timestamp = time
                run(handler, value)
                if out.full:
                    out.flush()
        finally:
            records.done()
        out.flush()

    def restore(self, pieces: Sequence[Any]) -> None:
        own = [piece for is_own, piece in pieces if is_own]
        self._records.reached = min(
            (piece for is_own, piece in pieces if not is_own), default=self._records.reached
        )
        restoring = getattr(self._made, "restore_state", None)
        if restoring is not None and own:
            restoring(own)

    def snapshot(self, checkpoint: int) -> list[Any]:
        taking = getattr(self._made, "snapshot_state", None)
        own = [] if taking is None else copy.deepcopy(list(taking()))
        return [(False, self._records.reached), *((True, piece) for piece in own)]

    def advance(self, time: int) -> int | None:
        self._records.reached = max(time, self._records.reached)
        if time == MAX_TIME:
            self._records.may_set = _MOST_AT_THE_END
        for due, key, tag in self.context.timers.pop_event(time):
            self._fire(due, due, key, tag)
        self._out.flush()
        return time

    def due(self) -> int | None:
        return self.context.timers.next_processing()

    def tick(self, now: int) -> None:
        self._fire_processing(now)

    def finish(self) -> None:
        """The stream has ended: timers for processing time that are still set fire now.

        What they set themselves never fires, or a timer that sets itself again would never end.
        """
        self._records.ending = True
        self._fire_processing(MAX_TIME)

    def close(self) -> None:
        close_function(self._made)

    def _fire_processing(self, now: int) -> None:
        for due, key, tag in self.context.timers.pop_processing(now):
            self._fire(due, None, key, tag)
        self._out.flush()

    def _fire(self, due: int, time: int | None, key: Any, tag: Any) -> None:
        if self._on_timer is None:
            return
        self.context.check()
        records = self._records
        records.key, records.timestamp, records.tag = key, time, tag
        records.begin([key])
        try:
            self._emit(self._on_timer(due, records))
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            self._failures.give_up(exc, {"timer": due, "key": key})
        finally:
            records.done()

    def _run_plainly(self, handler: Handler, value: Any) -> None:
        """Lead one record through; the job fails if the handler does."""
        try:
            found = handler(value, self._records)
            if found is not None:
                self._emit(found)
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            self._failures.give_up(exc, value)

    def _run(self, handler: Handler, value: Any) -> None:
        """Lead one record through; what an attempt emits before it fails is forgotten."""
        mark = self._out.mark()

        def attempt() -> None:
            limit = Limit(self._spec.policy)
            try:
                self._emit(handler(value, self._records))
                limit.check()
            except Exception:
                self._out.back(mark)
                raise

        try:
            attempt()
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            time = self._records.timestamp
            continued, _ = self._failures.settle(exc, value, attempt, time)
            if continued and self.null_on_error and self._out.mark() == mark:
                self._out.add(None, self._records.time_now())

    def _emit(self, found: Iterable[Any] | None) -> None:
        if found is None:
            return
        if isinstance(found, str | bytes | dict):
            raise _not_records(found, self._spec.name)
        add, time = self._out.add, self._records.time_now()
        for value in found:
            add(value, time)


def _not_records(found: Any, operator: str) -> NodeError:
    kind = type(found).__name__
    return NodeError(
        f"The function of {operator!r} gave a {kind} instead of records: every part of it would"
        " become a record of its own.",
        code="node.bad_output",
        hint=f"Return a list with the {kind} in it, or yield it.",
    )
