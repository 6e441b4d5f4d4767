"""The rows that a live run writes without end: read newest first, and thinned."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select
from sqlmodel import Session, col

from weft_server.runs.tables import RunEventRow

THINNED: Final = ("checkpoint_completed", "checkpoint_failed", "run_restarting")
"""Of these events the newest are kept."""
KEPT: Final = 50
EVERY: Final = 16
"""They are thinned when so many have come."""

_event: Final[Any] = RunEventRow


def newest(session: Session, run_id: str, kind: str) -> Sequence[RunEventRow]:
    """Events of a kind, the newest first."""
    query = select(RunEventRow).where(_event.run_id == run_id, _event.type == kind)
    return session.scalars(query.order_by(col(RunEventRow.seq).desc()).limit(KEPT)).all()


def thin(session: Session, run_id: str) -> None:
    """Delete all but the newest."""
    for kind in THINNED:
        mine = (_event.run_id == run_id) & (_event.type == kind)
        oldest = (
            select(col(RunEventRow.seq))
            .where(mine)
            .order_by(col(RunEventRow.seq).desc())
            .limit(1)
            .offset(KEPT - 1)
            .scalar_subquery()
        )
        session.execute(delete(RunEventRow).where(mine, col(RunEventRow.seq) < oldest))
