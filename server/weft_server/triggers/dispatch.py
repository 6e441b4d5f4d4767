"""Delivers stored events in order, now or when what they wait for is over."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlmodel import Session

from weft_engine.errors import WeftError
from weft_server.database import Database, utc_now
from weft_server.errors import StorageError
from weft_server.events import Bus
from weft_server.runs.live import LiveRun
from weft_server.triggers import repository
from weft_server.triggers.delivery import AlreadyDeliveredError, Delivery, OverlapError
from weft_server.triggers.repository import Deliverable
from weft_server.triggers.tables import TriggerEvent

RETRY_S: Final = 1.0
_PAGE: Final = 50

log = logging.getLogger("weft.triggers")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of an event."""

    state: str
    """As in its row; `received` while it waits."""
    reason: str | None = None
    run_id: str | None = None
    run: LiveRun | None = None
    """When it was started just now, by this server."""


class Dispatcher:
    """Brings events to their flows; one that is woken twice does nothing twice."""

    def __init__(self, database: Database, bus: Bus, delivery: Delivery) -> None:
        self._database = database
        self._bus = bus
        self._delivery = delivery
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._closed = False

    def wake(self, flow_id: str) -> None:
        """Look for events of a flow that wait."""
        if self._closed:
            return
        if flow_id in self._pumps:
            self._again.add(flow_id)
            return
        task = self._pumps[flow_id] = asyncio.create_task(self._pump(flow_id))
        task.add_done_callback(lambda _: self._done(flow_id))

    async def wake_all(self) -> None:
        """Look for everything that waits, also what another server or a crash left behind."""
        for flow_id in await self._database.query(repository.flows_waiting):
            self.wake(flow_id)

    async def close(self) -> None:
        """Stop; what is not delivered will be at the next start."""
        self._closed = True
        tasks = list(self._pumps.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def deliver(self, event_id: str) -> Delivered:
        """Deliver one event, unless it has to wait or was delivered before.

        Raises:
            StorageError: the database cannot be written now.
        """
        found = await self._database.query(partial(_found, event_id=event_id))
        if found is None:
            return Delivered("failed", "event.not_found")
        event, armed = found.event, found.armed
        if event.state != "received":
            return Delivered(event.state, event.reason, event.run_id)
        if armed is None:
            return await self._settle(event, "failed", "trigger.not_armed")
        if not found.trigger.active:
            return await self._settle(event, "failed", "trigger.gone")
        try:
            run = await self._delivery.deliver(armed, found)
        except AlreadyDeliveredError:
            return await self._as_stored(event_id)
        except OverlapError:
            if found.trigger.settings.get("overlap") == "skip":
                return await self._settle(event, "skipped", "trigger.overlap")
            return Delivered("received")
        except StorageError:
            raise
        except WeftError as error:
            return await self._settle(event, "failed", error.code)
        return self._delivered(found, run)

    def _delivered(self, found: Deliverable, run: LiveRun | None) -> Delivered:
        event = found.event
        if run is None:
            self.announce(event, "appended")
            return Delivered("appended")
        self.announce(event, "started")
        if found.trigger.settings.get("overlap") == "queue":
            run.ended.add_done_callback(lambda _: self.wake(event.flow_id))
        return Delivered("started", None, run.id, run)

    async def _as_stored(self, event_id: str) -> Delivered:
        found = await self._database.query(partial(_found, event_id=event_id))
        if found is None:
            return Delivered("failed", "event.not_found")
        return Delivered(found.event.state, found.event.reason, found.event.run_id)

    async def _settle(self, event: TriggerEvent, state: str, reason: str) -> Delivered:
        now = utc_now()
        await self._database.run(
            lambda session: repository.settle(session, event.id, state, now, reason=reason)
        )
        self.announce(event, state)
        # One behind it may have waited for it.
        self.wake(event.flow_id)
        return Delivered(state, reason)

    def announce(self, event: TriggerEvent, state: str) -> None:
        """Tell who looks at the workspace."""
        topic = f"workspace:{event.workspace_id}"
        if self._bus.has_readers(topic):
            told = {"flow": event.flow_id, "event": event.id, "node": event.node}
            self._bus.publish(topic, {"type": "trigger_event", **told, "event_state": state})

    async def _pump(self, flow_id: str) -> None:
        blocked: set[str] = set()
        while True:
            page = await self._database.query(
                lambda session: repository.waiting(
                    session, flow_id, without=frozenset(blocked), limit=_PAGE
                )
            )
            if not page:
                return
            for event in page:
                if event.trigger_id in blocked:
                    continue
                outcome = await self.deliver(event.id)
                if outcome.state == "received":
                    blocked.add(event.trigger_id)

    def _done(self, flow_id: str) -> None:
        task = self._pumps.pop(flow_id)
        if self._closed or task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("events of the flow %s cannot be delivered yet", flow_id, exc_info=error)
            asyncio.get_running_loop().call_later(RETRY_S, self.wake, flow_id)
        elif flow_id in self._again:
            self._again.discard(flow_id)
            self.wake(flow_id)


def _found(session: Session, event_id: str) -> Deliverable | None:
    return repository.deliverable(session, event_id)
