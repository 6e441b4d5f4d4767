"""Runs of flows: started, watched, recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from weft_server.runs import controllers, live_controllers, repository, sockets
from weft_server.runs.data import NodeData
from weft_server.runs.deleted import stopped_with_their_flows
from weft_server.runs.feeds import Feeds
from weft_server.runs.service import Runs, RunSettings
from weft_server.settings import Settings

route_handlers = [
    Router(
        path="/",
        route_handlers=[*controllers.route_handlers, *live_controllers.route_handlers],
        dependencies=controllers.dependencies,
    ),
    *sockets.socket_handlers,
]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Run the engine beside the server for as long as it lives."""
    state = app.state
    settings: Settings = state.settings
    state.last_runs = repository.last_runs
    state.node_data = NodeData(state.database, settings.data)
    state.run_feeds = feeds = Feeds(state.bus)
    state.runs = runs = Runs(
        _settings(settings),
        state.database,
        state.bus,
        state.catalogue,
        definitions=lambda: state.rooms,
    )
    state.call_problems = runs.call_problems
    state.ready_checks = {**state.get("ready_checks", {}), "engine": runs.can_run}
    await runs.start()
    try:
        async with stopped_with_their_flows(runs, state.bus):
            yield
    finally:
        await runs.stop()
        await feeds.close()


def _settings(settings: Settings) -> RunSettings:
    return RunSettings(
        data=settings.data,
        files=settings.files,
        keep=settings.keep_runs,
        keep_days=settings.keep_run_days,
        allow_hosts=_own_addresses(settings),
        workers=settings.run_workers,
        per_workspace=settings.runs_per_workspace,
        journal=settings.journal or None,
    )


def _own_addresses(settings: Settings) -> tuple[str, ...]:
    """Flows may call the API of their own server, which asks for a key like anybody's."""
    return tuple(f"{host}:{settings.port}" for host in ("127.0.0.1", "localhost"))
