"""Storing what happens: before anything is acknowledged or started."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from weft_server.ids import new_id
from weft_server.triggers import repository
from weft_server.triggers.tables import TriggerEvent, TriggerRow

ALIKE_WITHIN: Final = timedelta(minutes=1)
"""Refused requests of the same reason are counted in one row for so long."""
DEEPEST: Final = 20
"""How many flows may start one another."""
_PRUNES: Final = "0"

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored event; of a duplicate the first one."""

    event: TriggerEvent
    duplicate: bool = False


def take(
    session: Session,
    trigger: TriggerRow,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    once_key: str | None = None,
    delivery_id: str | None = None,
    due_at: datetime | None = None,
    first_id: str | None = None,
    depth: int = 0,
) -> Taken:
    """Store an event that is to be delivered; a repeated one is noted with its first one.

    Args:
        session: A transaction.
        trigger: Whose event it is.
        payload: What its node is to give; without secrets.
        now: The time.
        once_key: Of two events with the same, only the first is delivered.
        delivery_id: What the sender calls it.
        due_at: Of a schedule, the time that was set.
        first_id: The event that this one does again.
        depth: How many flows started one another before.
    """
    if once_key is not None:
        first = _first(session, trigger.id, once_key)
        if first is not None:
            return _repeated(session, first, now)
    text = _encoder.encode(payload).decode()
    too_deep = depth > DEEPEST
    event = TriggerEvent(
        id=new_id("evt"),
        flow_id=trigger.flow_id,
        workspace_id=trigger.workspace_id,
        trigger_id=trigger.id,
        node=trigger.node,
        type=trigger.type,
        state="refused" if too_deep else "received",
        reason="trigger.chain_too_long" if too_deep else None,
        once_key=once_key,
        delivery_id=delivery_id,
        first_id=first_id,
        depth=depth,
        payload=text,
        size=len(text),
        due_at=due_at,
        received_at=now,
    )
    try:
        with session.begin_nested():
            session.add(event)
    except IntegrityError:
        # Another server took the same at the same moment.
        first = _first(session, trigger.id, once_key or "")
        if first is None:
            raise
        return _repeated(session, first, now)
    _prune_sometimes(session, event, now)
    return Taken(event)


def note(
    session: Session,
    trigger: TriggerRow,
    state: str,
    reason: str,
    now: datetime,
    *,
    count: int = 1,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
) -> TriggerEvent:
    """Store that something happened which starts nothing; those alike are counted together."""
    alike = None if state != "refused" else _alike(session, trigger.id, reason, now)
    if alike is not None:
        alike.count += count
        alike.settled_at = now
        session.add(alike)
        return alike
    text = None if payload is None else _encoder.encode(payload).decode()
    event = TriggerEvent(
        id=new_id("evt"),
        flow_id=trigger.flow_id,
        workspace_id=trigger.workspace_id,
        trigger_id=trigger.id,
        node=trigger.node,
        type=trigger.type,
        state=state,
        reason=reason,
        count=count,
        payload=text,
        size=len(text or ""),
        due_at=due_at,
        received_at=now,
        settled_at=now,
    )
    session.add(event)
    _prune_sometimes(session, event, now)
    return event


def _first(session: Session, trigger_id: str, once_key: str) -> TriggerEvent | None:
    return session.exec(
        select(TriggerEvent).where(
            TriggerEvent.trigger_id == trigger_id, TriggerEvent.once_key == once_key
        )
    ).first()


def _repeated(session: Session, first: TriggerEvent, now: datetime) -> Taken:
    known = session.exec(
        select(TriggerEvent).where(
            TriggerEvent.trigger_id == first.trigger_id,
            TriggerEvent.state == "duplicate",
            TriggerEvent.first_id == first.id,
        )
    ).first()
    if known is not None:
        known.count += 1
        known.settled_at = now
        session.add(known)
        return Taken(first, duplicate=True)
    session.add(
        TriggerEvent(
            id=new_id("evt"),
            flow_id=first.flow_id,
            workspace_id=first.workspace_id,
            trigger_id=first.trigger_id,
            node=first.node,
            type=first.type,
            state="duplicate",
            delivery_id=first.delivery_id,
            first_id=first.id,
            run_id=first.run_id,
            received_at=now,
            settled_at=now,
        )
    )
    return Taken(first, duplicate=True)


def _alike(session: Session, trigger_id: str, reason: str, now: datetime) -> TriggerEvent | None:
    return session.exec(
        select(TriggerEvent)
        .where(
            TriggerEvent.trigger_id == trigger_id,
            TriggerEvent.state == "refused",
            TriggerEvent.reason == reason,
            col(TriggerEvent.received_at) > now - ALIKE_WITHIN,
        )
        .order_by(col(TriggerEvent.id).desc())
    ).first()


def _prune_sometimes(session: Session, event: TriggerEvent, now: datetime) -> None:
    # Ids end in random digits: one event in 32 pays for the others.
    if event.id.endswith(_PRUNES):
        session.flush()
        repository.prune(session, event.flow_id, now)
