"""Savepoints that somebody waits for."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from weft_engine.errors import ResourceError


@dataclass(slots=True, eq=False)
class SavepointRequest:
    """Somebody wants a savepoint."""

    path: Path
    stop: bool = False
    """Whether the job ends with it; sources stand still from then on."""
    done: "Future[Path]" = field(default_factory=Future)

    def refuse(self, error: BaseException) -> None:
        """There will be none."""
        if not self.done.done():
            self.done.set_exception(error)

    def serve(self, path: Path) -> None:
        """There it is."""
        if not self.done.done():
            self.done.set_result(path)


def not_running(job: str) -> ResourceError:
    """The error for what only a running job can do."""
    return ResourceError(
        f"the job {job!r} is not running any more",
        code="job.not_running",
        hint="Its last checkpoint is in its checkpoint directory, if it had one.",
        params={"job": job},
    )


def no_storage(job: str) -> ResourceError:
    """The error for a job that keeps no checkpoints."""
    return ResourceError(
        f"the job {job!r} has no place to keep checkpoints in",
        code="checkpoint.no_storage",
        hint="Set a checkpoint directory, or an interval for checkpoints.",
        params={"job": job},
    )
