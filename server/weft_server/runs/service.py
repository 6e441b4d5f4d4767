"""Starting, watching and ending runs."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlmodel import Session

from weft_engine.compiler.selection import select
from weft_engine.errors import Failure, WeftError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.events import RunEvent, now_text
from weft_engine.runs.run import RunRequest
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.database import Database, utc_now
from weft_server.errors import Conflict, Invalid, Malformed
from weft_server.events import Bus
from weft_server.flows.access import flow_access, may_run
from weft_server.ids import new_id
from weft_server.runs import interrupted, repository
from weft_server.runs.access import run_access
from weft_server.runs.definitions import Checked, Checker, Definitions
from weft_server.runs.fired import Fired, Recent, has_triggers, nothing_recent
from weft_server.runs.inputs import require_fitting
from weft_server.runs.journal import Journal
from weft_server.runs.live import LiveRun
from weft_server.runs.live_nodes import Row, json_text
from weft_server.runs.recorder import Recorder
from weft_server.runs.schemas import RunEventPage, RunInfo, RunPage, StartRun
from weft_server.runs.views import event_of_row, of_live, of_row

STORE_S: Final = 5.0
"""How long an end that is known may take to reach the disk before it is told all the same."""
STOP_S: Final = 3.0
"""How long runs get to end when the server stops."""

PRUNE_EVERY: Final = 16
"""Old runs are deleted some at a time: each deletion costs a fifth of a run."""

log = logging.getLogger(__name__)

_CURSOR: Final = re.compile(r"run_[0-9A-Z]{26}")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What runs need to know of the server they run on."""

    data: Path
    """Directory of the blobs and of the engine's socket."""
    files: Path
    """Directory with one folder of files for each workspace."""
    keep: int = 200
    """How many runs of a flow are kept."""
    allow_hosts: tuple[str, ...] = ()
    """Addresses that flows may call although they are not public."""


