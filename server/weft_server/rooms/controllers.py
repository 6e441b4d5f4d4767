"""Routes of documents: the room itself, and what programs do with a flow's definition."""

import asyncio
from typing import Annotated, Any

from litestar import WebSocket, get, post, websocket
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlmodel import Session

from weft_engine.errors import WeftError
from weft_engine.flow.dump import to_data
from weft_engine.flow.patch import Patch
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.principal import Principal, admit_socket
from weft_server.accounts.roles import Role
from weft_server.database import Database
from weft_server.errors import Missing
from weft_server.flows.access import flow_access
from weft_server.flows.checks import check_report
from weft_server.flows.schemas import CheckReport
from weft_server.rooms import protocol
from weft_server.rooms.connection import Connection
from weft_server.rooms.problems import as_problem
from weft_server.rooms.registry import Rooms
from weft_server.rooms.schemas import PatchBody, PatchResult

Socket = WebSocket[Any, Any, Any]


@websocket("/ws/flows/{flow_id:str}")
async def flow_room(
    socket: Socket,
    flow_id: FromPath[str],
    state: State,
    epoch: Annotated[int | None, QueryParameter()] = None,
) -> None:
    """The room of a flow, in the y-websocket protocol."""
    principal = await admit_socket(socket)
    if principal is None:
        return
    try:
        role = await _role(state.database, principal, flow_id)
        async with state.rooms.lease(flow_id) as room:
            if epoch is not None and epoch != room.epoch:
                await socket.close(protocol.CLOSE_RELOAD, "document.epoch")
                return
            connection = Connection(socket, principal, role)
            room.join(connection)
            try:
                await connection.serve(room.on_frame)
            finally:
                room.leave(connection)
    except Missing as error:
        await socket.close(protocol.CLOSE_NOT_FOUND, error.code)
    except WeftError as error:
        await socket.close(protocol.CLOSE_TRY_LATER, error.code)


async def _role(
    database: Database, principal: Principal, flow_id: str, at_least: Role = Role.VIEWER
) -> Role:
    def work(session: Session) -> Role:
        return flow_access(session, principal, flow_id, at_least).role

    return await database.query(work)


@get("/api/flows/{flow_id:str}/definition", operation_id="getDefinition", tags=["flows"])
async def get_definition(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    rooms: NamedDependency[Rooms],
) -> dict[str, Any]:
    """The flow as it is now, in the format of a flow file."""
    await _role(database, principal, flow_id)
    flow, _ = await rooms.definition(flow_id)
    return to_data(flow)


@post(
    "/api/flows/{flow_id:str}/patches",
    operation_id="patchFlow",
    tags=["flows"],
    status_code=200,
)
async def patch_flow(
    flow_id: FromPath[str],
    data: JSONBody[PatchBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    rooms: NamedDependency[Rooms],
) -> PatchResult:
    """Change a flow by a patch, as one step that everybody who has it open sees at once."""
    await _role(database, principal, flow_id, Role.EDITOR)
    applied = await rooms.apply(
        flow_id,
        Patch(ops=data.ops, message=data.message),
        origin="patch",
        actor=principal.user_id,
        on_conflict=data.on_conflict,
    )
    return PatchResult(applied=applied.applied, skipped=applied.skipped, inverse=applied.inverse)


@post(
    "/api/flows/{flow_id:str}/check",
    operation_id="checkStoredFlow",
    tags=["flows"],
    status_code=200,
)
async def check_flow(
    flow_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    rooms: NamedDependency[Rooms],
    catalogue: NamedDependency[Catalogue],
    state: State,
) -> CheckReport:
    """The problems of a flow as it is now, and how it is wired."""
    await _role(database, principal, flow_id)
    flow, hidden = await rooms.definition(flow_id)
    report = await asyncio.to_thread(check_report, flow, catalogue)
    circles = await state.call_problems(flow, flow_id=flow_id, user_id=principal.user_id)
    found = [as_problem(problem).model_dump(mode="json") for problem in hidden]
    found += [problem.model_dump(mode="json") for problem in circles]
    return report.model_copy(update={"problems": [*found, *report.problems]})


def _rooms(state: State) -> Rooms:
    rooms: Rooms = state.rooms
    return rooms


route_handlers = [flow_room, get_definition, patch_flow, check_flow]
dependencies = {"rooms": Provide(_rooms, sync_to_thread=False)}
