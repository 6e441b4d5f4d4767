"""What a backend drives: operators at work, and what happens when a record makes one fail."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import length_hint
from typing import Any, Final

from weft_engine.errors import Failure
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.redact import redacted

Batch = list[Any]
Emission = Iterable[tuple[int, Batch]]
"""Batches with the output they leave by."""

NOTHING: Final[Emission] = ()


class RecordError(Exception):
    """An operator failed on a record; the cause says why."""

    def __init__(self, record: Any = None, attempt: int = 1) -> None:
        super().__init__("an operator failed")
        self.record = record
        self.attempt = attempt


class Stopped(BaseException):
    """The run is being cancelled."""


def _nobody(exc: Exception, record: Any, attempt: int, again_in: float | None) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Context:
    """What an operator may ask of the backend that runs it."""

    pause: Callable[[float], None]
    """Wait some seconds; `Stopped` when the run is cancelled meanwhile."""
    wake: Callable[[], None]
    """Tell the backend, from any thread, that something asynchronous has happened."""
    batch_size: int = 1024
    policy: Policy = PLAIN
    owner: str = ""
    failures: Batch = field(default_factory=list)
    """What goes to the error output next."""
    report: Callable[[Exception, Any, int, float | None], None] = _nobody
    """Told of every failure that does not end the job: what happened, to which record, in which
    attempt, and in how many seconds there will be another; from any thread."""

    def settle(
        self, exc: Exception, record: Any, again: Callable[[], Any] | None
    ) -> tuple[bool, Any]:
        """Decide what becomes of a record that failed.

        Returns:
            Whether something takes the record's place in the stream, and what.

        Raises:
            RecordError: when the failure is not to be lived with.
        """
        attempt = 1
        while again is not None and attempt < self.policy.max_attempts:
            delay = self.policy.delay(attempt)
            self.report(exc, record, attempt, delay)
            self.pause(delay)
            attempt += 1
            try:
                return True, again()
            except Exception as other:  # noqa: BLE001 - whatever a node raises is its failure
                exc = other
        return self.give_up(exc, record, attempt)

    def give_up(self, exc: Exception, record: Any, attempt: int = 1) -> tuple[bool, Any]:
        """As `settle`, when nothing more is to be tried."""
        if self.policy.on_error == "fail":
            raise RecordError(record, attempt) from exc
        self.report(exc, record, attempt, None)
        if self.policy.on_error == "continue":
            return True, None
        if self.policy.on_error == "route":
            self.failures.append(describe(exc, record, self.owner, attempt))
        return False, None


def describe(exc: Exception, record: Any, owner: str, attempt: int) -> dict[str, Any]:
    """A failure as a record of the error output."""
    failure = Failure.of(exc, node=owner or None, attempt=attempt, sample=redacted(record))
    return {**failure.model_dump(mode="json"), "item": record}


class Operator:
    """An operator at work. A backend calls it from one thread at a time."""

    stages: tuple[tuple[int, ...], ...] = ()
    """Groups of inputs to be read one group after the other; all at once when empty."""
    exhausted: bool = False
    """Set when it wants no more input."""
    held: tuple[str, ...] | None = None
    """The attributes that have to be in a checkpoint; None when it cannot be part of one."""
    context: Context

    def open(self, context: Context) -> None:
        """Prepare; called before anything else, unless the operator has nothing to do."""
        self.context = context

    def process(self, port: int, batch: Batch) -> Emission:
        """Take a batch from an input."""
        raise NotImplementedError

    def end(self, port: int, absent: bool) -> Emission:
        """An input has ended; or it does not take part, which may be known before `open`."""
        return NOTHING

    def finish(self) -> Emission:
        """All inputs have ended; the last to be emitted."""
        return NOTHING

    def close(self) -> None:
        """Let go of everything; called once if `open` was, whatever happened."""

    def absent(self, inputs: list[bool]) -> bool:
        """Whether it does not take part, told for each ended input whether that does not.

        A stream that does not take part is not empty: it stands for a branch not taken, and what
        needs it does not run at all.
        """
        return any(inputs)

    def missing(self, output: int) -> bool:
        """Whether an output turned out not to take part."""
        return False


class Linear(Operator):
    """One list in, one list out: what chains are made of."""

    def apply(self, batch: Batch) -> Batch:
        """Turn a batch into another."""
        raise NotImplementedError

    def process(self, port: int, batch: Batch) -> Emission:
        out = self.apply(batch)
        return ((0, out),) if out else NOTHING

    def ended(self, *, absent: bool) -> None:
        """The stream has ended."""


class Pulled(Operator):
    """A source: once its inputs have ended, it is asked for batches."""

    wait_until: float = 0.0
    """Not to be asked before this time of the monotonic clock."""

    def pull(self) -> Emission | None:
        """The next batches; None at the end."""
        raise NotImplementedError


class Waiting(Operator):
    """An operator whose results come later, from elsewhere."""

    @property
    def full(self) -> bool:
        """Whether it should not be given more for now."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        raise NotImplementedError

    def drain(self) -> None:
        """All inputs have ended; what is under way is still to be waited for."""

    def poll(self) -> Emission:
        """The results that are there."""
        raise NotImplementedError

    def abort(self) -> None:
        """Give up what is under way, and wait a moment until it has let go."""


def apply_each(
    fn: Callable[[Any], Any], batch: Batch, context: Context, dropped: Callable[[int], None]
) -> Batch:
    """Call a function on every record, at the speed of `map`, settling those that fail.

    `dropped` is told the positions of records that nothing takes the place of.
    """
    out: Batch = []
    source = iter(batch)
    while True:
        wanted = len(out) + length_hint(source)
        failure: Exception = StopIteration()  # which `extend` takes for the end of the records
        try:
            out.extend(map(fn, source))
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            failure = exc
        else:
            if len(out) == wanted:
                return out
        position = len(batch) - length_hint(source) - 1
        record = batch[position]
        kept, value = context.settle(failure, record, lambda record=record: fn(record))  # type: ignore[misc]
        if kept:
            out.append(value)
        else:
            dropped(position)


def in_batches(records: Batch, size: int) -> Iterator[tuple[int, Batch]]:
    """Cut a list into batches for the first output."""
    for start in range(0, len(records), size):
        yield 0, records[start : start + size]