class Runs:
    """Everything that can be done with runs."""

    def __init__(
        self,
        settings: RunSettings,
        database: Database,
        bus: Bus,
        catalogue: Catalogue,
        definitions: Callable[[], Definitions],
    ) -> None:
        self._settings = settings
        self._database = database
        self._definitions = definitions
        self._checker = Checker(catalogue)
        self._journal = Journal(database)
        self._recorder = Recorder(self._journal, bus, abandon=self._abandon)
        self._engine = SupervisorClient(
            settings.data / "engine.sock", settings.data, on_events=self._heard
        )
        self._starting: asyncio.Task[bool] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._folders: dict[str, Path] = {}
        self.recent_events: Recent = nothing_recent
        """Gives runs by hand what trigger nodes had last; set by the triggers."""

    # Life

    async def start(self) -> None:
        """Put runs right that an earlier server left behind, and start the engine."""
        await self._database.run(interrupted.mark_all)
        self._starting = asyncio.create_task(self._start_engine())

    async def stop(self) -> None:
        """End the runs under way, the engine and the journal."""
        self._stopping = True
        left = self._recorder.running
        for run in left:
            await self._engine.cancel(run.id)
        if left:
            await asyncio.wait([run.ended for run in left], timeout=STOP_S)
        if self._starting is not None:
            # An engine that is nearly there ends at once when told; one cut off in its start does
            # not listen yet, and takes seconds to end.
            await asyncio.wait([self._starting], timeout=STOP_S)
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._engine.stop()
        await self._journal.close()

    # What people do

    async def launch(self, principal: Principal, flow_id: str, asked: StartRun) -> LiveRun:
        """Start a run of the flow as it is now.

        Raises:
            Missing: 404 `flow.not_found`.
            Forbidden: 403, a viewer.
            Invalid: 422 `flow.invalid` with the problems, or inputs that do not fit.
        """
        flow, _left_out = await self._definitions().definition(flow_id)
        reuse = await self._reusable(flow_id, asked)
        try:
            checked = await self._checker.checked(flow)
            checked.require_valid(_taking_part(flow, asked, reuse))
        except Invalid:
            # Only those who may start it are told what is wrong with it.
            await self._database.query(partial(_admit, principal=principal, flow_id=flow_id))
            raise
        run = LiveRun(_new_row(principal.user_id, flow_id, checked, asked), principal.name)
        await self._recorder.open(run, partial(_store, run=run, principal=principal))
        run.ended.add_done_callback(lambda _: self._prune(run))
        request = self._request(run, checked, asked, reuse)
        if has_triggers(flow):
            given = {"node": None, "recent": dict(await self.recent_events(flow_id))}
            request = msgspec.structs.replace(request, trigger=given)
        await self._send(run, request)
        return run

    async def fire(self, fired: Fired) -> LiveRun:
        """Start a run of a frozen flow for an event.

        Raises:
            Invalid: 422 `flow.invalid`, as node types have changed since it was frozen.
        """
        asked = StartRun()
        checked = await self._checker.checked(fired.flow)
        checked.require_valid()
        row = _new_row(fired.armed_by, fired.flow_id, checked, asked)
        run = LiveRun(row | {"workspace_id": fired.workspace_id}, fired.starter)

        def store(session: Session) -> int:
            number = repository.add(session, run.row)
            fired.mark(session, run.id)
            return number

        await self._recorder.open(run, store)
        run.ended.add_done_callback(lambda _: self._prune(run))
        request = self._request(run, checked, asked, {})
        await self._send(run, msgspec.structs.replace(request, trigger=fired.trigger))
        return run

    async def cancel(self, principal: Principal, run_id: str) -> RunInfo:
        """Ask a run to stop; asking twice does no harm.

        Raises:
            Conflict: 409 `run.not_active`, it has ended.
        """
        access = await self._database.query(
            lambda session: run_access(session, principal, run_id, Role.EDITOR)
        )
        run = self._recorder.get(run_id)
        if run is None or run.over:
            raise Conflict(
                f"The run has ended already: {run.state if run else access.row.state}.",
                code="run.not_active",
                hint="Nothing needs to be done.",
                params={"id": run_id, "state": run.state if run else access.row.state},
            )
        run.cancel_asked = True
        await self._engine.cancel(run_id)
        return of_live(run)

    async def stop_runs_of(self, flow_id: str) -> None:
        """Ask all runs of a flow to stop, as it is gone."""
        for run in self._recorder.running:
            if run.row["flow_id"] == flow_id:
                run.cancel_asked = True
                await self._engine.cancel(run.id)

    async def can_run(self) -> bool:
        """Whether the engine takes runs."""
        return self._engine.alive

    async def info(self, principal: Principal, run_id: str) -> RunInfo:
        """A run as it is now."""

        # Read from disk even while it runs: nobody sees an end that a crash could take back.
        def read(session: Session) -> RunInfo:
            stored = run_access(session, principal, run_id)
            info = of_row(stored, repository.nodes(session, run_id))
            return info.model_copy(update={"last_seq": repository.last_seq(session, run_id)})

        return await self._database.query(read)

    async def wait(self, run: LiveRun, seconds: float) -> RunInfo:
        """The run once its end is on disk, or as it is after so many seconds."""
        if seconds > 0 and not run.ended.done():
            await asyncio.wait([run.ended], timeout=seconds)
        if run.over and not run.ended.done():
            await asyncio.wait([run.ended], timeout=STORE_S)
        return of_live(run)

    async def page(
        self,
        principal: Principal,
        *,
        flow_id: str | None,
        state: str | None,
        limit: int,
        cursor: str | None,
    ) -> RunPage:
        """Runs of the flows this person may see, newest first."""
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise Malformed(
                "The cursor does not come from this list.",
                code="request.bad_cursor",
                hint="Start again without a cursor.",
            )

        def read(session: Session) -> list[RunInfo]:
            if flow_id is not None:
                flow_access(session, principal, flow_id)
            found = repository.page(
                session,
                principal.user_id,
                flow_id=flow_id,
                state=state,
                before=cursor,
                limit=limit + 1,
            )
            return [of_row(stored) for stored in found]

        found = await self._database.query(read)
        items = found[:limit]
        return RunPage(items=items, next_cursor=items[-1].id if len(found) > limit else None)

    async def events(
        self, principal: Principal, run_id: str, *, after: int, limit: int
    ) -> RunEventPage:
        """Stored events of a run behind a number."""

        def read(session: Session) -> list[dict[str, Any]]:
            run_access(session, principal, run_id)
            rows = repository.events(session, run_id, after=after, limit=limit)
            return [event_of_row(row) for row in rows]

        items = await self._database.query(read)
        return RunEventPage(
            items=items, next_after=items[-1]["seq"] if len(items) == limit else None
        )

    # Between the server and the engine

    async def _send(self, run: LiveRun, request: RunRequest) -> None:
        try:
            await self._started()
            await self._engine.submit(request)
        except WeftError as error:
            self._fail(run, error)
            return
        if run.cancel_asked:
            await self._engine.cancel(run.id)

    async def _started(self) -> None:
        """Wait for the engine's first start; try again when it failed."""
        if self._starting is None or (self._starting.done() and not self._starting.result()):
            self._starting = asyncio.create_task(self._start_engine())
        if not self._starting.done():
            await asyncio.shield(self._starting)

    async def _start_engine(self) -> bool:
        try:
            await self._engine.start()
        except WeftError as error:
            log.warning("the engine does not start: %s", error.__cause__ or error)
            return False
        return True

    def _fail(self, run: LiveRun, error: WeftError) -> None:
        data = {"failure": Failure.of(error).model_dump(mode="json")}
        event = RunEvent(seq=run.seq + 1, at=now_text(), type="run_failed", run=run.id, data=data)
        self._recorder.take([event])

    def _heard(self, events: Sequence[RunEvent]) -> None:
        if self._stopping:
            events = [self._as_interrupted(event) for event in events]
        self._recorder.take(events)

    def _as_interrupted(self, event: RunEvent) -> RunEvent:
        """What the server's own end cancelled, nobody asked to cancel."""
        run = self._recorder.get(event.run)
        if event.type != "run_cancelled" or run is None or run.cancel_asked:
            return event
        why = interrupted.failure("The server was stopped while the run was in progress.")
        return msgspec.structs.replace(
            event, type="run_failed", data={**event.data, "failure": why}
        )

    def _prune(self, run: LiveRun) -> None:
        # The blobs of deleted runs stay behind: other runs may point to the same content.
        number, keep = run.row["number"], self._settings.keep
        if number > keep and number % min(PRUNE_EVERY, keep) == 0 and not self._stopping:
            self._journal.later(partial(repository.prune, flow_id=run.row["flow_id"], keep=keep))

    def _abandon(self, run_id: str) -> None:
        task = asyncio.create_task(self._engine.cancel(run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reusable(self, flow_id: str, asked: StartRun) -> dict[str, dict[str, Any]]:
        """Outputs of earlier runs, for a run that starts in the middle."""
        if asked.from_node is None:
            return {}
        return await self._database.query(
            lambda session: repository.newest_outputs(session, flow_id)
        )

    def _request(
        self, run: LiveRun, checked: Checked, asked: StartRun, reuse: dict[str, dict[str, Any]]
    ) -> RunRequest:
        workspace = run.row["workspace_id"]
        return RunRequest(
            run_id=run.id,
            flow=checked.plain,
            inputs=asked.inputs,
            env=asked.env,
            from_node=asked.from_node,
            to_node=asked.to_node,
            reuse=reuse,
            files_root=self._files(workspace),
            confined=True,
            allow_hosts=self._settings.allow_hosts,
            tenant=workspace,
        )

    def _files(self, workspace_id: str) -> str:
        folder = self._folders.get(workspace_id)
        if folder is None or not folder.is_dir():
            folder = self._folders[workspace_id] = (self._settings.files / workspace_id).absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(folder)


def _admit(session: Session, principal: Principal, flow_id: str) -> str:
    """The workspace of a flow that this person may run."""
    return may_run(session, principal, flow_id)


def _store(session: Session, run: LiveRun, principal: Principal) -> int:
    """Insert a run of somebody who may start it: one transaction, one thread, one commit."""
    run.row["workspace_id"] = _admit(session, principal, run.row["flow_id"])
    return repository.add(session, run.row)


def _taking_part(
    flow: Flow, asked: StartRun, reuse: dict[str, dict[str, Any]]
) -> frozenset[str] | None:
    """The nodes whose problems matter; None stands for all."""
    require_fitting(flow, asked)
    if asked.from_node is None and asked.to_node is None:
        return None
    return select(
        flow,
        from_node=asked.from_node,
        to_node=asked.to_node,
        reusable=lambda node, ports: set(ports) <= set(reuse.get(node, ())),
    ).run


def _new_row(user_id: str | None, flow_id: str, checked: Checked, asked: StartRun) -> Row:
    return {
        "id": new_id("run"),
        "flow_id": flow_id,
        "state": "ready",
        "inputs": json_text(asked.inputs),
        "env": asked.env,
        "from_node": asked.from_node,
        "to_node": asked.to_node,
        "started_by": user_id,
        "created_at": utc_now(),
        "started_at": None,
        "ended_at": None,
        "duration_ms": None,
        "failure": None,
        "counts": None,
        "last_seq": 0,
        "definition": checked.text,
        "mode": checked.flow.mode,
    }
