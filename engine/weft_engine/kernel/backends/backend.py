"""Where subtasks run."""

from collections.abc import Callable, Mapping
from typing import Protocol

from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Report, Restore


class Deployment(Protocol):
    """One attempt of a job at work."""

    def step(self) -> bool:
        """For backends without threads of their own: go on a little; whether anything happened."""
        ...

    def trigger(self, barrier: Barrier) -> None:
        """Have all sources emit a barrier."""

    def committed(self, checkpoint: int) -> None:
        """Tell all subtasks that a checkpoint is durable."""

    def pause(self) -> None:
        """Have sources stand still."""

    def resume(self) -> None:
        """Let sources go on."""

    def stop(self, grace_s: float) -> None:
        """End what still runs and wait until it is gone; kill what does not go in time."""


class Backend(Protocol):
    """Threads, processes, actors: where the subtasks of a plan run. May run several jobs."""

    name: str
    stepping: bool
    """Whether `Deployment.step` must be called to make anything happen."""

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> Deployment:
        """Start all subtasks; `restore` is by stage and subtask. Reports come from any thread.

        Raises:
            ResourceError: when there are no workers to be had.
        """
        ...

    def close(self) -> None:
        """Let go of workers."""
