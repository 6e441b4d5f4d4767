"""Rows of triggers as the interface shows them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from weft_engine.library.triggers_schedule import ScheduleTrigger
from weft_server.triggers import repository
from weft_server.triggers.arming import Trigger
from weft_server.triggers.kinds import schedule
from weft_server.triggers.repository import StoredEvent
from weft_server.triggers.schemas import (
    ArmedBy,
    SecretState,
    TriggerEventData,
    TriggerEventInfo,
    TriggerInfo,
    TriggerState,
)
from weft_server.triggers.tables import TriggerRow, TriggerSecret

HOOKS = "/hooks"


def state_of(
    session: Session,
    flow_id: str,
    live: Sequence[Trigger],
    live_digest: str,
    *,
    editor: bool,
    now: datetime,
) -> TriggerState:
    """Whether a flow is armed, and all its triggers, those of the flow as it is now included."""
    found = repository.armed(session, flow_id)
    rows = {row.node: row for row in repository.triggers(session, flow_id)}
    waiting = repository.waiting_counts(session, flow_id)
    now_in_flow = {one.node: one for one in live}
    names = sorted({node for node, row in rows.items() if row.active} | now_in_flow.keys())
    infos = [
        _info(
            session,
            rows.get(node),
            now_in_flow.get(node),
            waiting,
            editor=editor,
            now=now,
        )
        for node in names
    ]
    if found is None:
        return TriggerState(flow_id=flow_id, armed=False, triggers=infos)
    armed, name = found
    by = ArmedBy(id=armed.armed_by, name=name or "") if armed.armed_by else None
    return TriggerState(
        flow_id=flow_id,
        armed=True,
        armed_at=armed.armed_at,
        armed_by=by,
        differs=armed.digest != live_digest,
        triggers=infos,
    )


def _info(
    session: Session,
    row: TriggerRow | None,
    live: Trigger | None,
    waiting: Mapping[str, int],
    *,
    editor: bool,
    now: datetime,
) -> TriggerInfo:
    active = row is not None and row.active
    if active and row is not None:
        kind, settings, node = row.type, row.settings, row.node
    elif live is not None:
        kind, settings, node = live.type, live.settings, live.node
    else:
        raise LookupError("a trigger is armed or in the flow")
    secret = repository.secret_of(session, row.id) if row is not None else None
    webhook = kind == "trigger.webhook"
    return TriggerInfo(
        node=node,
        type=kind,
        active=active,
        in_flow=live is not None,
        settings=settings,
        address=f"{HOOKS}/{row.token}" if webhook and editor and row and row.token else None,
        secret=secret_state(settings, secret, now) if webhook else None,
        next_times=_next_times(row, settings, now) if kind == "trigger.schedule" else [],
        waiting=waiting.get(row.id, 0) if row is not None else 0,
        trouble=row.trouble if active and row is not None else None,
    )


def secret_state(
    settings: Mapping[str, Any], secret: TriggerSecret | None, now: datetime
) -> SecretState:
    """What may be known of a secret."""
    needed = settings.get("signature", "none") != "none"
    if secret is None:
        return SecretState(needed=needed)
    former = secret.former_until
    return SecretState(
        needed=needed,
        made_at=secret.made_at,
        former_until=former if former is not None and former > now else None,
    )


def _next_times(
    row: TriggerRow | None, settings: Mapping[str, Any], now: datetime
) -> list[datetime]:
    since = row.since if row is not None and row.active and row.since is not None else now
    return schedule.next_times(ScheduleTrigger.model_validate(settings), since, now)


def event_info(stored: StoredEvent) -> TriggerEventInfo:
    """An event without what it carried."""
    return TriggerEventInfo(**_fields(stored))


def event_data(stored: StoredEvent) -> TriggerEventData:
    """An event with what it carried."""
    text = stored.row.payload
    return TriggerEventData(**_fields(stored), payload=None if text is None else json.loads(text))


def _fields(stored: StoredEvent) -> dict[str, Any]:
    row = stored.row
    names = (
        "id", "node", "type", "state", "reason", "count", "delivery_id", "first_id", "run_id",
        "due_at", "received_at", "settled_at", "size",
    )  # fmt: skip
    fields = {name: getattr(row, name) for name in names}
    return fields | {"run_state": stored.run_state, "run_number": stored.run_number}
