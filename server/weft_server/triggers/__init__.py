"""Triggers: events that start flows."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from weft_server.runs.fired import nothing_recent
from weft_server.settings import Settings
from weft_server.triggers import codes, controllers, hook_controllers, logs, sealing
from weft_server.triggers.delivery import Delivery
from weft_server.triggers.dispatch import Dispatcher
from weft_server.triggers.hooks import Hooks
from weft_server.triggers.leader import Leader
from weft_server.triggers.live import Streams
from weft_server.triggers.queues import Queues
from weft_server.triggers.results import Results
from weft_server.triggers.service import Triggers
from weft_server.triggers.webhook_secrets import WebhookSecrets

__all__ = ["codes", "lifespan", "route_handlers"]

log = logging.getLogger(__name__)

route_handlers = [
    Router(
        path="/",
        route_handlers=controllers.route_handlers,
        dependencies=controllers.dependencies,
    ),
    *hook_controllers.route_handlers,
]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Take events for as long as the server lives, and look after what was left behind."""
    state = app.state
    settings: Settings = state.settings
    logs.install()
    secrets = WebhookSecrets(sealing.load(settings.key))
    await state.database.run(secrets.seal_all)
    if lost := await state.database.query(secrets.lost):
        log.error(
            "%d secrets of webhooks cannot be read with the key in %s: bring the right key back, "
            "or set these secrets again",
            lost,
            settings.key,
        )
    delivery = Delivery(state.runs, Streams(state.database, state.runs))
    state.trigger_delivery = delivery
    dispatcher = Dispatcher(state.database, state.bus, delivery)
    results = Results(settings.data)
    leader = Leader(state.database, state.bus, dispatcher, results, settings.files)
    state.trigger_leader = leader
    state.queues = Queues(state.database, dispatcher)
    state.hooks = Hooks(state.database, dispatcher, state.runs, results, secrets)
    state.triggers = triggers = Triggers(
        state.database,
        state.bus,
        state.catalogue,
        lambda: state.rooms,
        dispatcher,
        delivery,
        settings.files,
        leader.wake,
        secrets,
    )
    state.runs.recent_events = triggers.newest
    leader.start()
    try:
        yield
    finally:
        state.runs.recent_events = nothing_recent
        await leader.stop()
        await dispatcher.close()
