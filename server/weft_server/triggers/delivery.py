"""The one seam between an event and what it sets in motion.

An event of an armed flow has two outcomes: a run of the frozen flow starts, or, of a flow in
streaming mode, the event is appended to the ingress log of its live run. Both note the event as
delivered when they have stored their own, so that a crash neither loses an event nor delivers it
twice: the one in the same transaction, the other by the id of the event, which the log knows.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from sqlmodel import Session

from weft_engine.flow.model import Flow
from weft_server.accounts.principal import Principal
from weft_server.database import utc_now
from weft_server.errors import Conflict
from weft_server.runs.fired import Fired
from weft_server.runs.live import LiveRun
from weft_server.runs.service import Runs
from weft_server.triggers import repository
from weft_server.triggers.repository import Deliverable
from weft_server.triggers.tables import ArmedFlow, TriggerRow

_MOST_FLOWS: Final = 64

Mark = Callable[[Session], None]


class AlreadyDeliveredError(Exception):
    """Somebody else delivered the event meanwhile."""


class OverlapError(Exception):
    """The run of an event before still goes on."""


class LiveStreams(Protocol):
    """Whoever keeps the live runs of streaming flows."""

    async def append(self, armed: ArmedFlow, trigger: dict[str, Any], mark: Mark) -> None:
        """Append an event to the ingress log of the live run of a flow.

        Args:
            armed: The frozen flow.
            trigger: `{node, event_id, payload, at}`.
            mark: To be called once the record is stored, in a transaction: what is delivered again
                after a crash in between is known by its id.
        """

    async def begin(self, principal: Principal, flow_id: str) -> None:
        """Start the live run of a flow that was armed; it takes over from the one before."""

    async def end(self, flow_id: str) -> None:
        """Stop the live run of a flow that was disarmed."""


class Delivery:
    """Delivers events, each once."""

    def __init__(self, runs: Runs, live: LiveStreams | None = None) -> None:
        self._runs = runs
        self.live = live
        self._flows: OrderedDict[str, Flow] = OrderedDict()

    async def deliver(self, armed: ArmedFlow, found: Deliverable) -> LiveRun | None:
        """Start a run for an event, or append it to the live run; None stands for the latter.

        Raises:
            AlreadyDeliveredError: it was, by somebody else.
            OverlapError: it may not run yet.
            WeftError: it cannot be delivered as the flow is armed.
        """
        event = found.event
        trigger = {
            "node": event.node,
            "event_id": event.id,
            "payload": json.loads(event.payload or "{}"),
            "at": event.received_at.isoformat(),
        }
        if armed.mode == "streaming":
            if self.live is None:
                raise no_live_run()
            await self.live.append(
                armed, trigger, lambda session: _mark(session, found, "appended", None)
            )
            return None
        fired = Fired(
            flow_id=armed.flow_id,
            workspace_id=armed.workspace_id,
            flow=await self._flow(armed),
            armed_by=armed.armed_by,
            starter=found.armer,
            trigger=trigger,
            mark=lambda session, run_id: _mark(session, found, "started", run_id),
        )
        return await self._runs.fire(fired)

    async def _flow(self, armed: ArmedFlow) -> Flow:
        """The frozen flow; the same object each time, so that it is checked once."""
        key = f"{armed.flow_id} {armed.armed_at.isoformat()} {armed.digest}"
        flow = self._flows.get(key)
        if flow is None:
            plain = json.loads(armed.definition)
            flow = self._flows[key] = await asyncio.to_thread(Flow.model_validate, plain)
            while len(self._flows) > _MOST_FLOWS:
                self._flows.popitem(last=False)
        return flow


def no_live_run() -> Conflict:
    """A stream cannot take events before its live run is there."""
    return Conflict(
        "The flow is a stream, and this server keeps no live runs that take events.",
        code="trigger.no_live_run",
        hint="Set the mode of the flow to event or batch, so that each event starts a run.",
    )


def _mark(session: Session, found: Deliverable, state: str, run_id: str | None) -> None:
    now: datetime = utc_now()
    if found.trigger.settings.get("overlap", "allow") != "allow":
        # Two servers must not both find that nothing runs.
        session.get(TriggerRow, found.trigger.id, with_for_update=True)
        if repository.is_busy(session, found.event):
            raise OverlapError
    if not repository.settle(session, found.event.id, state, now, run_id=run_id):
        raise AlreadyDeliveredError
