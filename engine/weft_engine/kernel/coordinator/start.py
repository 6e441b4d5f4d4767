"""What a job starts from."""

from dataclasses import dataclass
from pathlib import Path

from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint import savepoint
from weft_engine.kernel.checkpoint.api import Checkpoint, CheckpointStorage
from weft_engine.kernel.coordinator import recovery
from weft_engine.kernel.coordinator.requests import no_storage
from weft_engine.kernel.physical import PhysicalPlan


@dataclass(frozen=True, slots=True)
class Start:
    """Where a job begins, and how its checkpoints are numbered."""

    checkpoint: Checkpoint | None = None
    above: int = 0
    """Checkpoints up to this id are none of this job's business."""
    next_id: int = 1
    goes_on: bool = False
    """Whether the checkpoint is the job's own; a savepoint is not."""
    damaged: tuple[tuple[int, str], ...] = ()
    """Checkpoints that were passed over, and why."""


def choose(
    plan: PhysicalPlan,
    storage: CheckpointStorage | None,
    resume: str | Path | None,
    *,
    allow_dropped: bool = False,
) -> Start:
    """Find what a job is to start from; the store must be held already.

    Args:
        plan: what is to run.
        storage: where the job's checkpoints are.
        resume: `latest` for the newest checkpoint there, if there is one; the path of a savepoint;
            or None to begin anew.
        allow_dropped: whether state of operators that are no longer there may be dropped.

    Raises:
        ResourceError: `checkpoint.missing`, `checkpoint.corrupt` or `checkpoint.format`.
        FlowError: when the checkpoint does not suit the job.
    """
    if storage is None:
        if resume is None or resume == "latest":
            return Start()
        raise no_storage(plan.job)
    ids = storage.checkpoints()
    last = max(ids, default=0)
    storage.sweep()
    if resume is None:
        return Start(above=last, next_id=last + 1)
    damaged: list[tuple[int, str]] = []
    if resume == "latest":
        found = recovery.newest(storage, noted=lambda id_, why: damaged.append((id_, why)))
        if found is None:
            return Start()
        recovery.check(found, plan, allow_dropped=allow_dropped)
        return Start(found, 0, last + 1, goes_on=True, damaged=tuple(damaged))
    return _from_savepoint(plan, storage, resume, last, allow_dropped=allow_dropped)


def _from_savepoint(
    plan: PhysicalPlan,
    storage: CheckpointStorage,
    path: str | Path,
    last: int,
    *,
    allow_dropped: bool,
) -> Start:
    """Take a savepoint over as the first checkpoint of the job, for restarts to find."""
    source, found = savepoint.read(path)
    recovery.check(found, plan, allow_dropped=allow_dropped)
    last = max(last, found.id)  # what sinks name by checkpoints stays in order
    mine = savepoint.copy(found, source, storage, last + 1)
    try:
        storage.commit(mine)
    except ResourceError:
        storage.sweep()
        raise
    return Start(mine, last, last + 2)
