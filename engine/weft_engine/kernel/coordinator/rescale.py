"""Deals the state of a checkpoint to the subtasks of a plan, however many there are now."""

from collections.abc import Iterable

from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState, Part
from weft_engine.kernel.physical import PhysicalPlan, Stage, channel_targets, key_group_range
from weft_engine.kernel.runtime.driver import OperatorEnded
from weft_engine.kernel.runtime.messages import Restore

SubtaskKey = tuple[int, int]
"""A subtask, by stage and number."""


def deal(checkpoint: Checkpoint, plan: PhysicalPlan) -> dict[SubtaskKey, Restore]:
    """What every subtask starts from.

    Own state goes back to the same subtask where the parallelism is unchanged and is dealt in turn
    otherwise; where it is shared (see `OperatorSpec.shared`), all of it goes to all. Keyed state
    goes to every subtask that has some of its key groups; the state store takes only what is its
    own. A subtask that had ended runs again if one that sends to it does,
    as may be where only one of the two has another parallelism now.
    """
    ended: set[SubtaskKey] = set()
    for stage in plan.stages:
        for index in range(stage.parallelism):
            if finished(checkpoint, stage, index) and _senders(plan, stage, index) <= ended:
                ended.add((stage.id, index))
    dealt = {}
    for stage in plan.stages:
        everyone = range(stage.parallelism)
        alive = tuple(index for index in everyone if (stage.id, index) not in ended)
        for index in everyone:
            dealt[stage.id, index] = _restore(checkpoint, plan, stage, index, alive)
    return dealt


def _senders(plan: PhysicalPlan, stage: Stage, index: int) -> set[SubtaskKey]:
    parallelisms = {each.id: each.parallelism for each in plan.stages}
    return {
        (edge.source, sender)
        for edge in plan.into(stage.id)
        if not edge.feedback
        for sender in range(parallelisms[edge.source])
        if index in channel_targets(edge.exchange, sender, stage.parallelism)
    }


def _restore(
    checkpoint: Checkpoint, plan: PhysicalPlan, stage: Stage, index: int, alive: tuple[int, ...]
) -> Restore:
    restore = Restore(checkpoint.id, alive=alive, finished=index not in alive)
    for spec in stage.operators:
        state = checkpoint.operators.get(spec.uid)
        if state is None:
            continue
        pieces = pieces_of(state, index, stage.parallelism, shared=spec.shared)
        if pieces:
            restore.pieces[spec.uid] = pieces
        if spec.kind == "source":
            restore.peers[spec.uid] = [
                each
                for pieces in state.pieces
                for each in pieces
                if not isinstance(each, OperatorEnded)
            ]
        chains = chains_of(state, index, stage.parallelism, plan.key_groups)
        if chains:
            restore.keyed[spec.uid] = chains
    return restore


def pieces_of(
    state: OperatorState, index: int, parallelism: int, *, shared: bool = False
) -> list[object]:
    """The pieces of own state that one of so many subtasks is given."""
    if state.parallelism == parallelism:
        return list(state.pieces[index]) if index < len(state.pieces) else []
    every = [piece for pieces in state.pieces for piece in pieces]
    return every if shared else every[index::parallelism]


def chains_of(
    state: OperatorState, index: int, parallelism: int, key_groups: int
) -> tuple[tuple[Part, ...], ...]:
    """The keyed parts that hold key groups of one of so many subtasks."""
    mine = key_group_range(index, parallelism, key_groups)
    return tuple(
        chain
        for old, chain in enumerate(state.keyed)
        if chain and _meet(mine, key_group_range(old, state.parallelism, key_groups))
    )


def finished(checkpoint: Checkpoint, stage: Stage, index: int) -> bool:
    """Whether a subtask had ended and need not run again.

    With another parallelism that holds for all or none: what remains is dealt to all.
    """
    states = [
        checkpoint.operators[spec.uid]
        for spec in stage.operators
        if spec.uid in checkpoint.operators
    ]
    return bool(states) and all(_ended(state, index, stage.parallelism) for state in states)


def _ended(state: OperatorState, index: int, parallelism: int) -> bool:
    if state.parallelism == parallelism and index < len(state.finished):
        return state.finished[index]
    return all_ended(state.finished)


def all_ended(flags: Iterable[bool]) -> bool:
    """Whether there are any, and all of them are true."""
    each = list(flags)
    return bool(each) and all(each)


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
