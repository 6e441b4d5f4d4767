"""What documents read as, remembered until they change."""

import asyncio
from collections import OrderedDict
from typing import Final, NamedTuple

from sqlmodel import Session

from weft_engine.flow.model import Flow
from weft_server.database import Database
from weft_server.errors import Missing
from weft_server.rooms import repository
from weft_server.rooms.assembly import assemble
from weft_server.rooms.document import plain, read
from weft_server.rooms.reading import DocumentProblem
from weft_server.rooms.room import Room
from weft_server.rooms.schema import Schema

MOST_REMEMBERED: Final = 256


class Reading(NamedTuple):
    """A flow, what was hidden for it, and the point of the document's history it belongs to."""

    point: object
    flow: Flow
    problems: list[DocumentProblem]


class Readings:
    """Reads documents in threads, so that a large one does not hold up the event loop."""

    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema
        self._known: OrderedDict[str, Reading] = OrderedDict()

    async def live(self, room: Room) -> Reading:
        """What an open document reads as."""
        point = (room.replica.identity, room.replica.version)
        known = self._known.get(room.flow_id)
        if known is not None and known.point == point:
            return known
        update = room.replica.doc.get_update()
        return self._remember(room.flow_id, await asyncio.to_thread(self._read, point, [update]))

    async def stored(self, flow_id: str) -> Reading:
        """What a document reads as that nobody has open.

        Raises:
            Missing: there is no such document.
        """
        known = self._known.get(flow_id)

        def work(session: Session) -> Reading:
            rev = repository.revision(session, flow_id)
            if rev is None:
                raise Missing.of("flow", flow_id)
            if known is not None and known.point == rev:
                return known
            stored = repository.load(session, flow_id)
            updates = [stored.snapshot, *(change.update for change in stored.changes)]
            return self._read(stored.rev, updates)

        return self._remember(flow_id, await self._database.query(work))

    def _read(self, point: object, updates: list[bytes]) -> Reading:
        document = plain(assemble(updates))
        return Reading(point, *read(document, multiple=self._schema.multiple))

    def _remember(self, flow_id: str, reading: Reading) -> Reading:
        self._known[flow_id] = reading
        self._known.move_to_end(flow_id)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return reading

    def forget(self, flow_id: str) -> None:
        """Drop what is remembered of a document whose room closes."""
        self._known.pop(flow_id, None)
