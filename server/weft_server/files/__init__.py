"""Files that people bring for their flows, and those that flows write: one folder a workspace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from weft_server.files import controllers
from weft_server.files.service import Files
from weft_server.settings import Settings

route_handlers = [
    Router(
        path="/",
        route_handlers=controllers.route_handlers,
        dependencies=controllers.dependencies,
    )
]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Hold the threads that work on files."""
    settings: Settings = app.state.settings
    app.state.workspace_files = files = Files(settings.files, app.state.database)
    await files.start()
    try:
        yield
    finally:
        files.close()
