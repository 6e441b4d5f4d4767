"""Everything that people can do with triggers."""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.secrets import new_token
from weft_server.database import Database, utc_now
from weft_server.errors import Conflict, Invalid, Malformed, Missing, invalid_field
from weft_server.events import Bus
from weft_server.flows.access import flow_access
from weft_server.ids import new_id
from weft_server.runs.definitions import Checker, Definitions
from weft_server.runs.inputs import require_fitting
from weft_server.runs.schemas import StartRun
from weft_server.triggers import arming, intake, repository, views
from weft_server.triggers.delivery import Delivery, no_live_run
from weft_server.triggers.dispatch import Dispatcher
from weft_server.triggers.kinds import signatures
from weft_server.triggers.schemas import (
    NewSecret,
    SecretBody,
    TriggerEventData,
    TriggerEventPage,
    TriggerState,
)
from weft_server.triggers.tables import ArmedFlow, TriggerEvent, TriggerRow
from weft_server.triggers.webhook_secrets import WebhookSecrets

_CURSOR: Final = re.compile(r"evt_[0-9A-Z]{26}")


class Triggers:
    """Arms flows, and shows what became of their events."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        catalogue: Catalogue,
        definitions: Callable[[], Definitions],
        dispatcher: Dispatcher,
        delivery: Delivery,
        files: Path,
        changed: Callable[[], None],
        webhook_secrets: WebhookSecrets,
    ) -> None:
        self._database = database
        self._bus = bus
        self._catalogue = catalogue
        self._definitions = definitions
        self._checker = Checker(catalogue)
        self._dispatcher = dispatcher
        self._delivery = delivery
        self._files = files
        self._changed = changed
        self._secrets = webhook_secrets

    async def arm(self, principal: Principal, flow_id: str) -> TriggerState:
        """Freeze a flow as it is now, and take events for it.

        Raises:
            Missing: 404 `flow.not_found`.
            Forbidden: 403, a viewer.
            Invalid: 422 `flow.invalid`, `trigger.none`, or a trigger that makes no sense.
        """
        access = await self._database.query(
            lambda session: flow_access(session, principal, flow_id, Role.EDITOR)
        )
        flow = await self._live(flow_id)
        checked = await self._checker.checked(flow)
        checked.require_valid()
        require_fitting(flow, StartRun())
        found = arming.triggers_of(flow, self._catalogue)
        if not found:
            raise Invalid(
                "The flow has no trigger nodes.",
                code="trigger.none",
                hint="Add one, such as Webhook or Schedule, then arm the flow.",
            )
        if flow.mode == "streaming" and self._delivery.live is None:
            raise no_live_run()
        root = self._files / access.flow.workspace_id
        present = await asyncio.to_thread(arming.scans, found, root)
        armed = {
            "definition": checked.text,
            "digest": arming.digest(checked.plain),
            "mode": flow.mode,
        }

        def store(session: Session) -> list[TriggerEvent]:
            row = flow_access(session, principal, flow_id, Role.EDITOR).flow
            now = utc_now()
            kept = session.get(ArmedFlow, flow_id) or ArmedFlow(
                flow_id=flow_id, workspace_id=row.workspace_id, armed_at=now, **armed
            )
            kept.sqlmodel_update(armed | {"armed_by": principal.user_id, "armed_at": now})
            session.add(kept)
            return arming.register(session, row, found, present, now)

        await self._database.run(store)
        if flow.mode == "streaming" and self._delivery.live is not None:
            await self._delivery.live.begin(principal, flow_id)
        self._tell(access.flow.workspace_id, flow_id, "flow_armed")
        self._dispatcher.wake(flow_id)
        return await self.state(principal, flow_id)

    async def disarm(self, principal: Principal, flow_id: str) -> TriggerState:
        """Take no more events; those that wait are not run.

        Raises:
            Missing, Forbidden: as with `arm`.
        """

        def work(session: Session) -> tuple[str, bool]:
            row = flow_access(session, principal, flow_id, Role.EDITOR).flow
            armed = session.get(ArmedFlow, flow_id)
            live = armed is not None and armed.mode == "streaming"
            if armed is not None:
                session.delete(armed)
            for trigger in repository.triggers(session, flow_id):
                arming.switch_off(session, trigger)
            return row.workspace_id, live

        workspace_id, live = await self._database.run(work)
        if live and self._delivery.live is not None:
            await self._delivery.live.end(flow_id)
        self._tell(workspace_id, flow_id, "flow_disarmed")
        self._dispatcher.wake(flow_id)
        return await self.state(principal, flow_id)

    async def state(self, principal: Principal, flow_id: str) -> TriggerState:
        """Whether a flow is armed, and its triggers."""
        await self._database.query(lambda session: flow_access(session, principal, flow_id))
        flow = await self._live(flow_id)
        checked = await self._checker.checked(flow)
        live = arming.triggers_of(flow, self._catalogue)
        digest = arming.digest(checked.plain)

        def read(session: Session) -> TriggerState:
            role = flow_access(session, principal, flow_id).role
            editor = role.at_least(Role.EDITOR)
            return views.state_of(session, flow_id, live, digest, editor=editor, now=utc_now())

        return await self._database.query(read)

    # Secrets and addresses

    async def new_secret(
        self, principal: Principal, flow_id: str, node: str, asked: SecretBody
    ) -> NewSecret:
        """Set or make the secret that a webhook's senders sign with; it is shown this once."""
        live = await self._webhook(principal, flow_id, node)
        value = asked.secret or _random_secret(live.settings)
        if not signatures.usable(live.settings, value):
            raise invalid_field(
                "secret",
                "The secret is not of the form that the signature needs.",
                code="trigger.bad_secret",
                hint="Secrets of Standard Webhooks are base64, after whsec_.",
            )

        def work(session: Session) -> NewSecret:
            row = self._row(session, principal, flow_id, live)
            now = utc_now()
            kept = self._secrets.put(
                repository.secret_of(session, row.id),
                row.id,
                value,
                keep_hours=asked.keep_former_hours,
                now=now,
            )
            session.add(kept)
            state = views.secret_state(live.settings, kept, now)
            return NewSecret(node=node, secret=value, state=state)

        return await self._database.run(work)

    async def remove_secret(self, principal: Principal, flow_id: str, node: str) -> None:
        """Forget the secret; a webhook that asks for a signature then refuses everything."""

        def work(session: Session) -> None:
            flow_access(session, principal, flow_id, Role.EDITOR)
            row = repository.trigger(session, flow_id, node)
            kept = repository.secret_of(session, row.id) if row is not None else None
            if kept is None:
                raise Missing.of("trigger", node)
            session.delete(kept)

        await self._database.run(work)

    async def new_address(self, principal: Principal, flow_id: str, node: str) -> TriggerState:
        """Give a webhook another address; the one before leads nowhere."""
        live = await self._webhook(principal, flow_id, node)

        def work(session: Session) -> None:
            arming.address(session, self._row(session, principal, flow_id, live))

        await self._database.run(work)
        return await self.state(principal, flow_id)

    def _row(
        self, session: Session, principal: Principal, flow_id: str, live: arming.Trigger
    ) -> TriggerRow:
        flow = flow_access(session, principal, flow_id, Role.EDITOR).flow
        row = repository.trigger(session, flow_id, live.node)
        if row is None:
            row = TriggerRow(
                id=new_id("trg"),
                flow_id=flow_id,
                workspace_id=flow.workspace_id,
                node=live.node,
                type=live.type,
                settings=live.settings,
            )
            session.add(row)
            session.flush()
        return row

    async def _webhook(self, principal: Principal, flow_id: str, node: str) -> arming.Trigger:
        """A webhook of the flow: as armed, else as it is now."""
        row = await self._database.query(
            partial(_editable, principal=principal, flow_id=flow_id, node=node)
        )
        if row is not None and row.active:
            found: arming.Trigger | None = arming.Trigger(node, row.type, row.settings)
        else:
            live = arming.triggers_of(await self._live(flow_id), self._catalogue)
            found = next((one for one in live if one.node == node), None)
        if found is None:
            raise Missing.of("trigger", node)
        if found.type != "trigger.webhook":
            raise Conflict(
                "Only a webhook has an address and a secret.",
                code="trigger.not_webhook",
                hint="Choose a webhook of the flow.",
                params={"node": node, "type": found.type},
            )
        return found

    # Events

    async def events(
        self,
        principal: Principal,
        flow_id: str,
        *,
        node: str | None,
        state: str | None,
        limit: int,
        cursor: str | None,
    ) -> TriggerEventPage:
        """Events of a flow, newest first."""
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise Malformed(
                "The cursor does not come from this list.",
                code="request.bad_cursor",
                hint="Start again without a cursor.",
            )

        def read(session: Session) -> list[repository.StoredEvent]:
            flow_access(session, principal, flow_id)
            return repository.page(
                session, flow_id, node=node, state=state, before=cursor, limit=limit + 1
            )

        found = await self._database.query(read)
        items = [views.event_info(stored) for stored in found[:limit]]
        more = len(found) > limit
        return TriggerEventPage(items=items, next_cursor=items[-1].id if more else None)

    async def event(self, principal: Principal, flow_id: str, event_id: str) -> TriggerEventData:
        """An event with what it carried."""

        def read(session: Session) -> TriggerEventData:
            flow_access(session, principal, flow_id)
            return views.event_data(_event(session, flow_id, event_id))

        return await self._database.query(read)

    async def replay(self, principal: Principal, flow_id: str, event_id: str) -> TriggerEventData:
        """Deliver an event again, to the flow as it is armed now."""

        def store(session: Session) -> str:
            flow_access(session, principal, flow_id, Role.EDITOR)
            row = _event(session, flow_id, event_id).row
            trigger = session.get(TriggerRow, row.trigger_id)
            if session.get(ArmedFlow, flow_id) is None or trigger is None or not trigger.active:
                raise Conflict(
                    "The flow is not armed, or not with this trigger.",
                    code="trigger.not_armed",
                    hint="Arm the flow first.",
                )
            if row.payload is None or row.state in {"missed", "refused"}:
                raise Conflict(
                    "The event has nothing that could be done again.",
                    code="event.no_payload",
                    hint="Of a duplicate, take the first event.",
                )
            payload: Mapping[str, Any] = json.loads(row.payload)
            taken = intake.take(session, trigger, payload, utc_now(), first_id=row.id)
            return taken.event.id

        new = await self._database.run(store)
        await self._dispatcher.deliver(new)
        return await self.event(principal, flow_id, new)

    async def newest(self, flow_id: str) -> dict[str, dict[str, Any]]:
        """The newest event of each trigger node, for runs by hand."""
        found = await self._database.query(lambda session: repository.newest(session, flow_id))
        return {
            row.node: {
                "event_id": row.id,
                "payload": json.loads(row.payload or "{}"),
                "at": row.received_at.isoformat(),
            }
            for row in found
        }

    async def _live(self, flow_id: str) -> Flow:
        flow, _left_out = await self._definitions().definition(flow_id)
        return flow

    def _tell(self, workspace_id: str, flow_id: str, kind: str) -> None:
        self._changed()
        self._bus.publish(f"workspace:{workspace_id}", {"type": kind, "flow": flow_id})


def _editable(
    session: Session, *, principal: Principal, flow_id: str, node: str
) -> TriggerRow | None:
    flow_access(session, principal, flow_id, Role.EDITOR)
    return repository.trigger(session, flow_id, node)


def _event(session: Session, flow_id: str, event_id: str) -> repository.StoredEvent:
    found = repository.event(session, flow_id, event_id)
    if found is None:
        raise Missing.of("event", event_id)
    return found


def _random_secret(settings: Mapping[str, Any]) -> str:
    if settings.get("signature") == "standard":
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return new_token()
