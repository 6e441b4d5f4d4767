"""Rooms: the live documents of flows, who edits them together, and their log on disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from weft_server.rooms import controllers
from weft_server.rooms.registry import Documents, Rooms
from weft_server.rooms.rights import Rights
from weft_server.rooms.transport import remembering

route_handlers = [
    Router(
        path="/",
        route_handlers=controllers.route_handlers,
        dependencies=controllers.dependencies,
    )
]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Open the rooms with the server and store everything when it closes."""
    state = app.state
    rooms = state.rooms = Rooms(state.database, state.catalogue)
    state.rights = Rights(rooms, state.authenticator, state.database, state.bus)
    state.documents = Documents(rooms)
    app.asgi_handler = remembering(app.asgi_handler)
    try:
        async with state.rights.watched():
            yield
    finally:
        await rooms.close_all()
