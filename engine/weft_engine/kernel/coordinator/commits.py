"""Makes visible what sinks have prepared, and gathers what is collected for the program itself."""

import pickle
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from weft_engine.errors import WeftError
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.api import Checkpoint, CheckpointStorage, OperatorState, Part
from weft_engine.kernel.checkpoint.manifest import corrupt, dumps
from weft_engine.kernel.coordinator.aside import Aside, LeftBehind
from weft_engine.kernel.coordinator.failures import wrapped
from weft_engine.kernel.coordinator.recovery import RESULTS
from weft_engine.kernel.physical import PhysicalPlan

_GRACE_S: Final = 3.0
"""How long a sink may go on with a commit when its job is cancelled."""
_LONGEST_CHAIN: Final = 64
"""After how many parts collected results are written anew as one."""


class Commits:
    """The sinks of a plan, in its order.

    `owner` is the name that this job's writers have in common: see `connectors.owners`.
    """

    def __init__(self, plan: PhysicalPlan, owner: str) -> None:
        self._owner = owner
        self.aside = Aside(f"weft-commits-{plan.job}", _GRACE_S)
        specs = [spec for stage in plan.stages for spec in stage.operators]
        self._sinks: dict[str, Any] = {
            spec.uid: spec.params["sink"]
            for spec in specs
            if hasattr(spec.params.get("sink"), "commit")
        }

    def commit(self, committables: Mapping[str, Sequence[Any]]) -> None:
        """Make visible what the sinks have prepared, one sink after the other.

        Raises:
            WeftError: `sink.commit_failed`, or the sink's own.
        """
        for uid, sink in self._sinks.items():
            mine = committables.get(uid, ())
            if mine:
                self._call(uid, sink.commit, list(mine))
                crash_points.reach(crash_points.AFTER_SINK)

    def recover(
        self, committables: Mapping[str, Sequence[Any]], checkpoint: int | None = None
    ) -> None:
        """Commit again what a checkpoint holds, and remove what nobody will commit.

        Args:
            committables: what the checkpoint holds, by operator.
            checkpoint: its number, for sinks to take back what later ones held; None where the job
                begins.

        Raises:
            WeftError: `sink.commit_failed`, or the sink's own.
        """
        self.commit(committables)
        for uid, sink in self._sinks.items():
            mine = list(committables.get(uid, ()))
            if hasattr(sink, "recover_job"):
                recover = partial(sink.recover_job, owner=self._owner, checkpoint=checkpoint)
                self._call(uid, recover, mine)
            elif hasattr(sink, "recover"):
                self._call(uid, sink.recover, mine)

    def _call(self, uid: str, method: Any, committables: list[Any]) -> None:
        try:
            self.aside.call(partial(method, committables))
        except LeftBehind:
            raise
        except WeftError:
            raise
        except Exception as error:
            raise wrapped(
                error,
                "sink.commit_failed",
                f"the sink {uid} could not make visible what was written",
                "The checkpoint is safe: it is tried again when the job is started again.",
            ) from error


class Results:
    """Records collected for the program; every checkpoint names all that were so far."""

    def __init__(self, plan: PhysicalPlan) -> None:
        specs = [spec for stage in plan.stages for spec in stage.operators]
        self._uids = [spec.uid for spec in specs if spec.kind == "collect_results"]
        self._chains: dict[str, tuple[Part, ...]] = dict.fromkeys(self._uids, ())
        self.records: dict[str, list[Any]] = {uid: [] for uid in self._uids}
        """What has been committed, by operator."""

    def take(self, committables: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Take the records out of what is to be committed."""
        return {
            uid: [record for records in committables.pop(uid, ()) for record in records]
            for uid in self._uids
        }

    def write(
        self, checkpoint: int, added: Mapping[str, list[Any]], storage: CheckpointStorage
    ) -> dict[str, OperatorState]:
        """Write what is new, for a checkpoint to name."""
        states = {}
        for uid in self._uids:
            chain, new = self._chains[uid], added.get(uid, [])
            if len(chain) >= _LONGEST_CHAIN:
                chain, new = (), self.records[uid] + new
            if new:
                chain = (*chain, storage.write(f"chk-{checkpoint}/results/{uid}", dumps(new)))
            states[f"{RESULTS}{uid}"] = OperatorState(1, keyed=(chain,), kind="collect_results")
        return states

    def committed(
        self, added: Mapping[str, list[Any]], states: Mapping[str, OperatorState]
    ) -> None:
        """The checkpoint that names them is durable."""
        for uid in self._uids:
            self.records[uid] += added.get(uid, [])
            if f"{RESULTS}{uid}" in states:
                self._chains[uid] = states[f"{RESULTS}{uid}"].keyed[0]

    def restore(self, checkpoint: Checkpoint | None, storage: CheckpointStorage | None) -> None:
        """Go back to what a checkpoint names."""
        for uid in self._uids:
            state = checkpoint.operators.get(f"{RESULTS}{uid}") if checkpoint else None
            chain = state.keyed[0] if state is not None else ()
            self._chains[uid] = chain
            self.records[uid] = [
                record for part in chain if storage for record in _loads(part, storage)
            ]


def _loads(part: Part, storage: CheckpointStorage) -> list[Any]:
    data = storage.read(part)
    try:
        records: list[Any] = pickle.loads(data)  # noqa: S301 - written by this job
    except Exception as error:
        raise corrupt(part.name, f"it cannot be unpickled: {error}") from error
    return records
