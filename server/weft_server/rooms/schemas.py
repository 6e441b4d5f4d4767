"""Bodies and answers about documents."""

from typing import Literal

from pydantic import BaseModel, Field

from weft_engine.flow.patch import Op, Patch, Skipped
from weft_engine.flow.values import Line
from weft_server.flows.schemas import Body

MOST_OPS = 20_000


class PatchBody(Body):
    """Operations that change a flow together."""

    ops: tuple[Op, ...] = Field(max_length=MOST_OPS)
    on_conflict: Literal["reject", "skip"] = "reject"
    """What to do when something is not as an operation expects."""
    message: Line | None = None


class PatchResult(BaseModel):
    """What came of a patch."""

    applied: int
    """How many operations were applied."""
    skipped: list[Skipped]
    inverse: Patch
    """The patch that takes it back."""
