"""What the subtasks of one attempt have handed in, and which checkpoint it belongs to.

Committables are kept apart from checkpoints: whatever a sink has prepared stays here until a
checkpoint that covers it is committed, whether its own checkpoint was ever completed or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState
from weft_engine.kernel.coordinator.rescale import SubtaskKey, all_ended
from weft_engine.kernel.physical import OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.runtime.messages import Restore, SubtaskSnapshot

_END: Final = 2**63
"""Stands for the checkpoint of what was prepared at a subtask's end: later than any."""
Prepared = tuple[int, int, str, Any]
"""The checkpoint it was prepared for, the subtask's number, the operator, what to commit."""
Kind = Literal["checkpoint", "savepoint", "final"]


@dataclass(slots=True)
class Pending:
    """A checkpoint under way."""

    id: int
    kind: Kind
    started: float
    acknowledged: dict[SubtaskKey, SubtaskSnapshot] = field(default_factory=dict)
    pause_ns: int = 0
    """The longest time that one subtask stood still."""


class Epochs:
    """The state machine of checkpoints in one attempt; does nothing by itself."""

    def __init__(
        self,
        plan: PhysicalPlan,
        restored: Checkpoint | None = None,
        restores: Mapping[SubtaskKey, Restore] | None = None,
    ) -> None:
        self._plan = plan
        self._restored = restored
        self._restores = restores or {}
        self._subtasks = [(s.id, i) for s in plan.stages for i in range(s.parallelism)]
        self._finished: dict[SubtaskKey, SubtaskSnapshot] = {}
        self._prepared: dict[SubtaskKey, list[Prepared]] = {}
        self._running: set[SubtaskKey] = set()
        self.pending: Pending | None = None

    def running(self, key: SubtaskKey) -> None:
        """A subtask has begun."""
        self._running.add(key)

    def has_run(self, key: SubtaskKey) -> bool:
        """Whether a subtask has begun."""
        return key in self._running

    @property
    def all_running(self) -> bool:
        """Whether every subtask has begun, or ended already."""
        return all(key in self._running or key in self._finished for key in self._subtasks)

    @property
    def all_finished(self) -> bool:
        """Whether every subtask has ended."""
        return len(self._finished) == len(self._subtasks)

    def begin(self, id_: int, kind: Kind, now: float) -> None:
        """A checkpoint is triggered."""
        self.pending = Pending(id_, kind, now)

    def abandon(self) -> None:
        """The checkpoint will not be; what was prepared for it stays for the next."""
        self.pending = None

    def acknowledge(
        self, key: SubtaskKey, checkpoint: int, snapshot: SubtaskSnapshot, pause_ns: int = 0
    ) -> None:
        """A subtask's part of a checkpoint is there, perhaps of one that was abandoned."""
        self.prepared(key, checkpoint, snapshot.committables)
        pending = self.pending
        if pending is not None and pending.id == checkpoint:
            pending.acknowledged[key] = replace(snapshot, committables={})
            pending.pause_ns = max(pending.pause_ns, pause_ns)

    def prepared(self, key: SubtaskKey, checkpoint: int, committables: Mapping[str, Any]) -> None:
        """A subtask's sinks have prepared something."""
        held = self._prepared.setdefault(key, [])
        for uid, committable in committables.items():
            if committable is not None:
                held.append((checkpoint, key[1], uid, committable))

    def finish(self, key: SubtaskKey, snapshot: SubtaskSnapshot) -> None:
        """A subtask has ended; its state is its part of every later checkpoint."""
        restore = self._restores.get(key)
        if restore is not None and restore.finished:
            snapshot = self._of_restored(key)
        self.prepared(key, _END, snapshot.committables)
        self._finished[key] = replace(snapshot, committables={})

    def _of_restored(self, key: SubtaskKey) -> SubtaskSnapshot:
        """The state of a subtask that had ended before; another parallelism is seen to later."""
        stage = next(stage for stage in self._plan.stages if stage.id == key[0])
        snapshot = SubtaskSnapshot()
        for spec in stage.operators:
            state = self._restored.operators.get(spec.uid) if self._restored else None
            if state is None or state.parallelism != stage.parallelism:
                continue
            if key[1] < len(state.pieces):
                snapshot.pieces[spec.uid] = list(state.pieces[key[1]])
            if key[1] < len(state.keyed):
                snapshot.keyed[spec.uid] = state.keyed[key[1]]
        return snapshot

    @property
    def complete(self) -> bool:
        """Whether the checkpoint under way lacks nothing."""
        pending = self.pending
        return pending is not None and all(
            key in pending.acknowledged or key in self._finished for key in self._subtasks
        )

    def covered(self) -> list[Prepared]:
        """What the complete checkpoint makes visible, in the order of checkpoints and subtasks.

        That is everything its subtasks have prepared so far, for abandoned checkpoints too, but for
        what a subtask prepared at its end after it had taken part in this checkpoint.
        """
        acknowledged = self.pending.acknowledged if self.pending else {}
        every = [
            each
            for key, prepared in self._prepared.items()
            for each in prepared
            if each[0] != _END or key not in acknowledged
        ]
        return sorted(every, key=lambda each: each[:2])

    def committed(self) -> None:
        """The complete checkpoint is durable: what it covers is out of our hands."""
        acknowledged = self.pending.acknowledged if self.pending else {}
        for key, prepared in self._prepared.items():
            stays = [each for each in prepared if each[0] == _END and key in acknowledged]
            self._prepared[key] = stays
        self.pending = None

    def operators(self) -> dict[str, OperatorState]:
        """The state of all operators for the complete checkpoint."""
        made: dict[str, OperatorState] = {}
        for stage in self._plan.stages:
            snapshots, ended = self._snapshots(stage)
            for spec in stage.operators:
                made[spec.uid] = self._operator(stage, spec, snapshots, ended)
        return made

    def _snapshots(self, stage: Stage) -> tuple[list[SubtaskSnapshot], list[bool]]:
        acknowledged = self.pending.acknowledged if self.pending else {}
        keys = [(stage.id, index) for index in range(stage.parallelism)]
        ended = [key not in acknowledged for key in keys]
        return [acknowledged.get(key) or self._finished[key] for key in keys], ended

    def _operator(
        self, stage: Stage, spec: OperatorSpec, snapshots: list[SubtaskSnapshot], ended: list[bool]
    ) -> OperatorState:
        before = self._restored.operators.get(spec.uid) if self._restored else None
        if before is not None and before.parallelism != stage.parallelism:
            restores = [self._restores.get((stage.id, i)) for i in range(stage.parallelism)]
            if all_ended(each is not None and each.finished for each in restores):
                # Nobody has touched it since: it stays as it was dealt then.
                return replace(before, committables=())
        return OperatorState(
            parallelism=stage.parallelism,
            pieces=tuple(tuple(each.pieces.get(spec.uid) or ()) for each in snapshots),
            keyed=tuple(tuple(each.keyed.get(spec.uid) or ()) for each in snapshots),
            finished=tuple(ended),
            kind=spec.kind,
        )
