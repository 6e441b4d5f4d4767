"""What functions are given: the `FunctionContext` over the context of their operator."""

from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Batch
from weft_engine.kernel.functions import BaseFunction, States, applied
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.states import KeyedStates


class RecordContext:
    """A `functions.FunctionContext`.

    Whoever calls the function sets `key` and `timestamp` before every record and `reached` when
    event time moves on, and puts `begin` and `done` around every batch of a keyed stream so that
    states are read and written in one go. (Without them it works too, one entry at a time.)
    """

    def __init__(
        self,
        context: OperatorContext,
        sides: tuple[str, ...] = (),
        collector: Collector | None = None,
    ) -> None:
        self.name = context.spec.name
        self.job = context.job
        self.subtask = context.subtask
        self.parallelism = context.parallelism
        self.logger = context.log
        self.key: Any = None
        self.keyed = context.spec.key is not None or any(context.spec.keys)
        """Whether there are keys, and so state."""
        self.begun = False
        """Whether records come by now, so that None is a key."""
        self.timestamp: int | None = None
        self.reached: int = MIN_TIME
        self.ending = False
        """Whether the input has ended, so that timers for processing time are not set any more."""
        self.may_set: int | None = None
        """How many more timers for event time may be set, once that has come to its end."""
        self._context = context
        self._collector = collector
        self._sides = {side: number for number, side in enumerate(sides, 1)}
        self.tag: Any = None
        self._states = KeyedStates(self, context.state)
        self.state: States = self._states

    def begin(self, keys: list[Any]) -> None:
        """Records (or timers) of these keys follow."""
        self._states.begin(keys)

    def done(self) -> None:
        """They are through."""
        self._states.done()

    def now(self) -> int:
        """Processing time, in milliseconds since 1970."""
        return self._context.now()

    def watermark(self) -> int:
        """Event time as far as it is known to have come."""
        return self.reached

    def emit(self, value: Any, *, side: str | None = None, timestamp: int | None = None) -> None:
        """Send a record on, or to a side output; its time is that of the record at hand.

        Raises:
            NodeError: `function.unknown_side` when the operator has no such side output.
        """
        output = 0 if side is None else self._output(side)
        time = self.time_now() if timestamp is None else timestamp
        if self._collector is not None:
            self._collector.add(value, time, output)
            return
        times = [time] if self._context.spec.timed else None
        self._context.emit(Batch([value], times), output)

    def time_now(self) -> int:
        """The time of what is emitted: the record's or timer's, else the first that is not late."""
        if self.timestamp is not None:
            return self.timestamp
        return min(self.reached + 1, MAX_TIME)

    def set_timer(self, time: int, *, processing: bool = False, tag: Any = None) -> None:
        """Have `on_timer` called for this key when the time has come.

        At the end of the input all timers for event time fire, in order, and those they set too;
        those for processing time fire once, and set no others.

        Raises:
            NodeError: `timer.endless` when timers set others on and on after the end of the input;
                `timer.no_times` for event time where there is none.
        """
        if not processing and not self._context.spec.timed:
            raise self._no_times()
        if processing and self.ending:
            return
        if self.may_set is not None and not processing:
            self._count_down()
        timers = self._context.timers
        (timers.set_processing if processing else timers.set_event)(self.key, time, tag)

    def delete_timer(self, time: int, *, processing: bool = False, tag: Any = None) -> None:
        """Take a timer back."""
        timers = self._context.timers
        (timers.delete_processing if processing else timers.delete_event)(self.key, time, tag)

    def get_config(self, name: str, default: Any = None) -> Any:
        """A value of the environment's configuration."""
        return self._context.config.get(name, default)

    def call_service(self, service: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service and wait for its answer."""
        return self._context.call_service(service, method, *args, **kwargs)

    def call_service_async(self, service: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service; gives a `concurrent.futures.Future`."""
        return self._context.call_service_async(service, method, *args, **kwargs)

    def _count_down(self) -> None:
        assert self.may_set is not None
        self.may_set -= 1
        if self.may_set < 0:
            raise NodeError(
                f"Timers of the operator {self.name!r} set others on and on, although the input"
                " has ended.",
                code="timer.endless",
                hint="Event time is at its end then: set a timer again only while"
                " context.watermark() is below the greatest time there is.",
            )

    def _no_times(self) -> NodeError:
        return NodeError(
            f"The operator {self.name!r} sets a timer for event time, and its records have none:"
            " it would never fire.",
            code="timer.no_times",
            hint="Call assign_timestamps() before key_by(), or set_timer(…, processing=True).",
        )

    def _output(self, side: str) -> int:
        number = self._sides.get(side)
        if number is None:
            raise NodeError(
                f"The operator {self.name!r} has no side output {side!r}.",
                code="function.unknown_side",
                hint="Name all side outputs where the function is applied.",
                params={"side": side},
            )
        return number


def make_context(context: OperatorContext, sides: tuple[str, ...] = ()) -> RecordContext:
    """A context for functions of an operator; what they emit goes on at once."""
    return RecordContext(context, sides)


def open_function(made: Any, context: RecordContext) -> None:
    """Open an object that came from `functions.instantiate`, if there is one."""
    if made is None:
        return
    if isinstance(made, BaseFunction):
        made.context = context
    opening = getattr(made, "open", None)
    if opening is not None:
        opening(context)


def close_function(made: Any) -> None:
    """Close it again."""
    closing = getattr(made, "close", None)
    if closing is not None:
        closing()


def keys_of(batch: Batch, spec: OperatorSpec, port: int = 0) -> list[Any]:
    """The keys of a batch; all None on a stream that has none."""
    if batch.keys is not None:
        return batch.keys
    key = spec.keys[port] if port < len(spec.keys) else spec.key if port == 0 else None
    return [None] * len(batch) if key is None else applied(key, batch.values)
