"""Jobs: deployment, checkpoints, restarts, and the handle on them."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.checkpoint.api import CheckpointStorage
from weft_engine.kernel.checkpoint.files import Files
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.coordinator.events import CheckpointStats, JobEvent, Listener, State
from weft_engine.kernel.coordinator.failures import JobCancelledError, JobFailedError
from weft_engine.kernel.coordinator.job import Job
from weft_engine.kernel.coordinator.start import Start, choose
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.own_folder import OwnFolder

__all__ = [
    "CheckpointStats",
    "Job",
    "JobCancelledError",
    "JobEvent",
    "JobFailedError",
    "State",
    "start_job",
]


def start_job(
    spec: JobSpec,
    backend: Backend,
    *,
    resume: Literal["latest"] | str | Path | None = None,
    allow_dropped: bool = False,
    listeners: Sequence[Listener] = (),
) -> Job:
    """Start a job.

    Args:
        spec: what is to run. Where it has no storage, one is made of its settings: the checkpoint
            directory, or, where there is none, a place that ends with the job. A job without
            an interval, too, keeps nothing there but what becomes of savepoints.
        backend: where it is to run; it is not closed at the end.
        resume: `latest` to go on from the newest checkpoint of a job of that name, if there is
            one; the path of a savepoint to go on from; None to begin anew.
        allow_dropped: whether state of operators that are no longer there may be dropped.
        listeners: told everything that happens.

    Raises:
        ResourceError: `checkpoint.in_use`, `checkpoint.missing`, `checkpoint.corrupt`, ...
        FlowError: when the checkpoint does not suit the job: `checkpoint.state_lost`,
            `checkpoint.key_groups`, `checkpoint.kind_changed`.
    """
    storage, remove = _storage(spec, backend)
    storage.acquire(f"job {spec.plan.job} ({spec.id})")

    def ended() -> None:
        storage.release()
        remove()

    try:
        start: Start = choose(spec.plan, storage, resume, allow_dropped=allow_dropped)
        settings = spec.settings
        wanted = settings.checkpoint_dir is not None or settings.checkpoint_interval_s is not None
        unwanted = spec.storage is None and not wanted
        spec = replace(spec, storage=storage, for_savepoints=unwanted)
        return Job(spec, backend, start, listeners=listeners, ended=ended)
    except BaseException:
        ended()
        raise


def _storage(spec: JobSpec, backend: Backend) -> tuple[CheckpointStorage, Callable[[], None]]:
    """Where checkpoints go, and what removes the place if it is not to stay."""
    settings = spec.settings
    if spec.storage is not None:
        return spec.storage, _nothing
    if settings.checkpoint_dir is not None:
        return Files(settings.checkpoint_dir, spec.plan.job), _nothing
    if backend.name in {"inline", "threads"}:
        return Memory(), _nothing
    folder = OwnFolder("weft-checkpoints-", tempfile.gettempdir())
    return Files(folder.path, spec.plan.job), folder.remove


def _nothing() -> None:
    """The place stays."""
