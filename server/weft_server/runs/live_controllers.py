"""Routes of runs that live."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from weft_server.accounts.principal import Principal
from weft_server.runs.live_schemas import LiveInfo, RunCheckpoints
from weft_server.runs.service import Runs


@get("/api/runs/{run_id:str}/checkpoints", operation_id="listCheckpoints", tags=["runs"])
async def list_checkpoints(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> RunCheckpoints:
    """Checkpoints of a run in streaming mode, those that failed, and how often it began again."""
    return await runs.live.checkpoints(principal, run_id)


@get("/api/runs/{run_id:str}/live", operation_id="getLive", tags=["runs"])
async def get_live(
    run_id: FromPath[str],
    principal: NamedDependency[Principal],
    runs: NamedDependency[Runs],
) -> LiveInfo:
    """How the nodes of a run in streaming mode do now: rates, how busy they are, how far behind."""
    return await runs.live.now(principal, run_id)


route_handlers: list[Any] = [list_checkpoints, get_live]
