"""The room of one flow: everybody who has it open, and the server's copy of the document.

A change is broadcast at once, and what follows within 15 ms goes out as one frame. It is also
queued for the log; only when it is on disk are the marks behind it answered.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from weft_engine.flow.patch import Applied, OnConflict, Patch
from weft_server.accounts.roles import Role
from weft_server.errors import register
from weft_server.rooms import protocol
from weft_server.rooms.assembly import merged
from weft_server.rooms.awareness import Awareness
from weft_server.rooms.connection import Connection
from weft_server.rooms.document import apply_patch
from weft_server.rooms.facts import Facts
from weft_server.rooms.guard import LIVE, WHOLE, Contents, parse_update
from weft_server.rooms.log import LogWriter
from weft_server.rooms.outbox import Outbox
from weft_server.rooms.protocol import (
    AwarenessFrame,
    AwarenessRequest,
    Mark,
    Presence,
    StateRequest,
    UpdateFrame,
)
from weft_server.rooms.replica import Replica
from weft_server.rooms.repository import EDIT, RELAY, SYSTEM, Change, StoredDocument
from weft_server.rooms.schema import Schema

register(
    {
        "document.read_only": "An edit was dropped: your role on this flow is viewer.",
        "document.too_large": "An edit was dropped: the document is as large as one may be.",
    }
)

BROADCAST_SECONDS: Final = 0.015
LONG_BYTES: Final = 64_000
"""Reading an update of this size takes some milliseconds."""
LARGE_BYTES: Final = 5_000_000
LARGEST_BYTES: Final = 20_000_000
MEASURE_SECONDS: Final = 1.0
MOST_CONNECTIONS: Final = 200

logger = logging.getLogger("weft.rooms")


class Room:
    """One live document and the connections to it. Lives on the event loop, and only there."""

    def __init__(
        self,
        flow_id: str,
        stored: StoredDocument,
        facts: Facts,
        writer: LogWriter,
        schema: Schema,
    ) -> None:
        self.on_change: Callable[[], None] = _nothing
        self.on_saved: Callable[[], None] = _nothing
        self.flow_id = flow_id
        self.epoch = stored.epoch
        self.replica = Replica(stored, facts)
        self.connections: set[Connection] = set()
        self.owners = facts.owners
        self.outbox = Outbox(
            flow_id,
            stored.rev,
            writer,
            on_saved=self._saved,
            on_lost=self._lost,
        )
        self.awareness = Awareness()
        self._schema = schema
        self._trouble: str | None = None
        self._updates: list[bytes] = []
        self._presences: dict[int, Presence] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._is_known_large = False
        self._measured_at = -MEASURE_SECONDS

    # Joining and leaving

    def join(self, connection: Connection) -> None:
        """Greet a client: what we know, and who is here."""
        if len(self.connections) >= MOST_CONNECTIONS:
            connection.close(protocol.CLOSE_TRY_LATER, "room.full")
            return
        self._ask(connection)
        present = self.awareness.all()
        if present:
            connection.push(protocol.awareness_frame(present))
        self.connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """Let a client go, and tell the others at once."""
        self.connections.discard(connection)
        connection.requests.cancel()
        client, gone = connection.client, self.awareness.leave(connection)
        if client is not None and client not in self.replica.state:
            self.owners.release(client, connection.principal.user_id)
        if gone is not None:
            self._show(gone)

    def set_role(self, connection: Connection, role: Role) -> None:
        """Note what a client may do from now on; what it could not send before is asked for."""
        could_edit, connection.role = connection.can_edit, role
        if connection.can_edit and not could_edit:
            self._ask(connection)

    def close(self, code: int, reason: str) -> None:
        """Send everybody away."""
        for connection in self.connections:
            connection.close(code, reason)

    def release(self) -> None:
        """Free what a room holds once nobody is in it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.replica.close()

    # Frames

    async def on_frame(self, connection: Connection, data: bytes) -> None:
        """Handle one frame of a client.

        Raises:
            ProtocolError: the connection must be closed.
        """
        connection.limits.frame(len(data))
        frame = protocol.parse_frame(data)
        match frame:
            case UpdateFrame():
                connection.limits.update()
                self._on_update(connection, frame, await _read_update(frame))
            case AwarenessFrame():
                self._on_awareness(connection, frame)
            case StateRequest():
                connection.limits.sync()
                answer = self.replica.answer(frame.state)
                connection.push(protocol.state_answer(answer), is_answer=True)
                connection.is_synced = True
            case Mark():
                if self._trouble is not None and not self.outbox.is_idle:
                    connection.promises.warn(self._trouble)
                connection.promises.mark(frame.number, self.outbox.number, self.outbox.durable)
            case AwarenessRequest():
                connection.push(protocol.awareness_frame(self.awareness.all()))

    def _on_awareness(self, connection: Connection, frame: AwarenessFrame) -> None:
        was = connection.client
        changed = self.awareness.receive(connection, frame.presences)
        if connection.client is not None and connection.client != was:
            self.owners.claim([connection.client], connection.principal.user_id)
        if changed is not None:
            self._show(changed)

    def _on_update(self, connection: Connection, frame: UpdateFrame, contents: Contents) -> None:
        if connection.is_closing:
            return
        complete = self._take(connection, frame, contents)
        if frame.answers_request:
            connection.requests.answered(complete=complete)
            if complete:
                connection.promises.regain(self.outbox.number, self.outbox.durable)
        if not complete and connection.can_edit:
            self._ask(connection)

    def _take(self, connection: Connection, frame: UpdateFrame, contents: Contents) -> bool:
        """Apply an update if that may and can be done; whether nothing of it was dropped."""
        new = contents.new_clients(self.replica.state)
        if not connection.can_edit:
            return self._refuse_viewer(connection, frame, contents, new)
        if contents.is_empty:
            return True
        if not contents.fits(self.replica.state) or self._is_hijack(connection, frame, new):
            connection.promises.lose()
            return False
        refusal = self._refusal(grows=bool(contents.items))
        if refusal is not None:
            connection.promises.lose(refusal)
            connection.requests.answered(complete=False)
            return False
        user = connection.principal.user_id
        update = self.replica.merge(frame.update, contents)
        if not frame.answers_request:
            self.owners.claim(new, user)
        if update is not None:
            self._changed(Change(user, RELAY if frame.answers_request else EDIT, update))
        return True

    def _refuse_viewer(
        self, connection: Connection, frame: UpdateFrame, contents: Contents, new: set[int]
    ) -> bool:
        # The answer to a sync repeats all deletions there ever were, which is no edit.
        if not new and (frame.answers_request or not contents.deleted):
            return True
        connection.promises.lose("document.read_only")
        return False

    def _is_hijack(self, connection: Connection, frame: UpdateFrame, new: set[int]) -> bool:
        """Whether a client writes under an id that is not its own.

        In a sync it may bring along what others wrote and we lost in a crash; but those who are
        here bring it themselves.
        """
        foreign = self.owners.foreign(new, connection.principal.user_id)
        if not foreign:
            return False
        present = {other.principal.user_id for other in self.connections}
        if frame.answers_request and not foreign & present:
            return self.replica.doc.client_id in new
        if connection.promises.is_missing:
            return True
        logger.warning(
            "%s wrote to %s under a client id of %s",
            connection.principal.user_id,
            self.flow_id,
            ", ".join(sorted(foreign)),
        )
        return True

    def _refusal(self, *, grows: bool) -> str | None:
        if self.outbox.is_full:
            return self._trouble or "storage.busy"
        if grows and self._is_too_large():
            return "document.too_large"
        return None

    def _is_too_large(self) -> bool:
        if self.replica.size > LARGE_BYTES and not self._is_known_large:
            self._is_known_large = True
            logger.warning("the document of %s is over %d bytes", self.flow_id, LARGE_BYTES)
        if self.replica.size <= LARGEST_BYTES:
            return False
        # Only the whole state says how large the document really is; writing it takes a while.
        now = asyncio.get_running_loop().time()
        if now >= self._measured_at + MEASURE_SECONDS:
            self._measured_at = now
            self.replica.compact()
        return self.replica.size > LARGEST_BYTES

    def _ask(self, connection: Connection) -> None:
        def send() -> None:
            connection.push(protocol.state_request(self.replica.state_vector()))

        connection.requests.ask(send)

    # Changes

    def apply(
        self, patch: Patch, *, origin: str, actor: str, on_conflict: OnConflict
    ) -> tuple[Applied, int]:
        """Change the document by a patch; also the number of the change, to wait for."""
        applied, update = self.replica.change(
            lambda doc: apply_patch(
                doc, patch, self._schema, origin=origin, on_conflict=on_conflict
            )
        )
        if update is not None:
            self.owners.claim([self.replica.doc.client_id], SYSTEM)
            self._changed(Change(actor, origin, update))
        return applied, self.outbox.number

    def _changed(self, change: Change) -> None:
        self.outbox.add(change)
        self._updates.append(change.update)
        self._schedule()
        self.on_change()

    def _show(self, presence: Presence) -> None:
        self._presences[presence.client] = presence
        self._schedule()

    def _schedule(self) -> None:
        """Send at once after a pause, else merged with what else comes within the window."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            at = max(loop.time(), self._flushed_at + BROADCAST_SECONDS)
            self._timer = loop.call_at(at, self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._flushed_at = asyncio.get_running_loop().time()
        if self._updates:
            updates, self._updates = self._updates, []
            frames = [protocol.update_frame(update) for update in merged(updates)]
            for connection in tuple(self.connections):
                if connection.is_synced:
                    for frame in frames:
                        connection.push(frame)
        if self._presences:
            presences, self._presences = self._presences, {}
            frame = protocol.awareness_frame(presences.values())
            # To the sender too: its own echo tells a provider that the connection lives.
            for connection in tuple(self.connections):
                connection.push(frame)

    # The log

    def _saved(self) -> None:
        for connection in self.connections:
            connection.promises.settle(self.outbox.durable)
        self.on_saved()

    def _lost(self, error: Exception) -> None:
        logger.warning("the document of %s is gone: %s", self.flow_id, error)
        self.close(protocol.CLOSE_NOT_FOUND, "flow.not_found")

    def on_trouble(self, trouble: str | None) -> None:
        """Note that the log cannot write now, or that it can again."""
        self._trouble = trouble
        for connection in self.connections:
            if trouble is not None:
                connection.promises.warn(trouble)
            elif connection.promises.is_missing:
                self._ask(connection)


async def _read_update(frame: UpdateFrame) -> Contents:
    """Parse an update; a large one in a thread, so that other rooms go on meanwhile."""
    limits = WHOLE if frame.answers_request else LIVE
    if len(frame.update) < LONG_BYTES:
        return parse_update(frame.update, limits)
    return await asyncio.to_thread(parse_update, frame.update, limits)


def _nothing() -> None:
    """What happens when nobody wants to know."""
