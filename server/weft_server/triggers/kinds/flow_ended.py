"""Finding the runs whose end starts other flows."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import String, func, literal, select
from sqlmodel import Session, col

from weft_server.flows.tables import Flow
from weft_server.runs.tables import RunRow
from weft_server.triggers.tables import TriggerEvent, TriggerRow

ENDS: Final = {
    "completed": ("completed",),
    "failed": ("failed",),
    "any": ("completed", "failed", "cancelled"),
}
MARGIN: Final = timedelta(hours=1)
"""How long after its end a run may still be found, say after a crash between the two."""
_PAGE: Final = 100


def once_key(run_id: str) -> str:
    """No run ends twice."""
    return f"run:{run_id}"


def unseen(session: Session, trigger: TriggerRow) -> list[tuple[RunRow, str]]:
    """Ended runs, with their flows' names, for which the trigger has no event yet."""
    states = ENDS[trigger.settings.get("ends", "completed")]
    known = (
        select(col(TriggerEvent.id))
        .where(
            col(TriggerEvent.trigger_id) == trigger.id,
            col(TriggerEvent.once_key) == literal("run:", String()) + col(RunRow.id),
        )
        .exists()
    )
    query = (
        select(RunRow, col(Flow.name))
        .join(Flow, col(Flow.id) == col(RunRow.flow_id))
        .where(
            col(RunRow.flow_id) == trigger.watches,
            col(RunRow.workspace_id) == trigger.workspace_id,
            col(RunRow.state).in_(states),
            col(RunRow.ended_at) >= trigger.since,
            ~known,
        )
        .order_by(col(RunRow.ended_at), col(RunRow.id))
        .limit(_PAGE)
    )
    return [(row, name) for row, name in session.execute(query)]


def depth_of(session: Session, run_id: str) -> int:
    """How many flows started one another up to this run."""
    found = session.scalar(
        select(func.max(col(TriggerEvent.depth))).where(
            col(TriggerEvent.run_id) == run_id, col(TriggerEvent.state) == "started"
        )
    )
    return int(found or 0)


def payload(
    run: RunRow, flow_name: str, failure: dict[str, Any] | None, outputs: dict[str, Any]
) -> dict[str, Any]:
    """What the node gives."""
    return {
        "id": run.id,
        "number": run.number,
        "state": run.state,
        "flow_id": run.flow_id,
        "flow_name": flow_name,
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "duration_ms": run.duration_ms,
        "failure": failure,
        "outputs": outputs,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
