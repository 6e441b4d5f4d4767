"""All rooms of the server, and what other modules may ask of documents."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from weft_engine.errors import WeftError
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Applied, OnConflict, Patch
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.errors import Missing, NotReady, StorageError, register
from weft_server.rooms import protocol, repository
from weft_server.rooms.document import DocumentProblem, new_document
from weft_server.rooms.facts import Facts
from weft_server.rooms.log import LogWriter
from weft_server.rooms.readings import Readings
from weft_server.rooms.repository import SYSTEM, Change
from weft_server.rooms.room import Room
from weft_server.rooms.schema import Schema
from weft_server.rooms.upkeep import Upkeep

register(
    {
        "server.closing": "The server is closing and takes no more work.",
        "document.not_stored": "The change was made, but it is not known whether it is on disk.",
    }
)

IDLE_SECONDS: Final = 30.0
STORE_SECONDS: Final = 15.0

logger = logging.getLogger("weft.rooms")


@dataclass(frozen=True, slots=True)
class _Open:
    room: Room
    upkeep: Upkeep


class Rooms:
    """Opens rooms, each once, keeps them while they are needed, and closes them safely."""

    def __init__(
        self, database: Database, catalogue: Catalogue, *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.schema = Schema.of(catalogue.specs())
        self._database = database
        self._catalogue = catalogue
        self._idle_seconds = idle_seconds
        self._writer = LogWriter(database, self._on_trouble)
        self._readings = Readings(database, self.schema)
        self._opening: dict[str, asyncio.Task[_Open]] = {}
        self._leases: dict[str, int] = {}
        self._retiring: dict[str, asyncio.Task[None]] = {}
        self._trouble: str | None = None
        self._closed = False

    # What others may ask

    def create_document(
        self, session: Session, flow_id: str, flow: Flow, *, actor: str = SYSTEM
    ) -> None:
        """Store a new document that reads as a flow, in the caller's transaction."""
        change = Change(actor, "create", new_document(flow, self.schema))
        repository.insert_document(session, flow_id, change)

    async def definition(self, flow_id: str) -> tuple[Flow, list[DocumentProblem]]:
        """The flow as it is now: of the open room if there is one, else as stored.

        Raises:
            Missing: there is no such document.
        """
        live = self._live(flow_id)
        if live is None:
            reading = await self._readings.stored(flow_id)
        else:
            reading = await self._readings.live(live.room)
        return reading.flow, reading.problems

    async def apply(
        self,
        flow_id: str,
        patch: Patch,
        *,
        origin: str,
        actor: str,
        on_conflict: OnConflict = "reject",
    ) -> Applied:
        """Change the document as one transaction that everybody in it sees; then it is on disk.

        Raises:
            PatchError: the patch does not fit, and conflicts are rejected; nothing is changed.
            Missing: there is no such document.
            StorageError: the database cannot be written now.
        """
        async with self.lease(flow_id) as room:
            if self._trouble is not None:
                raise _cannot_store(self._trouble)
            applied, number = room.apply(patch, origin=origin, actor=actor, on_conflict=on_conflict)
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    await room.outbox.wait(number)
            except TimeoutError:
                raise _cannot_store("document.not_stored") from None
            return applied

    async def set_name(self, flow_id: str, name: str) -> None:
        """Rename the flow inside its document."""
        patch = Patch.model_validate({"ops": [{"op": "set_flow", "field": "name", "value": name}]})
        await self.apply(flow_id, patch, origin=SYSTEM, actor=SYSTEM)

    # Opening and closing

    @asynccontextmanager
    async def lease(self, flow_id: str) -> AsyncIterator[Room]:
        """The room of a flow, which stays open meanwhile.

        Raises:
            Missing: there is no such document.
        """
        if self._closed:
            raise NotReady(
                "The server is closing.", code="server.closing", hint="Try again in a moment."
            )
        self._leases[flow_id] = self._leases.get(flow_id, 0) + 1
        try:
            yield (await self._open(flow_id)).room
        finally:
            self._leases[flow_id] -= 1
            if self._leases[flow_id] == 0:
                del self._leases[flow_id]
                self._retire_later(flow_id)

    async def _open(self, flow_id: str) -> _Open:
        """Load a room once, however many ask for it at the same time."""
        task = self._opening.get(flow_id)
        if task is None:
            task = self._opening[flow_id] = asyncio.create_task(self._load(flow_id))
            task.add_done_callback(lambda done: self._forget_failed(flow_id, done))
        # Who gives up waiting must not take the room from the others.
        return await asyncio.shield(task)

    async def _load(self, flow_id: str) -> _Open:
        # An error while reading must never look like a new document.
        stored = await self._database.query(lambda session: repository.load(session, flow_id))
        facts = await asyncio.to_thread(Facts.of, stored)
        room = Room(flow_id, stored, facts, self._writer, self.schema)
        upkeep = Upkeep(
            room,
            stored.rev - len(stored.changes),
            database=self._database,
            catalogue=self._catalogue,
            writer=self._writer,
            readings=self._readings,
        )
        room.on_change, room.on_saved = upkeep.changed, upkeep.saved
        room.on_trouble(self._trouble)
        return _Open(room, upkeep)

    def _forget_failed(self, flow_id: str, task: asyncio.Task[_Open]) -> None:
        if task.cancelled() or task.exception() is not None:
            del self._opening[flow_id]

    def _live(self, flow_id: str) -> _Open | None:
        task = self._opening.get(flow_id)
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    @property
    def rooms(self) -> list[Room]:
        """The rooms that are open now."""
        return [entry.room for entry in self._entries()]

    def _entries(self) -> list[_Open]:
        return [entry for flow_id in self._opening if (entry := self._live(flow_id)) is not None]

    def _retire_later(self, flow_id: str) -> None:
        asyncio.get_running_loop().call_later(self._idle_seconds, self._start_retiring, flow_id)

    def _start_retiring(self, flow_id: str) -> None:
        entry = self._live(flow_id)
        if entry is None or self._closed or flow_id in self._leases | self._retiring:
            return
        task = self._retiring[flow_id] = asyncio.create_task(self._retire(flow_id, entry))
        task.add_done_callback(lambda _: self._retiring.pop(flow_id))

    async def _retire(self, flow_id: str, entry: _Open) -> None:
        """Let a room go if nobody needs it and all of it is on disk."""
        try:
            await self._store(entry)
        except Missing:
            logger.info("the flow %s is gone", flow_id)
        except WeftError as error:
            logger.warning("the room of %s stays open: %s", flow_id, error)
            self._retire_later(flow_id)
            return
        # Somebody may have come in, or have written, while it was stored.
        unused = flow_id not in self._leases and self._live(flow_id) is entry
        if unused and entry.room.outbox.is_settled:
            self._drop(entry)

    def _drop(self, entry: _Open) -> None:
        flow_id = entry.room.flow_id
        del self._opening[flow_id]
        self._readings.forget(flow_id)
        entry.room.release()

    async def _store(self, entry: _Open) -> None:
        await entry.room.outbox.wait(entry.room.outbox.number)
        await entry.upkeep.finish()

    async def close_all(self) -> None:
        """Send everybody away, store everything, and end."""
        self._closed = True
        if self._opening:
            await asyncio.wait(self._opening.values(), timeout=STORE_SECONDS)
        for task in self._retiring.values():
            task.cancel()
        entries = self._entries()
        for entry in entries:
            entry.room.close(protocol.CLOSE_RESTART, "restart")
        if self._trouble is None:
            await asyncio.gather(*(self._store_or_log(entry) for entry in entries))
        await self._writer.close()
        for entry in entries:
            self._drop(entry)

    async def _store_or_log(self, entry: _Open) -> None:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self._store(entry)
        except (WeftError, TimeoutError) as error:
            logger.error("the room of %s could not be stored: %s", entry.room.flow_id, error)

    def _on_trouble(self, trouble: str | None) -> None:
        self._trouble = trouble
        for room in self.rooms:
            room.on_trouble(trouble)


class Documents:
    """The documents of flows, as the flows module asks for them."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def create(self, session: Session, flow_id: str, flow: Flow) -> None:
        """Store a new document that reads as this flow, in the caller's transaction."""
        self._rooms.create_document(session, flow_id, flow)

    async def read(self, flow_id: str) -> Flow:
        """The flow as it is now: of the open room if there is one, else as stored."""
        return (await self._rooms.definition(flow_id))[0]

    async def apply(self, flow_id: str, patch: Patch, principal: Principal) -> Applied:
        """Change the document as this person, as one transaction that everybody in it sees."""
        return await self._rooms.apply(
            flow_id, patch, origin=patch.origin or "patch", actor=principal.user_id
        )


def _cannot_store(code: str) -> StorageError:
    return StorageError(
        "The change could not be stored.",
        code=code,
        hint="The server keeps trying. Reload to see whether the change is there.",
    )
