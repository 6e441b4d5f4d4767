"""Runs of flows that are deleted: nobody could see or stop them any more, so they are stopped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from weft_server.events import ACCESS, Bus, Subscription
from weft_server.runs.service import Runs


@contextlib.asynccontextmanager
async def stopped_with_their_flows(runs: Runs, bus: Bus) -> AsyncIterator[None]:
    """Stop the runs of flows that are deleted while the context lasts."""
    with bus.subscribe(ACCESS) as changes:
        task = asyncio.create_task(_listen(runs, changes))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _listen(runs: Runs, changes: Subscription) -> None:
    async for change in changes:
        if change.get("user_id") is None and change.get("flow_id") is not None:
            await runs.stop_runs_of(change["flow_id"])
