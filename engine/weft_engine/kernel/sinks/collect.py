"""Records that come back to the program, for tests and small results."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast

from weft_engine.kernel.program_errors import ProgramError

T = TypeVar("T")


class HasResults(Protocol):
    """A job that has collected something."""

    @property
    def results(self) -> Mapping[str, Sequence[Any]]:
        """What it has collected, by the uid of the operator."""
        ...

    @property
    def error(self) -> BaseException | None:
        """What it has failed with."""
        ...


class Collected(Generic[T]):
    """What the job that was submitted last has collected."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self._job: HasResults | None = None

    def follow(self, job: HasResults) -> None:
        """From now on, look at that job."""
        self._job = job

    def get(self) -> list[T]:
        """The records: all of them once the job has ended, before those of its last checkpoint.

        Raises:
            ProgramError: when no job was submitted yet.
            WeftError: what the job has failed with; `job.results` has what it had collected.
        """
        if self._job is None:
            raise ProgramError(
                "nothing has been collected yet", hint="Call env.submit() before get()."
            )
        if self._job.error is not None:
            raise self._job.error
        return cast("list[T]", list(self._job.results.get(self.uid, ())))
