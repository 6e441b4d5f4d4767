"""Queries on armed flows, triggers and events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, delete, func, select, update
from sqlalchemy.orm import defer
from sqlmodel import Session, col

from weft_server.accounts.tables import User
from weft_server.flows.tables import Flow
from weft_server.runs.live import UNENDED
from weft_server.runs.tables import RunRow
from weft_server.triggers.tables import (
    ArmedFlow,
    TriggerEvent,
    TriggerFile,
    TriggerRow,
    TriggerSecret,
)

KEPT_EVENTS: Final = 1_000
"""Of each flow; and all of the last day, so that a repeated delivery is known."""
KEPT_FOR: Final = timedelta(days=1)

_PAYLOAD: Final[Any] = TriggerEvent.payload
_DEFINITION: Final[Any] = ArmedFlow.definition


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with what is known of its run."""

    row: TriggerEvent
    run_state: str | None
    run_number: int | None


@dataclass(frozen=True, slots=True)
class Deliverable:
    """An event, its trigger, and the flow as it is armed now, if it is."""

    event: TriggerEvent
    trigger: TriggerRow
    armed: ArmedFlow | None
    armer: str


def armed(session: Session, flow_id: str) -> tuple[ArmedFlow, str | None] | None:
    """An armed flow with the name of who armed it."""
    found = session.execute(
        select(ArmedFlow, col(User.name))
        .outerjoin(User, col(User.id) == col(ArmedFlow.armed_by))
        .where(col(ArmedFlow.flow_id) == flow_id)
    ).first()
    return None if found is None else (found[0], found[1])


def triggers(session: Session, flow_id: str) -> list[TriggerRow]:
    """All triggers a flow has or had."""
    query = select(TriggerRow).where(col(TriggerRow.flow_id) == flow_id)
    return list(session.scalars(query.order_by(col(TriggerRow.node))))


def trigger(session: Session, flow_id: str, node: str) -> TriggerRow | None:
    """One trigger."""
    query = select(TriggerRow).where(
        col(TriggerRow.flow_id) == flow_id, col(TriggerRow.node) == node
    )
    return session.scalars(query).first()


def active(session: Session, *, kind: str | None = None) -> list[TriggerRow]:
    """The triggers of all armed flows that are not deleted."""
    query = _active()
    if kind is not None:
        query = query.where(col(TriggerRow.type) == kind)
    return list(session.scalars(query.order_by(col(TriggerRow.id))))


def due(session: Session, now: datetime) -> list[TriggerRow]:
    """Schedules whose time has come."""
    return list(session.scalars(_active().where(col(TriggerRow.next_at) <= now)))


def next_due(session: Session) -> datetime | None:
    """When the next schedule fires."""
    times = _active().with_only_columns(func.min(col(TriggerRow.next_at)))
    found: datetime | None = session.execute(times).scalar()
    return found


def by_token(session: Session, token_hash: str) -> TriggerRow | None:
    """The active webhook at an address."""
    return session.scalars(_active().where(col(TriggerRow.token_hash) == token_hash)).first()


def listening(session: Session, workspace_id: str, queue: str) -> list[TriggerRow]:
    """The active triggers that a message on a queue is for."""
    query = _active().where(
        col(TriggerRow.workspace_id) == workspace_id,
        col(TriggerRow.type) == "trigger.message",
        col(TriggerRow.watches) == queue,
    )
    return list(session.scalars(query))


def _active() -> Select[Any]:
    return (
        select(TriggerRow)
        .join(Flow, col(Flow.id) == col(TriggerRow.flow_id))
        .where(col(TriggerRow.active).is_(True), col(Flow.deleted_at).is_(None))
    )


def secret_of(session: Session, trigger_id: str) -> TriggerSecret | None:
    """What a webhook's senders sign with."""
    return session.get(TriggerSecret, trigger_id)


# Events


def deliverable(session: Session, event_id: str) -> Deliverable | None:
    """All that is needed to deliver an event."""
    found = session.execute(
        select(TriggerEvent, TriggerRow, ArmedFlow, col(User.name))
        .join(TriggerRow, col(TriggerRow.id) == col(TriggerEvent.trigger_id))
        .join(Flow, col(Flow.id) == col(TriggerEvent.flow_id))
        .outerjoin(
            ArmedFlow,
            and_(
                col(ArmedFlow.flow_id) == col(TriggerEvent.flow_id), col(Flow.deleted_at).is_(None)
            ),
        )
        .outerjoin(User, col(User.id) == col(ArmedFlow.armed_by))
        .where(col(TriggerEvent.id) == event_id)
    ).first()
    return None if found is None else Deliverable(found[0], found[1], found[2], found[3] or "")


def waiting(
    session: Session, flow_id: str, *, without: Collection[str], limit: int
) -> list[TriggerEvent]:
    """Events that have not been delivered, the oldest first, but those of some triggers."""
    query = (
        select(TriggerEvent)
        .options(defer(_PAYLOAD))
        .where(
            col(TriggerEvent.flow_id) == flow_id,
            col(TriggerEvent.state) == "received",
            col(TriggerEvent.trigger_id).not_in(without),
        )
    )
    return list(session.scalars(query.order_by(col(TriggerEvent.id)).limit(limit)))


