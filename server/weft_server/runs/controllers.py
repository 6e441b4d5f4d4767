"""Routes of runs."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from weft_server.accounts.principal import Principal
from weft_server.runs.data import NodeData
from weft_server.runs.schemas import (
    NodeRunData,
    RunEventPage,
    RunInfo,
    RunPage,
    RunState,
    Side,
    StartRun,
)
from weft_server.runs.service import Runs

LONGEST_WAIT_S = 300
PAGE = 50
LARGEST_PAGE = 200
EVENTS_PAGE = 1_000
RECORDS_PAGE = 100
LARGEST_RECORDS_PAGE = 1_000
LARGEST_NUMBER = 2**53


def _runs(state: State) -> Runs:
    runs: Runs = state.runs
    return runs


def _node_data(state: State) -> NodeData:
    data: NodeData = state.node_data
    return data


@post(
    "/api/flows/{flow_id:str}/runs",
    operation_id="startRun",
    tags=["runs"],
    status_code=202,
)
async def start_run(
    flow_id: FromPath[str],
    # Not the principal: to inject two things, Litestar starts a task for each.
    request: Request[Principal, Any, Any],
    runs: NamedDependency[Runs],
    data: JSONBody[StartRun | None] = None,
    wait: Annotated[float, QueryParameter(ge=0, le=LONGEST_WAIT_S)] = 0,
) -> RunInfo:
    """Run a flow as it is now; `wait` answers when it has ended, or after so many seconds."""
    run = await runs.launch(request.user, flow_id, data or StartRun())
    return await runs.wait(run, wait)


@get("/api/runs", operation_id="listRuns", tags=["runs"])
async def list_runs(
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    flow: FromQuery[str | None] = None,
    run_state: Annotated[RunState | None, QueryParameter(name="state")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
) -> RunPage:
    """Runs of the flows one may see, newest first."""
    return await runs.page(principal, flow_id=flow, state=run_state, limit=limit, cursor=cursor)


@get("/api/runs/{run_id:str}", operation_id="getRun", tags=["runs"])
async def get_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """A run as it is now, with its nodes."""
    return await runs.info(principal, run_id)


@post("/api/runs/{run_id:str}/cancel", operation_id="cancelRun", tags=["runs"], status_code=202)
async def cancel_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """Ask a run to stop; it ends a moment later."""
    return await runs.cancel(principal, run_id)


@get("/api/runs/{run_id:str}/events", operation_id="listRunEvents", tags=["runs"])
async def list_events(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    after: Annotated[int, QueryParameter(ge=0, le=LARGEST_NUMBER)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
) -> RunEventPage:
    """Events of a run behind a number, in order."""
    return await runs.events(principal, run_id, after=after, limit=limit)


@get("/api/runs/{run_id:str}/nodes/{node:str}", operation_id="getRunNode", tags=["runs"])
async def get_node(
    run_id: FromPath[str],
    node: FromPath[str],
    principal: NamedDependency[Principal],
    node_data: NamedDependency[NodeData],
    port: Annotated[str | None, QueryParameter(max_length=64)] = None,
    side: FromQuery[Side | None] = None,
    offset: Annotated[int, QueryParameter(ge=0, le=LARGEST_NUMBER)] = 0,
    limit: Annotated[int, QueryParameter(ge=0, le=LARGEST_RECORDS_PAGE)] = RECORDS_PAGE,
) -> NodeRunData:
    """What became of a node: times, logs, and pages of what it was given and gave."""
    return await node_data.read(
        principal, run_id, node, port=port, side=side, offset=offset, limit=limit
    )


dependencies = {
    "runs": Provide(_runs, sync_to_thread=False),
    "node_data": Provide(_node_data, sync_to_thread=False),
}
route_handlers: list[Any] = [
    start_run,
    list_runs,
    get_run,
    cancel_run,
    list_events,
    get_node,
]
