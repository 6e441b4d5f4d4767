"""Routes: flows as a whole. Their documents are the rooms' affair."""

import asyncio
from typing import Annotated, Any

from litestar import Request, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlmodel import Session

from weft_engine.flow.patch import Patch
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.database import Database
from weft_server.events import ACCESS, Bus
from weft_server.flows import service
from weft_server.flows.access import flow_access
from weft_server.flows.bodies import flow_of, read_new_flow
from weft_server.flows.checks import check_report
from weft_server.flows.conditions import check_condition
from weft_server.flows.documents import DocumentStore
from weft_server.flows.last_runs import LastRuns, no_runs
from weft_server.flows.schemas import (
    CheckBody,
    CheckReport,
    CopyFlow,
    FlowChange,
    FlowInfo,
    FlowList,
    ShareList,
    SharesBody,
)

PAGE = 50
LARGEST_PAGE = 200


def _documents(state: State) -> DocumentStore:
    documents: DocumentStore = state.documents
    return documents


def _last_runs(state: State) -> LastRuns:
    last_runs: LastRuns = state.get("last_runs", no_runs)
    return last_runs


@get("/api/flows", operation_id="listFlows", tags=["flows"])
async def list_flows(
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    last_runs: NamedDependency[Any],
    workspace: FromQuery[str | None] = None,
    search: Annotated[str, QueryParameter(name="query", max_length=200)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=300)] = None,
) -> FlowList:
    """The flows that one may see, the last changed first."""
    return await database.query(
        lambda session: service.list_flows(
            session,
            principal,
            last_runs,
            workspace_id=workspace,
            query=search,
            limit=limit,
            cursor=cursor,
        )
    )


@post("/api/flows", operation_id="createFlow", tags=["flows"])
async def create_flow(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    documents: NamedDependency[Any],
    catalogue: NamedDependency[Catalogue],
    bus: NamedDependency[Bus],
    workspace: FromQuery[str | None] = None,
) -> FlowInfo:
    """Make a flow from a name, from a flow in JSON, or from a flow file in YAML."""
    asked, flow = await read_new_flow(request)

    def create(session: Session) -> FlowInfo:
        workspace_id = service.target_workspace(session, principal, asked.workspace_id or workspace)
        row = service.create_flow(
            session,
            documents,
            catalogue,
            workspace_id=workspace_id,
            user_id=principal.user_id,
            flow=flow,
        )
        return service.info_of(session, flow_access(session, principal, row.id))

    info = await database.run(create)
    _publish(bus, "flow_created", info)
    return info


@get("/api/flows/{flow_id:str}", operation_id="getFlow", tags=["flows"])
async def get_flow(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    last_runs: NamedDependency[Any],
) -> FlowInfo:
    """What is known of a flow besides its document."""
    return await database.query(
        lambda session: service.get_flow(session, principal, last_runs, flow_id)
    )


@patch("/api/flows/{flow_id:str}", operation_id="updateFlow", tags=["flows"])
async def update_flow(
    flow_id: FromPath[str],
    data: JSONBody[FlowChange],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    documents: NamedDependency[Any],
    bus: NamedDependency[Bus],
) -> FlowInfo:
    """Rename or describe a flow."""
    await database.query(lambda session: flow_access(session, principal, flow_id, Role.EDITOR))
    changes = data.model_dump(exclude_unset=True, exclude_none=True)
    if changes:
        ops = [
            {"op": "set_flow", "field": field, "value": value} for field, value in changes.items()
        ]
        await documents.apply(flow_id, Patch.model_validate({"ops": ops}), principal)
    info = await database.run(
        lambda session: service.change_flow(session, principal, flow_id, changes)
    )
    _publish(bus, "flow_changed", info)
    return info


@delete("/api/flows/{flow_id:str}", operation_id="deleteFlow", tags=["flows"])
async def delete_flow(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bus: NamedDependency[Bus],
) -> None:
    """Delete a flow."""
    flow = await database.run(lambda session: service.delete_flow(session, principal, flow_id))
    bus.publish(ACCESS, {"flow_id": flow_id})
    who = {"id": principal.user_id, "name": principal.name}
    event = {"type": "flow_deleted", "flow": flow_id, "by": who}
    bus.publish(f"workspace:{flow.workspace_id}", event)


@post("/api/flows/{flow_id:str}/duplicate", operation_id="duplicateFlow", tags=["flows"])
async def duplicate_flow(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    documents: NamedDependency[Any],
    catalogue: NamedDependency[Catalogue],
    bus: NamedDependency[Bus],
    data: JSONBody[CopyFlow | None] = None,
) -> FlowInfo:
    """Copy a flow as it is now."""
    asked = data or CopyFlow()
    source = await database.query(lambda session: flow_access(session, principal, flow_id).flow)
    flow = await documents.read(flow_id)
    copied = flow.replace(name=asked.name or f"{flow.name[:190]} (2)")

    def create(session: Session) -> FlowInfo:
        workspace_id = service.workspace_of_copy(session, principal, source, asked.workspace_id)
        row = service.create_flow(
            session,
            documents,
            catalogue,
            workspace_id=workspace_id,
            user_id=principal.user_id,
            flow=copied,
        )
        return service.info_of(session, flow_access(session, principal, row.id))

    info = await database.run(create)
    _publish(bus, "flow_created", info)
    return info


@post("/api/check", operation_id="checkFlow", tags=["flows"], status_code=200)
async def check_flow(
    data: JSONBody[CheckBody], catalogue: NamedDependency[Catalogue]
) -> CheckReport:
    """The problems of a flow that is sent along."""
    # A check of a large flow takes long enough to be felt by everyone else.
    return await asyncio.to_thread(lambda: check_report(flow_of(data.flow), catalogue))


@get("/api/flows/{flow_id:str}/shares", operation_id="listShares", tags=["flows"])
async def list_shares(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> ShareList:
    """With whom a flow is shared beyond its workspace."""
    return await database.query(lambda session: service.list_shares(session, principal, flow_id))


@put("/api/flows/{flow_id:str}/shares", operation_id="replaceShares", tags=["flows"])
async def replace_shares(
    flow_id: FromPath[str],
    data: JSONBody[SharesBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bus: NamedDependency[Bus],
) -> ShareList:
    """Share a flow with exactly these people."""
    shares, changed = await database.run(
        lambda session: service.replace_shares(session, principal, flow_id, data.items)
    )
    for user_id in changed:
        bus.publish(ACCESS, {"user_id": user_id, "flow_id": flow_id})
    return shares


def _publish(bus: Bus, kind: str, info: FlowInfo) -> None:
    bus.publish(f"workspace:{info.workspace_id}", {"type": kind, "flow": info.id})


dependencies = {
    "documents": Provide(_documents, sync_to_thread=False),
    "last_runs": Provide(_last_runs, sync_to_thread=False),
}
route_handlers: list[Any] = [
    list_flows,
    create_flow,
    get_flow,
    update_flow,
    delete_flow,
    duplicate_flow,
    check_flow,
    check_condition,
    list_shares,
    replace_shares,
]
