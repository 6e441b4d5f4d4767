"""Turns what subtasks have handed in into a checkpoint that exists, and then makes it visible.

Why results are exactly-once. Let C(s, n) be what the sinks of subtask s have prepared between its
barriers n-1 and n: its output of epoch n.

1. A checkpoint n is committed only when every subtask has acknowledged it, or has ended before its
   barrier. All the snapshots together are then one cut through the stream (barriers are aligned):
   restored, the sources go on exactly behind what the snapshots contain.
2. The manifest of n holds every C(s, m) with m <= n that no earlier manifest held. Reports of one
   subtask come in the order in which it prepared, so when its acknowledgement of n is here, all its
   C(s, m) with m < n are: those of abandoned and declined checkpoints were kept. What a subtask
   prepared at its end, after it had acknowledged n, is left for the next.
3. Sinks commit only what a durable manifest holds. A crash before the manifest loses the whole
   epoch together with the positions that would have skipped it: it is computed again, and what its
   writers left is removed by `Sink.recover`. A crash after it commits the same again from the
   manifest, before anything is deployed; `Sink.commit` is idempotent. Sinks commit in a thread of
   their own, but nothing else is done before they have returned. Only a job that is cancelled does
   not wait for ever: it ends, and what they have not committed is committed at the next start.
4. Whether a manifest that failed to be written exists after all does not matter: nothing of it was
   committed, so either it is found at the next start and committed then, or its committables are
   part of the next manifest. A number is never used for two checkpoints.
5. Reports of earlier attempts are dropped whole, and an attempt is deployed only when the one
   before is gone. So from every record on, exactly one manifest holds its output.

When the newest manifest is damaged, the one before is restored, and what the damaged one held is
computed again, under another checkpoint. Sinks that had committed it are told what is restored and
take back what they had prepared for later checkpoints. By 2, that is what no manifest up to the
restored one holds: what C(s, m) says is in the first manifest from m on, what a subtask prepares at
its end counts for the checkpoint behind the last one it has seen. The exception are sinks that
cannot take back (`Sink.recover_job`).
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.api import Checkpoint
from weft_engine.kernel.connectors import owners
from weft_engine.kernel.coordinator.commits import Commits, Results
from weft_engine.kernel.coordinator.epochs import Epochs, Kind
from weft_engine.kernel.coordinator.failures import wrapped
from weft_engine.kernel.planner import plan_hash
from weft_engine.kernel.runtime.job_spec import JobSpec

log = logging.getLogger(__name__)


class Committer:
    """The store and the sinks of one job."""

    def __init__(self, spec: JobSpec, wall_ms: Callable[[], int]) -> None:
        self._plan = spec.plan
        self._plan_hash = plan_hash(spec.plan)
        self._storage = spec.storage
        self._for_savepoints = spec.for_savepoints
        self._keep = 1 if spec.for_savepoints else spec.settings.checkpoint_keep
        self._wall_ms = wall_ms
        self.size = 0
        """How many bytes the last checkpoint has in the store; 0 where none was written."""
        # Starts that share checkpoints clean up behind one another; any other job may be alive.
        starts, this = owners(f"{spec.id}-0-0-0")
        self._sinks = Commits(spec.plan, this if spec.settings.checkpoint_dir is None else starts)
        self.results = Results(spec.plan)

    def restore(self, checkpoint: Checkpoint | None, *, begins: bool) -> None:
        """Make visible what a checkpoint holds, again if need be, and remove what is left over.

        Args:
            checkpoint: what the job goes on from, if there is one.
            begins: whether the job begins with it, as from a savepoint: what sinks have made
                visible before is not the job's then.

        Raises:
            WeftError: when a sink or the store fails.
        """
        self.results.restore(checkpoint, self._storage)
        restored = None if checkpoint is None or begins else checkpoint.id
        self._sinks.recover(_committables(checkpoint), restored)

    def commit(self, epochs: Epochs, id_: int, kind: Kind) -> Checkpoint:
        """Make the complete checkpoint exist; without a store, only what is to be visible.

        Raises:
            WeftError: when the store fails or something cannot be pickled; all is as before then.
        """
        self.size = 0
        committables: dict[str, list[object]] = {}
        for _, _, uid, committable in epochs.covered():
            committables.setdefault(uid, []).append(committable)
        collected = self.results.take(committables)
        operators = epochs.operators()
        for uid, prepared in committables.items():
            operators[uid] = replace(operators[uid], committables=tuple(prepared))
        checkpoint = Checkpoint(
            id_,
            kind,
            self._plan.job,
            self._plan_hash,
            self._plan.key_groups,
            operators,
            self._wall_ms(),
        )
        if self._storage is not None and not (kind == "final" and self._for_savepoints):
            try:
                added = self.results.write(id_, collected, self._storage)
                checkpoint = replace(checkpoint, operators={**operators, **added})
                self.size = self._storage.commit(checkpoint)
            except WeftError:
                raise
            except Exception as error:
                raise wrapped(
                    error,
                    "checkpoint.failed",
                    f"checkpoint {id_} could not be made",
                    "Can everything that sources, operators and sinks keep be pickled?",
                ) from error
        epochs.committed()
        self.results.committed(collected, checkpoint.operators)
        return checkpoint

    def publish(self, checkpoint: Checkpoint) -> None:
        """Make visible what a committed checkpoint holds.

        Raises:
            WeftError: when a sink fails.
        """
        self._sinks.commit(_committables(checkpoint))
        crash_points.reach(crash_points.AFTER_COMMIT)

    def leave(self) -> None:
        """The job is cancelled: a sink that is at work is not waited for much longer."""
        self._sinks.aside.leave()

    def retain(self) -> None:
        """Remove checkpoints that are not needed any more; what fails is tried again next time."""
        if self._storage is None:
            return
        try:
            self._storage.retain(self._keep)
        except ResourceError as error:
            log.warning("old checkpoints of %s could not be removed: %s", self._plan.job, error)


def _committables(checkpoint: Checkpoint | None) -> dict[str, list[object]]:
    operators = checkpoint.operators if checkpoint is not None else {}
    return {uid: list(state.committables) for uid, state in operators.items()}
