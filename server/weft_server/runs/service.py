"""Everything that can be done with runs, put together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.survey import Survey
from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.events import Bus
from weft_server.runs import unfinished
from weft_server.runs.again_schemas import FlowChoice
from weft_server.runs.commands import Commands
from weft_server.runs.definitions import Checker, Definitions
from weft_server.runs.engine_link import EngineLink
from weft_server.runs.fired import Fired, Recent
from weft_server.runs.journal import Journal
from weft_server.runs.launch import Launcher
from weft_server.runs.live import LiveRun
from weft_server.runs.live_reading import LiveReader
from weft_server.runs.reading import RunReader
from weft_server.runs.requests import Surroundings
from weft_server.runs.retention import Retention
from weft_server.runs.schemas import ForkRun, RunInfo, StartRun
from weft_server.runs.views import of_live, of_survey

STORE_S: Final = 5.0
"""How long an end that is known may take to reach the disk before it is told all the same."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What runs need to know of the server they run on."""

    data: Path
    """Directory of the blobs and of the engine's socket."""
    files: Path
    """Directory with one folder of files for each workspace."""
    keep: int = 200
    """How many runs of a flow are kept."""
    keep_days: float | None = None
    """For how long ended runs are kept; for ever when empty."""
    allow_hosts: tuple[str, ...] = ()
    """Addresses that flows may call although they are not public."""
    workers: int | None = None
    """How many runs may be under way at once; the engine's default when empty."""
    per_workspace: int | None = None
    """How many of them may be of one workspace."""
    journal: str | None = None
    """Path or PostgreSQL address of the engine's journal; in the data directory when empty."""


class Runs:
    """Starting runs, and those that have not ended; `tell`, `read` and `earlier` do the rest."""

    def __init__(
        self,
        settings: RunSettings,
        database: Database,
        bus: Bus,
        catalogue: Catalogue,
        definitions: Callable[[], Definitions],
    ) -> None:
        self._database = database
        self._journal = Journal(database)
        client = SupervisorClient(
            settings.data / "engine.sock",
            settings.data,
            on_events=lambda events: None,
            workers=settings.workers,
            per_tenant=settings.per_workspace,
            journal=settings.journal,
        )
        self._link = EngineLink(client, self._journal, bus)
        self._retention = Retention(
            self._journal,
            client,
            database,
            settings.data,
            keep=settings.keep,
            keep_days=settings.keep_days,
        )
        self._surroundings = Surroundings(settings.files, settings.allow_hosts)
        self._launcher = Launcher(
            database,
            self._link,
            Checker(catalogue),
            definitions,
            self._surroundings,
        )
        self.earlier = self._launcher.earlier
        self.call_problems = self._launcher.called.problems
        """What is wrong with the calls of a flow that is being edited."""
        self.tell = Commands(database, self._link)
        self.read = RunReader(database)
        self._recorder = self._link.recorder
        self.live = LiveReader(database, self._recorder.get)

    @property
    def recent_events(self) -> Recent:
        """Gives runs by hand what trigger nodes had last; set by the triggers."""
        return self._launcher.recent

    @recent_events.setter
    def recent_events(self, recent: Recent) -> None:
        self._launcher.recent = recent

    async def start(self) -> None:
        """Start the engine, and go on with what an earlier server left."""
        lefts, below = await self._database.query(unfinished.load)
        for left in lefts:
            run = left.live()
            if run.parent is not None:
                self._recorder.follow(run)  # the engine goes on with it as a part of the other
                continue
            self._kept_for_now(run)
            request = left.request()
            if request is not None:
                request = self._surroundings.around(request, left.row["workspace_id"])
            self._link.resume(run, left.commands(), request)
        for parent, called in below:
            self._recorder.know_called(parent, called)
        self._recorder.cut_off()
        self._link.start()
        self._retention.start()

    async def stop(self) -> None:
        """End the engine and the journal; runs go on with the next server."""
        await self._retention.stop()
        await self._link.stop()
        await self._journal.close()

    async def launch(self, principal: Principal, flow_id: str, asked: StartRun) -> LiveRun:
        """Start a run of the flow as it is now; see `Launcher.by_hand`."""
        return self._kept_for_now(await self._launcher.by_hand(principal, flow_id, asked))

    async def fire(self, fired: Fired) -> LiveRun:
        """Start a run of a frozen flow for an event; see `Launcher.for_event`."""
        return self._kept_for_now(await self._launcher.for_event(fired))

    async def fork(self, principal: Principal, run_id: str, asked: ForkRun) -> RunInfo:
        """Begin a run with what another one did before a node; see `Earlier.fork`."""
        run, survey = await self.earlier.fork(principal, run_id, asked)
        return _with_plan(self._kept_for_now(run), survey)

    async def retry(self, principal: Principal, run_id: str, flow: FlowChoice) -> RunInfo:
        """Run again what failed, with all that was completed; see `Earlier.retry`."""
        run, survey = await self.earlier.retry(principal, run_id, flow)
        return _with_plan(self._kept_for_now(run), survey)

    async def append(self, flow_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Give events to the live run of a flow, or to the next one; on disk when this returns.

        Raises:
            WeftError: they may not be; those that are, are not written twice.
        """
        await self._link.append(flow_id, events)

    async def stop_runs_of(self, flow_id: str) -> None:
        """Ask all runs of a flow to stop, as it is gone."""
        for run in self._recorder.running:
            if run.row["flow_id"] == flow_id and run.parent is None:
                await self._link.cancel(run)

    async def can_run(self) -> bool:
        """Whether the engine takes runs."""
        return self._link.alive

    async def wait(self, run: LiveRun, seconds: float) -> RunInfo:
        """The run once its end is on disk, or as it is after so many seconds."""
        if seconds > 0 and not run.ended.done():
            await asyncio.wait([run.ended], timeout=seconds)
        if run.over and not run.ended.done():
            await asyncio.wait([run.ended], timeout=STORE_S)
        return of_live(run)

    def _kept_for_now(self, run: LiveRun) -> LiveRun:
        run.ended.add_done_callback(lambda _: self._retention.ended(run))
        return run


def _with_plan(run: LiveRun, survey: Survey) -> RunInfo:
    return of_live(run).model_copy(update={"taking_over": of_survey(survey)})
