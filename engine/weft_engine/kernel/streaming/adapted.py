"""Drives an `operators.base.Operator` inside a subtask."""

import pickle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.operators.base import Context, Emission, Operator, RecordError, Waiting
from weft_engine.kernel.operators.blocking import Collect, Fold, Sort
from weft_engine.kernel.operators.records import Limit, RunProcess, RunSink, Split
from weft_engine.kernel.operators.several import Concat, FirstOf, Zip
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.failures import NO_RECORD, OperatorFailure
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator

T = TypeVar("T")

HELD: Final[Mapping[type[Operator], tuple[str, ...]]] = {
    Collect: ("_records",),
    Concat: (),
    FirstOf: ("_held", "_open", "_chosen", "_dropped"),
    Fold: ("_held",),
    Limit: ("_left", "exhausted"),
    Sort: ("_records",),
    Split: (),
    Zip: ("_aligner",),
}
"""What each operator holds between batches, by attribute. Others say so themselves (`held`), or
cannot be part of a checkpoint."""


class Adapted(StreamOperator):
    """Leads batches through the operator, and what it emits on.

    Inputs whose turn has not come are held in memory, as some operators read one input after the
    other. Event times are dropped. What the operator holds is copied for every checkpoint.
    """

    def __init__(self, spec: OperatorSpec, operator: Operator) -> None:
        self._spec = spec
        self._operator = operator
        self._groups = operator.stages or (tuple(range(spec.inputs)),)
        self._group = 0
        self._held: deque[tuple[int, list[Any]]] = deque()
        self._ended: set[int] = set()
        self._told: set[int] = set()
        """Inputs whose end the operator has been told."""
        self._finished = False
        self._waited_on = False
        self._opened = False

    @property
    def exhausted(self) -> bool:  # type: ignore[override]
        """Whether the operator has all that it wants."""
        return self._operator.exhausted

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._inner = Context(
            context.pause,
            context.wake,
            context.batch_size,
            self._spec.policy,
            self._spec.owner or self._spec.name,
            report=self._report,
        )
        self._opened = True
        self._guarded(self._operator.open, self._inner)

    def restore(self, pieces: Sequence[Any]) -> None:
        """Take over what another subtask has held, if there was only one or there are as many."""
        for parallelism, data in pieces:
            if parallelism != self.context.parallelism:
                raise NodeError(
                    f"The operator {self._spec.name!r} ran as {parallelism} subtasks and cannot be "
                    f"divided into {self.context.parallelism}.",
                    code="checkpoint.cannot_divide",
                    hint="Start it again with the parallelism that it had.",
                )
            held, attributes = pickle.loads(data)  # noqa: S301 - it is our own checkpoint
            self._group, self._held, self._ended, self._told = held
            for name, value in attributes.items():
                setattr(self._operator, name, value)

    def snapshot(self, checkpoint: int) -> list[Any] | None:
        if self._finished and not self.exhausted:
            return None
        names = HELD.get(type(self._operator), self._operator.held)
        if names is None:
            raise NodeError(
                f"The operator {self._spec.name!r} holds something that cannot be part of a "
                "checkpoint.",
                code="checkpoint.unsupported",
                hint="Use a process function with state, or a connectors.Sink.",
            )
        attributes = {name: getattr(self._operator, name) for name in names}
        held = (self._group, self._held, self._ended, self._told)
        return [(self.context.parallelism, pickle.dumps((held, attributes)))]

    def process(self, port: int, batch: Batch) -> None:
        if self._operator.exhausted:
            return
        if port not in self._active():
            self._held.append((port, batch.values))
            return
        self._lead(port, batch.values)

    def advance(self, time: int) -> int | None:
        return time

    def ended(self, port: int) -> None:
        self._ended.add(port)
        self._go_on()

    def poll(self) -> None:
        if isinstance(self._operator, Waiting):
            self._push(self._operator.poll)

    @property
    def busy(self) -> bool:
        return isinstance(self._operator, Waiting) and not self._operator.idle

    def finish(self) -> None:
        self._push(self._operator.finish)
        self._finished = True

    def close(self) -> None:
        if isinstance(self._operator, Waiting) and self._opened:
            self._operator.abort()
        if self._opened:
            self._operator.close()

    def _active(self) -> set[int]:
        return {port for group in self._groups[: self._group + 1] for port in group}

    def _go_on(self) -> None:
        """Tell the operator of ends, and go on to the next inputs when it is their turn."""
        while True:
            for port in sorted(self._active() & self._ended - self._told):
                self._told.add(port)
                self._push(partial(self._operator.end, port, absent=False))
                if isinstance(self._operator, Waiting) and len(self._told) == self._spec.inputs:
                    self._operator.drain()
            last = self._group + 1 == len(self._groups)
            if last or not set(self._groups[self._group]) <= self._ended:
                return
            self._group += 1
            active, held = self._active(), self._held
            self._held = deque(item for item in held if item[0] not in active)
            for port, values in held:
                if port in active:
                    self._lead(port, values)

    def _lead(self, port: int, values: list[Any]) -> None:
        operator = self._operator
        self._push(lambda: operator.process(port, values))
        if isinstance(operator, Waiting):
            while operator.full:
                self._push(operator.poll)
                if operator.full:
                    self._waited_on = True
                    self.context.wait(self._once)

    def _once(self) -> bool:
        """False the first time: to wait for one call of `wake`."""
        first, self._waited_on = self._waited_on, False
        return not first

    def _push(self, work: Callable[[], Emission]) -> None:
        """Emit what comes of something."""
        emission = iter(self._guarded(work))
        while (found := self._guarded(lambda: next(emission, None))) is not None:
            output, values = found
            if values:
                self.context.emit(Batch(values), output)
        failures, self._inner.failures = self._inner.failures, []
        if failures:
            self.context.emit(Batch(failures), self._spec.outputs)

    def _guarded(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return work(*args)
        except RecordError as error:
            cause = error.__cause__ or error
            record = NO_RECORD if error.record is None else error.record
            raise OperatorFailure(self._spec.uid, cause, record, error.attempt) from cause

    def _report(self, exc: Exception, record: Any, attempt: int, again_in: float | None) -> None:
        self.context.count("errors" if again_in is None else "retries")


class Union(StreamOperator):
    """The records of several streams as they come, with their times and keys."""

    def __init__(self, spec: OperatorSpec) -> None:
        """Nothing is to be set."""

    def process(self, port: int, batch: Batch) -> None:
        self.context.emit(batch)


def adapt(made: Callable[..., Operator]) -> Callable[..., StreamOperator]:
    """The factory of an operator of that kind."""

    def make(spec: OperatorSpec, **params: Any) -> StreamOperator:
        return Adapted(spec, made(**params))

    return make


def adapt_many(made: Callable[..., Operator]) -> Callable[..., StreamOperator]:
    """The same for operators that are told how many inputs they have."""

    def make(spec: OperatorSpec, **params: Any) -> StreamOperator:
        return Adapted(spec, made(spec.inputs, **params))

    return make


def adapt_factory(spec: OperatorSpec, factory: Callable[[], Operator]) -> StreamOperator:
    """An operator that brings its own factory."""
    return Adapted(spec, factory())


ADAPTED: Final[Mapping[str, Callable[..., StreamOperator]]] = {
    "collect": adapt(Collect),
    "concat": adapt_many(Concat),
    "first_of": adapt_many(FirstOf),
    "fold": adapt(Fold),
    "limit": adapt(Limit),
    "linear": adapt_factory,
    "operator": adapt_factory,
    "process": adapt(RunProcess),
    "sink_factory": adapt(RunSink),
    "sort": adapt(Sort),
    "split": adapt(Split),
    "union": Union,
    "zip": adapt(Zip),
}
