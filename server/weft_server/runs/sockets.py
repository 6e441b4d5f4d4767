"""Sockets: the events of a run, and what goes on in a workspace."""

from typing import Any, Final

from litestar import WebSocket, websocket
from litestar.params import FromPath
from sqlmodel import Session

from weft_server.accounts.principal import Principal, admit_socket
from weft_server.database import Database
from weft_server.errors import Missing
from weft_server.events import Bus, Event
from weft_server.runs import repository
from weft_server.runs.access import run_access
from weft_server.runs.feeds import Feeds
from weft_server.runs.stream import MALFORMED, EventSocket
from weft_server.runs.views import event_of_row

PAGE: Final = 500
"""How many stored events are read at a time."""
AHEAD: Final = 1_000
"""How many live events wait for a reader before it is sent to the database again."""
_LARGEST: Final = 2**53


@websocket("/ws/runs/{run_id:str}")
async def run_events(socket: WebSocket[Any, Any, Any], run_id: FromPath[str]) -> None:
    """The events of a run behind `?after=`, then those that come, without gap or duplicate."""
    principal = await admit_socket(socket)
    after = await _after(socket) if principal is not None else None
    if principal is None or after is None:
        return
    feed = _RunFeed(socket.app.state.database, socket.app.state.bus, run_id, after)
    stream = EventSocket(
        socket, principal, may=lambda session: run_access(session, principal, run_id)
    )
    await stream.serve(feed.run)


class _RunFeed:
    """Reads what is stored, then listens; reads again whenever listening was too slow."""

    def __init__(self, database: Database, bus: Bus, run_id: str, after: int) -> None:
        self._database = database
        self._bus = bus
        self._run_id = run_id
        self._seq = after

    async def run(self, reader: EventSocket) -> None:
        with self._bus.subscribe(f"run:{self._run_id}", size=AHEAD) as live:
            await self._replay(reader)
            async for event in live:
                if event["seq"] > self._seq + 1:
                    await self._replay(reader)
                elif event["seq"] == self._seq + 1:
                    await self._send(reader, event)

    async def _replay(self, reader: EventSocket) -> None:
        full = True
        while full:
            rows = await self._database.query(
                lambda session: repository.events(
                    session, self._run_id, after=self._seq, limit=PAGE
                )
            )
            full = len(rows) == PAGE
            events = [event_of_row(row) for row in rows]
            for event in _coalesced(events) if full else events:
                await self._send(reader, event)

    async def _send(self, reader: EventSocket, event: Event) -> None:
        await reader.send(event)
        self._seq = event["seq"]


def _coalesced(events: list[Event]) -> list[Event]:
    """A long stretch without the progress that later progress of the same node overtook."""
    newest = {event.get("node"): event["seq"] for event in events if _is_progress(event)}
    return [
        event
        for event in events
        if not _is_progress(event) or event["seq"] == newest[event.get("node")]
    ]


def _is_progress(event: Event) -> bool:
    return bool(event["type"] == "node_progress")


@websocket("/ws/workspaces/{workspace_id:str}/events")
async def workspace_events(socket: WebSocket[Any, Any, Any], workspace_id: FromPath[str]) -> None:
    """Runs and flows of a workspace as they come, go and change."""
    principal = await admit_socket(socket)
    after = await _after(socket) if principal is not None else None
    if principal is None or after is None:
        return
    feed = _WorkspaceFeed(socket.app.state.run_feeds, workspace_id, after, principal)
    await EventSocket(socket, principal, may=feed.look).serve(feed.run)


class _WorkspaceFeed:
    """What one person may hear of a workspace: members everything, others of shared flows."""

    def __init__(self, feeds: Feeds, workspace_id: str, after: int, principal: Principal) -> None:
        self._feeds = feeds
        self._workspace_id = workspace_id
        self._principal = principal
        self._after = after
        self._flows: set[str] | None = set()

    def look(self, session: Session) -> None:
        """See again what this person may hear of."""
        self._flows = repository.audible_flows(session, self._principal.user_id, self._workspace_id)
        if self._flows is not None and not self._flows:
            raise Missing.of("workspace", self._workspace_id)

    async def run(self, reader: EventSocket) -> None:
        feed = self._feeds.of(self._workspace_id)
        seq = self._after or feed.seq
        while True:
            events = feed.since(seq)
            for event in events:
                seq = event["seq"]
                if self._may_hear(event):
                    await reader.send(event)
            if not events:
                await feed.wait()

    def _may_hear(self, event: Event) -> bool:
        """Of a run that others called only those hear who may see all of these."""
        if self._flows is None:
            return True
        told = {event.get("flow"), *event.get("callers", ())}
        return told <= self._flows | {None}


async def _after(socket: WebSocket[Any, Any, Any]) -> int | None:
    """The number to resume behind; closes the socket when it is none."""
    text = socket.query_params.get("after", "0") or "0"
    if text.isascii() and text.isdigit() and int(text) < _LARGEST:
        return int(text)
    await socket.close(MALFORMED, "after must be a number")
    return None


socket_handlers: list[Any] = [run_events, workspace_events]
