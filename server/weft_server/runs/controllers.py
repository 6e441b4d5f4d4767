"""Routes of runs."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from weft_server.accounts.principal import Principal
from weft_server.runs.again_routes import route_handlers as again_routes
from weft_server.runs.data import NodeData, Page
from weft_server.runs.schemas import (
    ActivationPage,
    EditValue,
    NodeRunData,
    NodeState,
    RunEventPage,
    RunInfo,
    RunPage,
    RunState,
    SendSignal,
    SetBreakpoints,
    Side,
    SignalTaken,
    StartRun,
    StepRun,
)
from weft_server.runs.service import Runs
from weft_server.runs.wanted import Wanted

LONGEST_WAIT_S = 300
PAGE = 50
LARGEST_PAGE = 200
LARGEST_ACTIVATIONS_PAGE = 1_000
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
    started_by: Annotated[str | None, QueryParameter(max_length=40)] = None,
    begin: Annotated[datetime | None, QueryParameter(name="from")] = None,
    end: Annotated[datetime | None, QueryParameter(name="to")] = None,
    trigger: Annotated[str | None, QueryParameter(max_length=200)] = None,
    parent: Annotated[str | None, QueryParameter(max_length=40)] = None,
    q: Annotated[str | None, QueryParameter(max_length=200)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
) -> RunPage:
    """Runs of the flows one may see, newest first.

    `started_by` is a user's id or `me`; `from` and `to` are when the run was created; `trigger` is
    a trigger node, or `any`, or `none` for runs that people started; `q` looks for words in the
    flow's name, the run's number and its failure. Runs that another run called are listed with
    `parent`, that run, only; in the order of the calls.
    """
    wanted = Wanted(
        flow_id=flow,
        state=run_state,
        started_by=principal.user_id if started_by == "me" else started_by,
        begin=_in_utc(begin),
        end=_in_utc(end),
        trigger=trigger,
        text=q,
        before=cursor,
        parent=parent,
    )
    return await runs.read.page(principal, wanted, limit)


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


@get("/api/runs/{run_id:str}", operation_id="getRun", tags=["runs"])
async def get_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """A run as it is now, with its nodes."""
    return await runs.read.info(principal, run_id)


@get("/api/runs/{run_id:str}/children", operation_id="listCalledRuns", tags=["runs"])
async def list_children(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    node: Annotated[str | None, QueryParameter(max_length=200)] = None,
    in_scope: Annotated[str | None, QueryParameter(name="scope", max_length=400)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
) -> RunPage:
    """The runs that a run called and whose flows one may see, in the order of the calls.

    `node` is the path of a node that calls; with it, `scope` names one of its activations.
    """
    wanted = Wanted(parent=run_id, node=node, scope=in_scope, before=cursor)
    return await runs.read.page(principal, wanted, limit)


@post("/api/runs/{run_id:str}/cancel", operation_id="cancelRun", tags=["runs"], status_code=202)
async def cancel_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """Ask a run to stop; it ends a moment later."""
    return await runs.tell.cancel(principal, run_id)


@post("/api/runs/{run_id:str}/pause", operation_id="pauseRun", tags=["runs"], status_code=202)
async def pause_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """Start nothing more; what is under way goes on to its end."""
    return await runs.tell.pause(principal, run_id)


@post("/api/runs/{run_id:str}/resume", operation_id="resumeRun", tags=["runs"], status_code=202)
async def resume_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunInfo:
    """Go on after a pause, and from all breakpoints."""
    return await runs.tell.resume(principal, run_id)


@post("/api/runs/{run_id:str}/step", operation_id="stepRun", tags=["runs"], status_code=202)
async def step_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[StepRun | None] = None,
) -> RunInfo:
    """Let a stopped activation happen, and stop again: after it, inside it, or outside."""
    return await runs.tell.step(principal, run_id, data or StepRun())


@put("/api/runs/{run_id:str}/breakpoints", operation_id="setBreakpoints", tags=["runs"])
async def set_breakpoints(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[SetBreakpoints],
) -> RunInfo:
    """Say where a run is to stop; this takes the place of what was said before."""
    return await runs.tell.set_breakpoints(principal, run_id, data)


@post("/api/runs/{run_id:str}/edit", operation_id="editValue", tags=["runs"], status_code=202)
async def edit_value(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[EditValue],
) -> RunInfo:
    """Put another value in the place of what a stopped activation holds."""
    return await runs.tell.edit(principal, run_id, data)


@post("/api/runs/{run_id:str}/signals", operation_id="sendSignal", tags=["runs"], status_code=202)
async def send_signal(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[SendSignal],
) -> SignalTaken:
    """Send a signal, or the answer to an approval; the same id twice counts once."""
    return await runs.tell.signal(principal, run_id, data)


@get("/api/runs/{run_id:str}/activations", operation_id="listActivations", tags=["runs"])
async def list_activations(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    node: Annotated[str | None, QueryParameter(max_length=200)] = None,
    node_state: Annotated[NodeState | None, QueryParameter(name="state")] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_ACTIVATIONS_PAGE)] = PAGE,
) -> ActivationPage:
    """Every time a node ran: once outside loops, once for each iteration within."""
    return await runs.read.activations(
        principal, run_id, node=node, state=node_state, cursor=cursor, limit=limit
    )


@get("/api/runs/{run_id:str}/events", operation_id="listRunEvents", tags=["runs"])
async def list_events(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    after: Annotated[int, QueryParameter(ge=0, le=LARGEST_NUMBER)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
) -> RunEventPage:
    """Events of a run behind a number, in order."""
    return await runs.read.events(principal, run_id, after=after, limit=limit)


@get("/api/runs/{run_id:str}/nodes/{node:path}", operation_id="getRunNode", tags=["runs"])
async def get_node(
    run_id: FromPath[str],
    node: FromPath[str],
    principal: NamedDependency[Principal],
    node_data: NamedDependency[NodeData],
    port: Annotated[str | None, QueryParameter(max_length=64)] = None,
    side: FromQuery[Side | None] = None,
    in_scope: Annotated[str | None, QueryParameter(name="scope", max_length=400)] = None,
    offset: Annotated[int, QueryParameter(ge=0, le=LARGEST_NUMBER)] = 0,
    limit: Annotated[int, QueryParameter(ge=0, le=LARGEST_RECORDS_PAGE)] = RECORDS_PAGE,
) -> NodeRunData:
    """What became of a node: times, logs, and pages of what it was given and gave.

    `node` is its path, such as `loop/fetch`; `scope` names one activation of a node in a loop, the
    newest is shown without it.
    """
    page = Page(port=port, side=side, offset=offset, limit=limit)
    return await node_data.read(principal, run_id, node.strip("/"), in_scope, page)


dependencies = {
    "runs": Provide(_runs, sync_to_thread=False),
    "node_data": Provide(_node_data, sync_to_thread=False),
}
route_handlers: list[Any] = [
    start_run,
    list_runs,
    get_run,
    list_children,
    cancel_run,
    pause_run,
    resume_run,
    step_run,
    set_breakpoints,
    edit_value,
    send_signal,
    *again_routes,
    list_activations,
    list_events,
    get_node,
]
