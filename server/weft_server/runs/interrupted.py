"""Runs that a server left behind when it died: their end is written when the next one starts."""

from sqlalchemy import update
from sqlmodel import Session, col

from weft_engine.errors import Failure, ResourceError
from weft_engine.runs.events import now_text
from weft_server.database import utc_now
from weft_server.runs import repository
from weft_server.runs.live_nodes import json_text
from weft_server.runs.tables import RunEventRow, RunNodeRow, RunRow


def failure(message: str) -> dict[str, object]:
    """What is written of a run that could not go on."""
    error = ResourceError(
        message,
        code="run.interrupted",
        hint="Run the flow again; what it had already written to files is still there.",
    )
    return Failure.of(error).model_dump(mode="json")


def mark_all(session: Session) -> int:
    """Mark every run that has no end as interrupted; answers how many there were."""
    rows = repository.unended(session)
    for row in rows:
        _mark(session, row)
    return len(rows)


def _mark(session: Session, row: RunRow) -> None:
    why = failure("The server stopped while the run was in progress.")
    seq = repository.last_seq(session, row.id) + 1
    data = json_text({"failure": why})
    session.add(RunEventRow(run_id=row.id, seq=seq, at=now_text(), type="run_failed", data=data))
    row.state, row.ended_at, row.last_seq = "failed", utc_now(), seq
    row.failure = json_text(why)
    session.add(row)
    for before, after in (("running", "cancelled"), ("queued", "idle")):
        session.execute(
            update(RunNodeRow)
            .where(col(RunNodeRow.run_id) == row.id, col(RunNodeRow.state) == before)
            .values(state=after)
        )
