"""Composes the application; the only module that knows every other one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from sqlmodel import Session

from weft_engine.nodes.catalogue import Catalogue
from weft_server import accounts, catalogue, files, flows, health, rooms, runs, triggers
from weft_server.accounts.principal import Principal, guard_api, public
from weft_server.accounts.service import Accounts
from weft_server.database import Database
from weft_server.errors import EXCEPTION_HANDLERS, Missing, problem_response
from weft_server.events import Bus
from weft_server.flows.seeds import copy_example_data, examples_folder, seed
from weft_server.settings import Settings
from weft_server.version import version
from weft_server.web import STATIC, Front

FEATURES = (accounts, catalogue, flows, files, runs, rooms, triggers)
MAX_BODY = 1_000_000
_STATE = ("settings", "database", "bus", "accounts", "catalogue")


def create_app(settings: Settings, *, static: Path = STATIC) -> Litestar:
    """The application on one data directory.

    A feature is a package with ``route_handlers`` and, if it has something to start and stop, a
    ``lifespan``; features start in order and stop in reverse.
    """
    lifespans = [feature.lifespan for feature in FEATURES if hasattr(feature, "lifespan")]
    handlers = [*health.route_handlers]
    for feature in FEATURES:
        handlers.extend(getattr(feature, "route_handlers", ()))
    app = Litestar(
        route_handlers=handlers,
        guards=[guard_api],
        dependencies=_dependencies(),
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=MAX_BODY,
        lifespan=[_lifespan, *lifespans, _introduce],
        openapi_config=_openapi(),
        logging_config=None,
    )
    _fill(app.state, settings)
    app.asgi_handler = Front(app.asgi_handler, settings, static)
    return app


def _fill(state: State, settings: Settings) -> None:
    database, bus = Database(settings.database_url), Bus()

    def furnish(session: Session, workspace_id: str, user_id: str, language: str) -> None:
        folder = examples_folder()
        if folder is None:
            return
        copy_example_data(folder, settings.files / workspace_id)
        seed(
            session,
            state.documents,
            state.catalogue,
            folder=folder,
            workspace_id=workspace_id,
            user_id=user_id,
            language=language,
            address=f"http://127.0.0.1:{settings.port}",
        )

    state.settings = settings
    state.database = database
    state.bus = bus
    state.accounts = Accounts(settings, database, bus, furnish)
    state.authenticator = state.accounts.authenticator
    state.catalogue = Catalogue.installed()


def _dependencies() -> dict[str, Provide]:
    def from_state(name: str) -> Provide:
        def provide(state: State) -> Any:
            return state[name]

        return Provide(provide, sync_to_thread=False)

    def principal(request: Request[Principal, Any, Any]) -> Principal:
        return request.user

    given = {name: from_state(name) for name in _STATE}
    return given | {"principal": Provide(principal, sync_to_thread=False)}


def _openapi() -> OpenAPIConfig:
    router = Router(
        path="/api/schema",
        route_handlers=[],
        opt=public(before_setup=True),
        include_in_schema=False,
        after_request=_no_page,
    )
    return OpenAPIConfig(
        title="Weft",
        version=version(),
        description="Flows that a team builds together, and their runs.",
        use_handler_docstrings=True,
        openapi_router=router,
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
    )


@asynccontextmanager
async def _introduce(app: Litestar) -> AsyncIterator[None]:
    """Give to some features what others have, as they do not know each other."""
    app.state.definitions = app.state.rooms
    yield


def _no_page(response: Response[Any]) -> Response[Any]:
    """Litestar answers unknown paths below the schema with a page; programs want a problem."""
    if response.status_code != HTTPStatus.NOT_FOUND:
        return response
    return problem_response(
        Missing("There is nothing at this address.", hint="The schema is at /api/schema.")
    )


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    database: Database = app.state.database
    known: Accounts = app.state.accounts
    app.state.bus.attach(asyncio.get_running_loop())
    database.migrate()
    if not await known.authenticator.is_set_up():
        known.setup_token.ensure()
    else:
        known.setup_token.use_up()
    try:
        yield
    finally:
        known.close()
        database.close()
