"""What the list of flows shows of runs; the runs provide it as ``app.state.last_runs``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from pydantic import BaseModel
from sqlmodel import Session


class LastRun(BaseModel):
    """The newest run of a flow."""

    id: str
    state: str
    ended_at: datetime | None = None


LastRuns: TypeAlias = Callable[[Session, Sequence[str]], Mapping[str, LastRun]]
"""The newest run of each of these flows; flows that never ran are left out."""


def no_runs(session: Session, flow_ids: Sequence[str]) -> Mapping[str, LastRun]:
    """The answer of a server without runs."""
    return {}
