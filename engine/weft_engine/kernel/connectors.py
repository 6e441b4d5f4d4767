"""Where streams come from and where they go."""

from collections.abc import Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

from weft_engine.kernel.batch import Batch

T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

Delivery = Literal["transactional", "idempotent", "at_least_once"]


class ReaderContext(Protocol):
    """What a reader may ask of the subtask it works in."""

    subtask: int
    parallelism: int

    def wake(self) -> None:
        """There is something to read now; from any thread."""

    def check(self) -> None:
        """Raise if the job is being cancelled."""

    def now(self) -> int:
        """Processing time, in milliseconds since 1970."""
        ...


class Reader(Protocol[T_co]):
    """Reads one split of a source.

    Two more methods are called where there are any: `committed(position)` once a checkpoint with
    that position is durable, and `due() -> int` after it had nothing, for the processing time
    before which it need not be asked again.
    """

    def read(self, limit: int) -> list[Any] | Batch | None:
        """Up to so many records: an empty list when there are none right now, None at the end.

        Must not wait longer than some milliseconds; whoever has a thread of its own calls
        `ReaderContext.wake` when there is something to read.
        """
        ...

    def position(self) -> Any:
        """Where it is: picklable, and not changed by reading on."""
        ...

    def close(self) -> None:
        """Let go of everything."""


class Source(Generic[T_co]):
    """Where a stream comes from. Picklable, so that it can be read anywhere.

    More methods are called where there are any: `job_begins()` and `job_over(error)` in the process
    that a job is submitted in, before it starts and after its end; and `logged()`, which gives the
    source that is to be read where its records go through a log and come again from there.
    """

    bounded: bool = True
    replayable: bool = True
    """Whether a reader can be opened at an earlier position. What cannot be replayed is written to
    an ingress log first, where the environment has a checkpoint directory."""
    timed: bool = False
    """Whether its readers give batches with times."""

    def splits(self) -> Sequence[Any]:
        """Parts that can be read on their own, always in the same order; picklable."""
        return (None,)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T_co]:
        """Open a split; at its beginning when the position is None."""
        raise NotImplementedError


class SinkWriter(Protocol[T_contra]):
    """Takes the records of one subtask."""

    def write(self, values: Sequence[T_contra], /) -> None:
        """Take some records, in order: all of them, or none when it raises.

        It may be called again with the same ones, or with each on its own.
        """

    def prepare(self, checkpoint: int) -> Any:
        """Make what was written durable without making it visible; what `commit` needs, or None.

        Called at every barrier and at the end, with numbers that grow: a checkpoint of that number
        or a later one holds it, and none before. A sink that is at least once only flushes.
        """

    def close(self) -> None:
        """Let go of everything; what was not prepared must not remain visible."""


class Sink(Generic[T_contra]):
    """Where a stream goes. Picklable."""

    delivery: Delivery = "at_least_once"

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[T_contra]:
        """Open it for one subtask. `attempt` names this try uniquely, for temporary names."""
        raise NotImplementedError

    def commit(self, committables: Sequence[Any]) -> None:
        """Make visible what was prepared; called once the checkpoint is durable.

        Called by the coordinator, and again for the same after a crash: must be idempotent.
        """

    def recover(self, committables: Sequence[Any]) -> None:
        """A job starts (again): remove what writers have left and nobody has committed."""

    def recover_job(self, committables: Sequence[Any], owner: str, checkpoint: int | None) -> None:
        """As `recover`, which it calls unless it is overridden; for the job with that name only.

        Others may be writing to the same place. `owners(attempt)` says whose a writer is.

        Called after `commit`. The job goes on from that checkpoint; None where it begins, anew or
        from a savepoint. Later checkpoints were damaged: what was prepared for them is computed
        again, so whoever has made it visible should take it back. What is there when a job begins
        is of earlier runs, and stays.
        """
        self.recover(committables)


def owners(attempt: str) -> tuple[str, str]:
    """The names of the job that a writer's attempt belongs to: over all its starts, and this one.

    An attempt is the id of the job, the subtask, the number of the try and something random; the
    id of the job is what all its starts have in common and something random.
    """
    job = attempt.rsplit("-", 3)[0]
    return job.rsplit("-", 1)[0], job
