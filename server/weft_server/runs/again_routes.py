"""Routes of runs that begin with what others did."""

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from weft_server.accounts.principal import Principal
from weft_server.runs.again_schemas import AgainPlan, FlowChoice
from weft_server.runs.schemas import ForkRun, RetryRun, RunInfo
from weft_server.runs.service import Runs
from weft_server.runs.views import of_survey


@get("/api/runs/{run_id:str}/definition", operation_id="getRunDefinition", tags=["runs"])
async def get_run_definition(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> dict[str, Any]:
    """The flow as it was when the run began, as a flow file."""
    return await runs.read.definition(principal, run_id)


@post("/api/runs/{run_id:str}/fork", operation_id="forkRun", tags=["runs"], status_code=202)
async def fork_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[ForkRun],
) -> RunInfo:
    """Run an ended run again from one node on, with other inputs where these are given."""
    return await runs.fork(principal, run_id, data)


@post("/api/runs/{run_id:str}/fork/plan", operation_id="planFork", tags=["runs"], status_code=200)
async def plan_fork(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[ForkRun],
) -> AgainPlan:
    """What a fork would take over, and what it would do again; nothing is run."""
    return of_survey(await runs.earlier.survey_fork(principal, run_id, data))


@post("/api/runs/{run_id:str}/retry", operation_id="retryRun", tags=["runs"], status_code=202)
async def retry_run(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    data: JSONBody[RetryRun | None] = None,
) -> RunInfo:
    """Run again what failed, with everything that was completed.

    Of the flow as it is now (`current`), what has changed since runs again, too, and whatever
    depends on it.
    """
    return await runs.retry(principal, run_id, (data or RetryRun()).flow)


@get("/api/runs/{run_id:str}/retry", operation_id="planRetry", tags=["runs"])
async def plan_retry(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
    flow: FromQuery[FlowChoice] = "as_it_was",
) -> AgainPlan:
    """What another attempt would take over, and what it would do again; nothing is run."""
    return of_survey(await runs.earlier.survey_retry(principal, run_id, flow))


route_handlers: list[Any] = [get_run_definition, fork_run, plan_fork, retry_run, plan_retry]
