"""Live runs of armed flows in streaming mode: what happens becomes a record of them."""

from typing import Any

from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.runs.schemas import StartRun
from weft_server.runs.service import Runs
from weft_server.triggers.delivery import Mark
from weft_server.triggers.tables import ArmedFlow


class Streams:
    """The `LiveStreams` of this server."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs

    async def append(self, armed: ArmedFlow, trigger: dict[str, Any], mark: Mark) -> None:
        """Append an event to the log of a flow, then note that it was.

        Who is killed in between does it again; the log knows the event by its id.
        """
        await self._runs.append(armed.flow_id, [trigger])
        await self._database.run(mark)

    async def begin(self, principal: Principal, flow_id: str) -> None:
        """Start the live run of a flow that was just armed; it takes over from the one before."""
        await self._runs.launch(principal, flow_id, StartRun())

    async def end(self, flow_id: str) -> None:
        """Stop it; what it has kept is there for the next."""
        await self._runs.stop_runs_of(flow_id)