def flows_waiting(session: Session) -> list[str]:
    """The flows that have events which have not been delivered."""
    query = select(col(TriggerEvent.flow_id)).where(col(TriggerEvent.state) == "received")
    return list(session.scalars(query.distinct()))


def waiting_counts(session: Session, flow_id: str) -> dict[str, int]:
    """How many events wait, by trigger."""
    rows = session.execute(
        select(col(TriggerEvent.trigger_id), func.count())
        .where(col(TriggerEvent.flow_id) == flow_id, col(TriggerEvent.state) == "received")
        .group_by(col(TriggerEvent.trigger_id))
    )
    return {str(trigger_id): int(count) for trigger_id, count in rows}


def settle(
    session: Session,
    event_id: str,
    state: str,
    now: datetime,
    *,
    run_id: str | None = None,
    reason: str | None = None,
) -> bool:
    """Say what became of a waiting event; False when that was said already."""
    done = session.connection().execute(
        update(TriggerEvent)
        .where(col(TriggerEvent.id) == event_id, col(TriggerEvent.state) == "received")
        .values(state=state, run_id=run_id, reason=reason, settled_at=now)
    )
    return done.rowcount == 1


def is_busy(session: Session, event: TriggerEvent) -> bool:
    """Whether a run of an earlier event of the same trigger goes on, or one waits before it."""
    of_trigger = select(col(TriggerEvent.id)).where(
        col(TriggerEvent.trigger_id) == event.trigger_id
    )
    running = of_trigger.join(RunRow, col(RunRow.id) == col(TriggerEvent.run_id)).where(
        col(TriggerEvent.state) == "started", col(RunRow.state).in_(UNENDED)
    )
    before = of_trigger.where(
        col(TriggerEvent.state) == "received", col(TriggerEvent.id) < event.id
    )
    return any(session.execute(query.limit(1)).first() for query in (running, before))


def page(
    session: Session,
    flow_id: str,
    *,
    node: str | None,
    state: str | None,
    before: str | None,
    limit: int,
) -> list[StoredEvent]:
    """Events of a flow without what they carried, newest first."""
    query = _with_run().options(defer(_PAYLOAD)).where(col(TriggerEvent.flow_id) == flow_id)
    if node is not None:
        query = query.where(col(TriggerEvent.node) == node)
    if state is not None:
        query = query.where(col(TriggerEvent.state) == state)
    if before is not None:
        query = query.where(col(TriggerEvent.id) < before)
    rows = session.execute(query.order_by(col(TriggerEvent.id).desc()).limit(limit))
    return [StoredEvent(*row) for row in rows]


def event(session: Session, flow_id: str, event_id: str) -> StoredEvent | None:
    """One event of a flow."""
    found = session.execute(
        _with_run().where(col(TriggerEvent.flow_id) == flow_id, col(TriggerEvent.id) == event_id)
    ).first()
    return None if found is None else StoredEvent(found[0], found[1], found[2])


def _with_run() -> Any:
    return select(TriggerEvent, col(RunRow.state), col(RunRow.number)).outerjoin(
        RunRow, col(RunRow.id) == col(TriggerEvent.run_id)
    )


def newest(session: Session, flow_id: str) -> Sequence[TriggerEvent]:
    """The newest event of each trigger node that a run by hand could use."""
    ids = (
        select(func.max(col(TriggerEvent.id)))
        .where(
            col(TriggerEvent.flow_id) == flow_id,
            col(TriggerEvent.state).in_(("received", "started", "appended", "skipped", "failed")),
            col(TriggerEvent.payload).is_not(None),
        )
        .group_by(col(TriggerEvent.node))
    )
    return session.scalars(select(TriggerEvent).where(col(TriggerEvent.id).in_(ids))).all()


def prune(session: Session, flow_id: str, now: datetime) -> None:
    """Delete old events that have been dealt with."""
    edge = (
        select(col(TriggerEvent.id))
        .where(col(TriggerEvent.flow_id) == flow_id)
        .order_by(col(TriggerEvent.id).desc())
        .offset(KEPT_EVENTS)
        .limit(1)
        .scalar_subquery()
    )
    session.connection().execute(
        delete(TriggerEvent).where(
            col(TriggerEvent.flow_id) == flow_id,
            col(TriggerEvent.id) <= edge,
            col(TriggerEvent.state) != "received",
            col(TriggerEvent.received_at) < now - KEPT_FOR,
        )
    )


# Files


def files(session: Session, trigger_id: str) -> dict[str, tuple[int, int]]:
    """The files as a trigger last saw them: path → (time of change in ns, size)."""
    rows = session.scalars(select(TriggerFile).where(col(TriggerFile.trigger_id) == trigger_id))
    return {row.path: (row.mtime_ns, row.size) for row in rows}


def note_files(
    session: Session,
    trigger_id: str,
    seen: dict[str, tuple[int, int]],
    gone: Collection[str],
) -> None:
    """Remember files as they are now."""
    for path, (mtime_ns, size) in seen.items():
        session.merge(TriggerFile(trigger_id=trigger_id, path=path, mtime_ns=mtime_ns, size=size))
    for path in gone:
        row = session.get(TriggerFile, (trigger_id, path))
        if row is not None:
            session.delete(row)


def forget_files(session: Session, trigger_id: str) -> None:
    """Begin anew."""
    session.connection().execute(
        delete(TriggerFile).where(col(TriggerFile.trigger_id) == trigger_id)
    )
