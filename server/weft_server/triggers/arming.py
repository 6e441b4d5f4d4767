"""Freezing a flow, and making the rows of its triggers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from weft_engine.flow.model import Flow
from weft_engine.library.triggers_schedule import ScheduleTrigger
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_server.accounts.secrets import hashed, new_token
from weft_server.errors import Invalid
from weft_server.flows.tables import Flow as FlowRow
from weft_server.ids import new_id
from weft_server.runs.fired import TRIGGERS
from weft_server.triggers import intake, repository
from weft_server.triggers.kinds import files, schedule
from weft_server.triggers.tables import QueuedMessage, TriggerEvent, TriggerRow

_LOOKS = ("position", "notes")
"""What of a node does not change what it does."""


@dataclass(frozen=True)
class Trigger:
    """A trigger node of a flow."""

    node: str
    type: str
    settings: dict[str, Any]
    """With the defaults of those that are not set."""


def triggers_of(flow: Flow, catalogue: Catalogue) -> list[Trigger]:
    """The trigger nodes of a flow that take part; those with wrong settings are left out."""
    found = []
    for name, node in sorted(flow.nodes.items()):
        if node.disabled or not node.type.startswith(TRIGGERS) or node.type not in catalogue:
            continue
        try:
            built = catalogue.build(name, node)
        except Exception:  # noqa: BLE001, S112 - a check tells what is wrong with it
            continue
        found.append(Trigger(name, node.type, _plain(built)))
    return found


def digest(definition: Mapping[str, Any]) -> str:
    """A hash of what a flow does; where its nodes lie makes no difference."""
    nodes = {
        name: {key: value for key, value in node.items() if key not in _LOOKS}
        for name, node in definition.get("nodes", {}).items()
    }
    meant = {key: value for key, value in definition.items() if key != "notes"} | {"nodes": nodes}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def scans(triggers: list[Trigger], root: Path) -> dict[str, files.Seen]:
    """The files that are there already, by node; those are no events.

    Raises:
        Invalid: 422 `trigger.too_many_files`.
    """
    found = {}
    for one in triggers:
        if one.type == "trigger.file_watch":
            try:
                found[one.node] = files.scan(root, one.settings["pattern"])
            except files.TooManyFilesError:
                raise Invalid(
                    f"The pattern {one.settings['pattern']} fits more than {files.MOST_FILES} "
                    "files.",
                    code="trigger.too_many_files",
                    hint="Name a folder in it.",
                    params={"node": one.node, "limit": files.MOST_FILES},
                ) from None
    return found


def register(
    session: Session,
    flow: FlowRow,
    triggers: list[Trigger],
    present: Mapping[str, files.Seen],
    now: datetime,
) -> list[TriggerEvent]:
    """Make or change the rows of an armed flow's triggers; answers events that waited for them."""
    known = {row.node: row for row in repository.triggers(session, flow.id)}
    for node, row in known.items():
        if node not in {one.node for one in triggers}:
            switch_off(session, row)
    events: list[TriggerEvent] = []
    for one in triggers:
        _require_sense(session, flow, one)
        row = known.get(one.node) or TriggerRow(
            id=new_id("trg"),
            flow_id=flow.id,
            workspace_id=flow.workspace_id,
            node=one.node,
            type=one.type,
        )
        _switch_on(session, row, one, present.get(one.node, {}), now)
        events += _waiting_messages(session, row, now)
    return events


def switch_off(session: Session, row: TriggerRow) -> None:
    """Take no more events; its address and its secret stay."""
    row.active, row.next_at, row.since, row.trouble = False, None, None, None
    session.add(row)
    repository.forget_files(session, row.id)


def address(session: Session, row: TriggerRow) -> None:
    """Give a webhook a new address; the one before leads nowhere."""
    row.token = new_token()
    row.token_hash = hashed(row.token)
    session.add(row)


def _switch_on(
    session: Session, row: TriggerRow, one: Trigger, present: files.Seen, now: datetime
) -> None:
    same = row.active and row.type == one.type and _moment_of(row) == _moment(one.settings)
    row.type, row.settings, row.active = one.type, one.settings, True
    row.watches = one.settings.get("queue") or one.settings.get("flow")
    row.trouble = None
    if row.type == "trigger.webhook" and row.token is None:
        address(session, row)
    if not same:
        # What is the same goes on, so that arming again misses nothing.
        row.since = now
        if row.type == "trigger.schedule":
            settings = ScheduleTrigger.model_validate(row.settings)
            row.next_at = next(schedule.upcoming(settings, now, now), None)
    session.add(row)
    session.flush()
    if not same and row.type == "trigger.file_watch":
        repository.forget_files(session, row.id)
        repository.note_files(session, row.id, present, ())


def _moment_of(row: TriggerRow) -> dict[str, Any]:
    return _moment(row.settings)


def _moment(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say what an event is."""
    names = ("when", "timezone", "pattern", "queue", "flow")
    return {name: settings[name] for name in names if name in settings}


def _waiting_messages(session: Session, row: TriggerRow, now: datetime) -> list[TriggerEvent]:
    if row.type != "trigger.message":
        return []
    found = session.exec(
        select(QueuedMessage)
        .where(
            QueuedMessage.workspace_id == row.workspace_id,
            QueuedMessage.queue == row.watches,
        )
        .order_by(QueuedMessage.id)
    ).all()
    events = []
    for message in found:
        key = f"message:{message.message_id}"
        taken = intake.take(
            session, row, json.loads(message.payload), now,
            once_key=key, delivery_id=message.message_id,
        )  # fmt: skip
        events.append(taken.event)
        session.delete(message)
    return events


def _require_sense(session: Session, flow: FlowRow, one: Trigger) -> None:
    if one.type != "trigger.flow_ended":
        return
    if one.settings["flow"] == flow.id:
        raise Invalid(
            "A flow that waits for its own end would run for ever.",
            code="trigger.own_end",
            hint="Name another flow, or use a schedule.",
            params={"node": one.node},
        )
    other = session.get(FlowRow, one.settings["flow"])
    if other is None or other.deleted_at is not None or other.workspace_id != flow.workspace_id:
        raise Invalid(
            f"There is no flow {one.settings['flow']!r} in this workspace.",
            code="trigger.unknown_flow",
            hint="Copy the id of the other flow from its address: /flows/<id>.",
            params={"node": one.node, "flow": one.settings["flow"]},
        )


def _plain(built: NodeType) -> dict[str, Any]:
    plain: dict[str, Any] = built.model_dump(mode="json")
    plain.pop("type", None)
    # Only runs by hand use it, and it may be large.
    plain.pop("sample", None)
    return plain
