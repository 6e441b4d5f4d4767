"""Whether those who are in rooms still may be there.

Rights are checked when somebody comes in. They are checked again when the bus tells of a change,
and every 30 seconds for what nobody told of. When the database cannot answer, everybody stays:
an outage must not throw people out of their work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlmodel import Session

from weft_server.accounts.authenticator import Authenticator
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.database import Database
from weft_server.errors import Missing
from weft_server.events import ACCESS, Bus, Event
from weft_server.flows.access import flow_access
from weft_server.flows.tables import Flow
from weft_server.rooms import protocol
from weft_server.rooms.connection import Connection
from weft_server.rooms.registry import Rooms
from weft_server.rooms.room import Room

SWEEP_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 10.0

logger = logging.getLogger("weft.rooms")

_Seat = tuple[Room, Connection]
_Verdict = Role | int
"""The role somebody has, or the code with which the connection closes."""


class Rights:
    """Looks again whether connections still have the right they came in with."""

    def __init__(
        self, rooms: Rooms, authenticator: Authenticator, database: Database, bus: Bus
    ) -> None:
        self._rooms = rooms
        self._authenticator = authenticator
        self._database = database
        self._bus = bus

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Keep looking while the context lasts."""
        tasks = [asyncio.create_task(self._sweep()), asyncio.create_task(self._listen())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.check(self._seats())

    async def _listen(self) -> None:
        with self._bus.subscribe(ACCESS) as events:
            async for event in events:
                await self.check([seat for seat in self._seats() if _concerns(event, seat)])

    def _seats(self) -> list[_Seat]:
        return [(room, one) for room in self._rooms.rooms for one in room.connections]

    async def check(self, seats: Sequence[_Seat]) -> None:
        """Close the connections of those who lost their right, and note changed roles."""
        if not seats:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ended = await self._ended({one.principal for _, one in seats})
                asked = {(one.principal, room.flow_id) for room, one in seats}
                verdicts = await self._database.query(lambda session: _verdicts(session, asked))
        except Exception as error:  # noqa: BLE001 - whatever failed, nobody is thrown out for it
            logger.warning("rights could not be checked: %s", error)
            return
        for room, connection in seats:
            if connection.principal in ended:
                connection.close(protocol.CLOSE_SIGNED_OUT, "auth.required")
            else:
                _enforce(room, connection, verdicts[connection.principal, room.flow_id])

    async def _ended(self, principals: Iterable[Principal]) -> set[Principal]:
        return {one for one in principals if not await self._authenticator.still_valid(one)}


def _concerns(event: Event, seat: _Seat) -> bool:
    room, connection = seat
    user, flow = event.get("user_id"), event.get("flow_id")
    return (user is None or user == connection.principal.user_id) and (
        flow is None or flow == room.flow_id
    )


def _verdicts(
    session: Session, asked: Iterable[tuple[Principal, str]]
) -> dict[tuple[Principal, str], _Verdict]:
    return {(one, flow_id): _verdict(session, one, flow_id) for one, flow_id in asked}


def _verdict(session: Session, principal: Principal, flow_id: str) -> _Verdict:
    try:
        return flow_access(session, principal, flow_id).role
    except Missing:
        row = session.get(Flow, flow_id)
        gone = row is None or row.deleted_at is not None
        return protocol.CLOSE_NOT_FOUND if gone else protocol.CLOSE_NO_ACCESS


def _enforce(room: Room, connection: Connection, verdict: _Verdict) -> None:
    if isinstance(verdict, Role):
        room.set_role(connection, verdict)
    elif verdict == protocol.CLOSE_NOT_FOUND:
        connection.close(verdict, "flow.not_found")
    else:
        connection.close(verdict, "auth.forbidden")
