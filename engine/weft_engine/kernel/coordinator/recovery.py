"""Which checkpoint a job starts from, and whether it suits the job."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.checkpoint.api import Checkpoint, CheckpointStorage, OperatorState
from weft_engine.kernel.physical import OperatorSpec, PhysicalPlan
from weft_engine.kernel.runtime.driver import OperatorEnded

log = logging.getLogger(__name__)

RESULTS: Final = "@results/"
"""Operators of a checkpoint whose name begins so are the coordinator's own: collected results."""


def newest(
    storage: CheckpointStorage, *, above: int = 0, noted: Callable[[int, str], None]
) -> Checkpoint | None:
    """The newest checkpoint that is whole; `noted` is told of every damaged one before it.

    Args:
        storage: where to look.
        above: checkpoints up to this id are of other jobs.
        noted: called with the id of a checkpoint that was passed over, and why.

    Raises:
        ResourceError: `checkpoint.corrupt` when there are checkpoints and all are damaged,
            `checkpoint.format` when one was written by another version.
    """
    first: ResourceError | None = None
    for id_ in storage.checkpoints():
        if id_ <= above:
            break
        try:
            return storage.load(id_)
        except ResourceError as error:
            if error.code != "checkpoint.corrupt":
                raise
            log.warning("checkpoint %d cannot be used: %s", id_, error.message)
            noted(id_, error.message)
            first = first or error
    if first is not None:
        raise first
    return None


def check(checkpoint: Checkpoint, plan: PhysicalPlan, *, allow_dropped: bool = False) -> None:
    """See whether a job can go on from a checkpoint.

    Raises:
        FlowError: `checkpoint.state_lost`, `checkpoint.kind_changed` or `checkpoint.key_groups`.
    """
    specs = {spec.uid: spec for stage in plan.stages for spec in stage.operators}
    states = {
        uid: state
        for uid, state in checkpoint.operators.items()
        if not uid.startswith(RESULTS) and _has_state(state)
    }
    _check_kinds(states, specs)
    if not allow_dropped:
        _check_dropped(states, specs)
    if checkpoint.key_groups != plan.key_groups and any(
        any(state.keyed) for state in states.values()
    ):
        raise FlowError(
            f"the checkpoint has {checkpoint.key_groups} key groups, the job {plan.key_groups}",
            code="checkpoint.key_groups",
            hint=f"Run the job with {checkpoint.key_groups} key groups, or start it anew.",
            params={"checkpoint": checkpoint.key_groups, "job": plan.key_groups},
        )


def _has_state(state: OperatorState) -> bool:
    pieces = any(not isinstance(piece, OperatorEnded) for mine in state.pieces for piece in mine)
    return pieces or any(state.keyed) or bool(state.committables)


def _check_kinds(states: Mapping[str, OperatorState], specs: Mapping[str, OperatorSpec]) -> None:
    for uid, state in states.items():
        spec = specs.get(uid)
        if spec is not None and state.kind and spec.kind != state.kind:
            raise FlowError(
                f"the checkpoint has state of {uid!r} as {state.kind}; in the job it is"
                f" {spec.kind}",
                code="checkpoint.kind_changed",
                hint="Give operators that hold state a uid, so that they keep it when others are"
                " added or removed.",
                params={"uid": uid, "checkpoint": state.kind, "job": spec.kind},
            )


def _check_dropped(states: Mapping[str, OperatorState], specs: Mapping[str, OperatorSpec]) -> None:
    dropped = sorted(uid for uid in states if uid not in specs)
    if dropped:
        raise FlowError(
            f"the checkpoint has state of operators that the job does not have:"
            f" {', '.join(dropped)}",
            code="checkpoint.state_lost",
            hint="Give them back under the same uid, or allow their state to be dropped.",
            params={"uids": dropped},
        )
