"""Applying patches: atomically, with exact inverses and typed reasons for what was skipped."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from weft_engine.errors import PatchError
from weft_engine.flow.draft import Draft, Refused
from weft_engine.flow.model import Flow
from weft_engine.flow.ops import (
    AddEdge,
    AddNode,
    AddNote,
    MoveNode,
    Op,
    Patch,
    PortMap,
    RemoveEdge,
    RemoveNode,
    RemoveNote,
    ReplaceNode,
    SetField,
    SetFlow,
    SetNote,
    SetSetting,
    UnsetSetting,
    add_edge,
    remove_edge,
)

__all__ = [
    "AddEdge",
    "AddNode",
    "AddNote",
    "Applied",
    "MoveNode",
    "Op",
    "Patch",
    "PortMap",
    "RemoveEdge",
    "RemoveNode",
    "RemoveNote",
    "ReplaceNode",
    "SetField",
    "SetFlow",
    "SetNote",
    "SetSetting",
    "Skipped",
    "UnsetSetting",
    "add_edge",
    "apply",
    "compose",
    "remove_edge",
]

OnConflict = Literal["reject", "skip"]


class Skipped(BaseModel):
    """An operation that was left out, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    op: Op
    code: str
    message: str


class Applied(BaseModel):
    """What came of a patch."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    flow: Flow
    applied: int
    """How many operations were applied."""
    skipped: list[Skipped] = []
    inverse: Patch
    """The patch that takes it all back."""


def apply(flow: Flow, patch: Patch, *, on_conflict: OnConflict = "reject") -> Applied:
    """Apply a patch.

    An operation conflicts when what it changes is not there, or is not what it expects. With
    `reject` the first conflict raises PatchError and nothing is applied; with `skip` only the
    operations in conflict are left out. `apply(applied.flow, applied.inverse).flow == flow`.
    """
    draft = Draft(flow)
    skipped: list[Skipped] = []
    undo: list[Op] = []
    for index, op in enumerate(patch.ops):
        try:
            undo[:0] = draft.apply(op)
        except Refused as refused:
            if on_conflict == "reject":
                raise _rejected(index, op, refused) from None
            skipped.append(Skipped(index=index, op=op, code=refused.code, message=refused.message))
    message = f"Undo: {patch.message}"[:200] if patch.message else None
    return Applied(
        flow=draft.flow(),
        applied=len(patch.ops) - len(skipped),
        skipped=skipped,
        inverse=Patch(ops=tuple(undo), message=message, origin=patch.origin),
    )


def compose(*patches: Patch) -> Patch:
    """One patch that does what several do one after the other."""
    messages = dict.fromkeys(patch.message for patch in patches if patch.message)
    origins = {patch.origin for patch in patches}
    return Patch(
        ops=tuple(op for patch in patches for op in patch.ops),
        message="; ".join(messages)[:200] or None,
        origin=origins.pop() if len(origins) == 1 else None,
    )


def _rejected(index: int, op: Op, refused: Refused) -> PatchError:
    return PatchError(
        f"operation {index + 1} ({op.op}) does not apply: {refused.message}",
        code=refused.code,
        hint="Somebody may have changed the flow meanwhile; look at it again.",
        params={"index": index, "op": op.op, **refused.params},
    )
