"""One record becomes another by waiting for something: many at a time."""

import inspect
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.io_loop import run_soon
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.streaming.calls import Call, Calls
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    open_function,
)

_AHEAD: Final = 8
"""How many calls may be done or waiting before the oldest is done, by how many may be under way:
so much longer than the others may one in many take without holding them up."""


class Under(NamedTuple):
    """A record whose call is under way; a piece of state."""

    value: Any
    time: int | None
    key: Any


class AsyncMap(StreamOperator):
    """Calls an `async` function, or one that blocks, for many records at a time.

    Retries and the time limit of one attempt are those of the operator's policy. Results keep the
    order of their records if `ordered`, else they come as they are there. In both cases watermarks
    stay behind the records that came before them. Records whose call is under way at a barrier are
    part of the checkpoint; after a restart their calls are made again, before any others.
    """

    def __init__(
        self,
        spec: OperatorSpec,
        fn: Any,
        concurrency: int = 16,
        ordered: bool = True,
        per_key: Callable[[Any], Any] | bool | None = None,
    ) -> None:
        self._spec = spec
        self._fn = fn
        self._concurrency = max(concurrency, 1)
        self._ordered = ordered
        self._per_key = per_key
        self._capacity = self._concurrency * (_AHEAD if ordered else 2)
        self._calls: OrderedDict[int, Call] = OrderedDict()
        """What has not been emitted yet, in the order of the input."""
        self._number = 0
        self._head: Call | None = None
        self._done: deque[int] = deque()
        self._watermarks: deque[tuple[int, int]] = deque()
        """Watermarks that wait, each with the number of the first call behind it."""
        self._pool: Calls | None = None
        self._made: Any = None

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._out = Collector(context)
        call, self._made = instantiate(self._fn)
        opening = getattr(self._made, "open", None)
        if inspect.iscoroutinefunction(opening):
            run_soon(opening(RecordContext(context))).result()
        else:
            open_function(self._made, RecordContext(context))
        self._pool = Calls(call, self._concurrency, self._spec.policy, self._ended)

    def restore(self, pieces: Sequence[Any]) -> None:
        self._start([Under(*piece) for piece in pieces])

    def process(self, port: int, batch: Batch) -> None:
        none = [None] * len(batch)
        columns = (batch.values, batch.times or none, batch.keys or none)
        records = [Under(*record) for record in zip(*columns, strict=True)]
        at = 0
        while at < len(records):
            while (room := self._capacity - len(self._calls)) <= 0:
                self.context.wait(self._ready)
                self._emit()
            self._start(records[at : at + room])
            at += room
        self._emit()

    def advance(self, time: int) -> int | None:
        if not self._calls:
            return time
        self._watermarks.append((self._number, time))
        return None

    def poll(self) -> None:
        self._emit()

    @property
    def busy(self) -> bool:
        return bool(self._calls)

    def prepare(self, checkpoint: int) -> None:
        self._emit()

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [Under(call.wanted, call.time, call.key) for call in self._calls.values()]

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
        closing = getattr(self._made, "close", None)
        if inspect.iscoroutinefunction(closing):
            run_soon(closing()).result()
        else:
            close_function(self._made)

    def _start(self, records: list[Under]) -> None:
        calls = []
        for value, time, key in records:
            call = Call(self._number, value, time, key, self._serial(value, key))
            self._calls[self._number] = call
            self._number += 1
            calls.append(call)
        if self._head is None and calls:
            self._head = calls[0]
        if calls and self._pool is not None:
            self._pool.start(calls)

    def _serial(self, value: Any, key: Any) -> Any:
        if not self._per_key:
            return None
        return (key,) if self._per_key is True else (self._per_key(value),)

    def _ended(self, call: Call) -> None:
        """A call has come to its end; on the loop."""
        if not self._ordered:
            self._done.append(call.number)
            if len(self._done) == 1:
                self.context.wake()
        elif call is self._head:
            self.context.wake()

    def _ready(self) -> bool:
        if not self._ordered:
            return bool(self._done)
        return self._head is not None and self._head.done

    def _emit(self) -> None:
        """Emit the results that there are, and the watermarks that nothing holds back any more."""
        if self._ordered:
            while self._head is not None and self._head.done:
                _, call = self._calls.popitem(last=False)
                self._head = next(iter(self._calls.values()), None)
                self._settle(call)
        else:
            while self._done:
                self._settle(self._calls.pop(self._done.popleft()))
        self._out.flush()
        oldest = next(iter(self._calls), self._number)
        reached = None
        while self._watermarks and self._watermarks[0][0] <= oldest:
            reached = self._watermarks.popleft()[1]
        if reached is not None:
            self.context.emit_watermark(reached)

    def _settle(self, call: Call) -> None:
        if call.attempts > 1:
            self.context.count("retries", call.attempts - 1)
        if call.error is None:
            self._out.add(call.value, call.time)
        elif isinstance(call.error, Exception):
            kept, value = self._failures.give_up(call.error, call.wanted, call.attempts, call.time)
            if kept:
                self._out.add(value, call.time)
        else:
            raise call.error
        if self._out.full:
            self._out.flush()
