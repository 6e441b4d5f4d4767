"""What a subtask drives: operators that take batches and push what becomes of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from weft_engine.kernel.batch import Batch, Event
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.state.api import KeyedStore, Timers
from weft_engine.kernel.tracing import Shares


class Stopped(BaseException):
    """The job is being cancelled, or its attempt given up; unwinds whatever waits."""


class Unwanted(BaseException):
    """Nobody wants what an operator waits for any more; unwinds it, and the batch at hand."""


class Partitioner(Protocol):
    """The sending end of a `hash` edge, for a loop that finds the target of every record itself."""

    key: Callable[[Any], Any]
    """The edge's key function."""
    targets: int
    cache: dict[Any, int]
    """The targets found so far, by key; may be emptied between batches, never replaced."""

    def target_of(self, key: Any) -> int:
        """The subtask that takes the key; remembers it in `cache`."""
        ...

    def send_parts(self, parts: Sequence[Batch | None]) -> None:
        """Send batches, one a target, whose `keys` are filled; None for nothing."""


class OperatorContext(Protocol):
    """What an operator may ask of the subtask that runs it."""

    job: str
    spec: OperatorSpec
    subtask: int
    parallelism: int
    attempt: int
    """How often the job was started before; 0 the first time."""
    restored: int
    """The checkpoint it goes on from; 0 when it begins anew."""
    peers: Sequence[Any]
    """Of a source that goes on: the pieces of all its subtasks. They tell one that was dealt
    nothing, the others having it all, from one that is to begin."""
    alive: Sequence[int]
    """The subtasks that run: others had ended before. All of them where it is empty."""
    batch_size: int
    """The longest batch to emit, as far as it can be helped."""
    config: Mapping[str, Any]
    log: logging.LoggerAdapter[logging.Logger]
    state: KeyedStore
    timers: Timers

    def emit(self, batch: Batch, output: int = 0) -> None:
        """Push records on; may block while what comes behind is full."""

    def partitioner(self, output: int = 0) -> Partitioner | None:
        """The hash edge that the output leads to, if it leads there and nowhere else.

        None also when the output leads to the next operator of the stage.
        """
        ...

    def emit_watermark(self, time: int) -> None:
        """Say that no record at or before this time follows."""

    def emit_idle(self) -> None:
        """Say that nothing is known of time until more is emitted, so that nobody waits for it."""

    def wake(self) -> None:
        """Have `poll` called soon; from any thread."""

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait until the condition holds; looked at after every `wake`.

        Raises `Stopped`, or `Unwanted` when nobody is left to wait for.
        """

    def pause(self, seconds: float) -> None:
        """Wait some seconds of processing time, as between two attempts. Raises `Stopped`."""

    def check(self) -> None:
        """Raise `Stopped` if the attempt is over."""

    def now(self) -> int:
        """Processing time, in milliseconds since 1970."""
        ...

    def call_service(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service and wait for its answer."""

    def call_service_async(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service; gives a `concurrent.futures.Future`."""

    def count(self, counter: Literal["errors", "retries", "late", "dropped"], by: int = 1) -> None:
        """Count something that is not a record in or out."""

    def measured(self, records_in: int = 0, records_out: int = 0, busy_ns: int = 0) -> None:
        """Add to this operator's counters what the subtask cannot see.

        For operators that run inside the loop of another: the subtask counts what goes into and
        comes out of the loop and how long it takes; the loop says how that is to be shared out
        (its own operator is told a negative time). Also for records sent through a `Partitioner`.
        """


class Later:
    """A snapshot that is not complete yet: what `StreamOperator.snapshot` may return.

    The checkpoint goes on when `complete` is called, from the subtask's own thread.
    """

    def __init__(self) -> None:
        self.pieces: list[Any] | None = None
        self.done = False
        self.then: Callable[[], None] | None = None

    def complete(self, pieces: list[Any] | None) -> None:
        """Hand over what belongs to the snapshot; the same as `snapshot` may return."""
        self.pieces = pieces
        self.done = True
        if self.then is not None:
            self.then()


class StreamOperator:
    """An operator at work in one subtask; called from one thread at a time.

    Order of calls: `open`, `restore` (once, also with nothing), then any of the others, `close`.
    """

    context: OperatorContext
    """Every operator of a stage has its own, with its own state, counters and outputs. Where the
    code generator makes one loop of several operators, the first of them does the work of all when
    it is given a batch, and emits by the context of the last; the others are opened, asked for
    snapshots and closed, and go on from their place if they are given a batch."""

    exhausted: bool = False
    """Whether it wants nothing more from its inputs: what is before it and of no other use ends,
    and it is finished as if its inputs had ended."""

    shares: Shares | None = None
    """For loops of several operators: told how the time of the batch at hand was shared out, where
    somebody wants to know."""

    def measure_always(self) -> None:
        """For loops of several operators: measure every batch, not just one now and then."""

    def open(self, context: OperatorContext) -> None:
        """Prepare."""
        self.context = context

    def restore(self, pieces: Sequence[Any]) -> None:
        """Take over pieces of state from `snapshot`; keyed state is restored by the store."""

    def process(self, port: int, batch: Batch) -> None:
        """Take a batch (never empty) from an input."""
        raise NotImplementedError

    def advance(self, time: int) -> int | None:
        """Event time has moved on; emit what is due.

        Returns:
            The watermark to pass on; None to pass none (say it with `emit_watermark` later).
        """
        return time

    def fed_back(self, event: Event) -> None:
        """For `iterate` operators: something came back on a feedback edge.

        Barriers come here too: what came back since the operator's own snapshot of that
        checkpoint and before its barrier was under way, and belongs to the snapshot.
        """
        raise NotImplementedError

    def poll(self) -> None:
        """Something asynchronous may have happened: `wake` was called."""

    def due(self) -> int | None:
        """When `tick` wants to be called next, in processing time; None for never."""
        return None

    def tick(self, now: int) -> None:
        """The time asked for has come."""

    def ended(self, port: int) -> None:
        """One input has ended."""

    @property
    def busy(self) -> bool:
        """Whether results are still to come from elsewhere although the inputs have ended."""
        return False

    def finish(self) -> None:
        """All inputs have ended and nothing is under way; emit what is left."""

    def snapshot(self, checkpoint: int) -> list[Any] | Later | None:
        """Its own state in pieces that can be dealt to other subtasks; must not change any more.

        Called for the last time after `finish`.
        """
        return None

    def prepare(self, checkpoint: int) -> Any:
        """For sinks: make what was written since the last time durable, but not visible.

        Returns:
            What `Sink.commit` needs to make it visible; None for nothing.
        """
        return None

    def committed(self, checkpoint: int) -> None:
        """The checkpoint is durable."""

    def close(self) -> None:
        """Let go of everything; called once if `open` was, whatever happened."""


@dataclass(frozen=True, slots=True)
class Pull:
    """What came of asking a source."""

    state: Literal["more", "idle", "end"]
    wait_s: float | None = None
    """How long it need not be asked again unless it wakes the subtask; None for until then."""


class SourceOperator(StreamOperator):
    """The first operator of a stage without inputs."""

    def pull(self, limit: int) -> Pull:
        """Emit up to so many records; must not block for longer than some milliseconds."""
        raise NotImplementedError
