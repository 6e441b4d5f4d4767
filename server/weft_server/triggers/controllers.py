"""Routes of triggers."""

from typing import Annotated, Any

from litestar import delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from weft_server.accounts.principal import Principal
from weft_server.triggers.queues import Queues
from weft_server.triggers.schemas import (
    EventState,
    MessageBody,
    MessageSent,
    NewSecret,
    SecretBody,
    TriggerEventData,
    TriggerEventPage,
    TriggerState,
)
from weft_server.triggers.service import Triggers

PAGE = 50
LARGEST_PAGE = 200


def _triggers(state: State) -> Triggers:
    triggers: Triggers = state.triggers
    return triggers


def _queues(state: State) -> Queues:
    queues: Queues = state.queues
    return queues


@post("/api/flows/{flow_id:str}/arm", operation_id="armFlow", tags=["triggers"], status_code=200)
async def arm(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerState:
    """Let events start a flow, as it is now; again to let them start a changed one."""
    return await triggers.arm(principal, flow_id)


@post(
    "/api/flows/{flow_id:str}/disarm",
    operation_id="disarmFlow",
    tags=["triggers"],
    status_code=200,
)
async def disarm(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerState:
    """Let events start a flow no longer."""
    return await triggers.disarm(principal, flow_id)


@get("/api/flows/{flow_id:str}/triggers", operation_id="listTriggers", tags=["triggers"])
async def list_triggers(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerState:
    """Whether a flow is armed, whether it was changed since, and its triggers."""
    return await triggers.state(principal, flow_id)


@post(
    "/api/flows/{flow_id:str}/triggers/{node:str}/secret",
    operation_id="setTriggerSecret",
    tags=["triggers"],
    status_code=200,
)
async def set_secret(
    flow_id: FromPath[str],
    node: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
    data: JSONBody[SecretBody | None] = None,
) -> NewSecret:
    """Set or make the secret with which requests to a webhook are signed; shown this once."""
    return await triggers.new_secret(principal, flow_id, node, data or SecretBody())


@delete(
    "/api/flows/{flow_id:str}/triggers/{node:str}/secret",
    operation_id="removeTriggerSecret",
    tags=["triggers"],
)
async def remove_secret(
    flow_id: FromPath[str],
    node: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> None:
    """Forget the secret of a webhook."""
    await triggers.remove_secret(principal, flow_id, node)


@post(
    "/api/flows/{flow_id:str}/triggers/{node:str}/address",
    operation_id="renewTriggerAddress",
    tags=["triggers"],
    status_code=200,
)
async def renew_address(
    flow_id: FromPath[str],
    node: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerState:
    """Give a webhook another address; the one before leads nowhere."""
    return await triggers.new_address(principal, flow_id, node)


@get("/api/flows/{flow_id:str}/events", operation_id="listTriggerEvents", tags=["triggers"])
async def list_events(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
    node: Annotated[str | None, QueryParameter(max_length=200)] = None,
    event_state: FromQuery[EventState | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
) -> TriggerEventPage:
    """Events of a flow and what became of them, newest first."""
    return await triggers.events(
        principal, flow_id, node=node, state=event_state, limit=limit, cursor=cursor
    )


@get(
    "/api/flows/{flow_id:str}/events/{event_id:str}",
    operation_id="getTriggerEvent",
    tags=["triggers"],
)
async def get_event(
    flow_id: FromPath[str],
    event_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerEventData:
    """An event with what it carried; secrets are left out."""
    return await triggers.event(principal, flow_id, event_id)


@post(
    "/api/flows/{flow_id:str}/events/{event_id:str}/replay",
    operation_id="replayTriggerEvent",
    tags=["triggers"],
    status_code=202,
)
async def replay_event(
    flow_id: FromPath[str],
    event_id: FromPath[str],
    principal: NamedDependency[Principal],
    triggers: NamedDependency[Triggers],
) -> TriggerEventData:
    """Deliver an event again, to the flow as it is armed now."""
    return await triggers.replay(principal, flow_id, event_id)


@post(
    "/api/workspaces/{workspace_id:str}/queues/{queue:str}/messages",
    operation_id="sendMessage",
    tags=["triggers"],
    status_code=202,
)
async def send_message(
    workspace_id: FromPath[str],
    queue: FromPath[str],
    data: JSONBody[MessageBody],
    principal: NamedDependency[Principal],
    queues: NamedDependency[Queues],
) -> MessageSent:
    """Put a message on a durable queue; it starts each armed flow that listens, once."""
    return await queues.send(principal, workspace_id, queue, data)


dependencies = {
    "triggers": Provide(_triggers, sync_to_thread=False),
    "queues": Provide(_queues, sync_to_thread=False),
}
route_handlers: list[Any] = [
    arm,
    disarm,
    list_triggers,
    set_secret,
    remove_secret,
    renew_address,
    list_events,
    get_event,
    replay_event,
    send_message,
]
