"""Starting runs: by hand, and for an event."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from sqlmodel import Session

from weft_engine.compiler.selection import select
from weft_engine.flow.model import Flow
from weft_engine.runs.run import RunRequest
from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.errors import Invalid
from weft_server.flows.access import may_run
from weft_server.ids import new_id
from weft_server.runs import repository
from weft_server.runs.again import Earlier
from weft_server.runs.called import CalledFlows, called_names
from weft_server.runs.definitions import Checked, Checker, Definitions
from weft_server.runs.engine_link import EngineLink
from weft_server.runs.fired import Fired, Recent, has_triggers, nothing_recent
from weft_server.runs.inputs import (
    require_fitting,
    require_parts,
)
from weft_server.runs.live import ENDED, LiveRun
from weft_server.runs.pins import with_pins
from weft_server.runs.requests import Surroundings, row_of
from weft_server.runs.schemas import StartRun, read_breakpoints

Reuse = dict[str, dict[str, Any]]


class Launcher:
    """Makes a run of what was asked for, stores it and sends it to the engine."""

    def __init__(
        self,
        database: Database,
        link: EngineLink,
        checker: Checker,
        definitions: Callable[[], Definitions],
        surroundings: Surroundings,
    ) -> None:
        self._database = database
        self._link = link
        self._checker = checker
        self._definitions = definitions
        self._surroundings = surroundings
        self.called = CalledFlows(database, definitions, checker)
        self.earlier = Earlier(database, link, checker, definitions, self.called, self._start)
        """Begins runs with what others did."""
        self.recent: Recent = nothing_recent
        """Gives runs by hand what trigger nodes had last; set by the triggers."""

    async def by_hand(self, principal: Principal, flow_id: str, asked: StartRun) -> LiveRun:
        """Start a run of the flow as it is now.

        Raises:
            Missing: 404 `flow.not_found`.
            Forbidden: 403, a viewer.
            Invalid: 422 `flow.invalid` with the problems, or inputs that do not fit.
        """
        flow, _left_out = await self._definitions().definition(flow_id)
        reuse = await self._reusable(flow_id, asked)
        try:
            require_fitting(flow, asked)
            require_parts(flow, self._checker.catalogue, asked)
            flow = with_pins(flow, asked.pins)
            checked = await self._checker.checked(flow)
            checked.require_valid(_taking_part(flow, asked, reuse))
        except Invalid:
            # Only those who may start it are told what is wrong with it.
            await self._database.query(partial(_admit, principal=principal, flow_id=flow_id))
            raise
        request = await self._request(principal, flow_id, checked, asked, reuse)
        if next(called_names(flow), None) is not None:
            workspace = await self._database.query(
                partial(_admit, principal=principal, flow_id=flow_id)
            )
            called = await self.called.of(flow, user_id=principal.user_id, workspace_id=workspace)
            request = msgspec.structs.replace(request, flows=called.flows, flow_ids=called.ids)
        if asked.only_changed:
            former = await self._database.query(partial(repository.newest_ended, flow_id=flow_id))
            request = msgspec.structs.replace(request, forked_from=former)
        if has_triggers(flow):
            given = {"node": None, "recent": dict(await self.recent(flow_id))}
            request = msgspec.structs.replace(request, trigger=given)
        if flow.mode == "streaming":
            request = await self._live(flow_id, flow, request)
        return await self._start(principal, flow_id, checked, request)

    async def _request(
        self,
        principal: Principal,
        flow_id: str,
        checked: Checked,
        asked: StartRun,
        reuse: Reuse,
    ) -> RunRequest:
        request = _asked(checked, asked, reuse)
        if not asked.breakpoints:
            return request
        # What is wrong with a breakpoint is told only to those who may start the flow.
        await self._database.query(partial(_admit, principal=principal, flow_id=flow_id))
        points = await read_breakpoints(asked.breakpoints)
        return msgspec.structs.replace(request, breakpoints=points)

    async def _live(self, flow_id: str, flow: Flow, request: RunRequest) -> RunRequest:
        """The request of a live run: it takes the place of the one before.

        Where there are triggers it goes on with the state of one that has ended, too: the events of
        the stream are read on from there.
        """
        found = await self._database.query(lambda session: repository.newest_live(session, flow_id))
        goes_on = found is not None and (has_triggers(flow) or found[1] not in ENDED)
        former = found[0] if found is not None and goes_on else None
        return msgspec.structs.replace(request, stream=flow_id, continues=former, trigger=None)

    async def for_event(self, fired: Fired) -> LiveRun:
        """Start a run of a frozen flow for an event.

        Raises:
            Invalid: 422 `flow.invalid`, as node types have changed since it was frozen.
        """
        checked = await self._checker.checked(fired.flow)
        checked.require_valid()
        request = msgspec.structs.replace(_asked(checked, StartRun(), {}), trigger=fired.trigger)
        called = await self.called.of(
            fired.flow, user_id=fired.armed_by, workspace_id=fired.workspace_id
        )
        request = msgspec.structs.replace(request, flows=called.flows, flow_ids=called.ids)
        row = row_of(
            request,
            flow_id=fired.flow_id,
            user_id=fired.armed_by,
            mode=checked.flow.mode,
            definition=checked.text,
        )
        run = LiveRun(row | {"workspace_id": fired.workspace_id}, fired.starter)

        def store(session: Session) -> int:
            number = repository.add(session, row | {"workspace_id": fired.workspace_id})
            fired.mark(session, run.id)
            return number

        await self._link.recorder.open(run, store)
        await self._link.send(run, self._surroundings.around(request, fired.workspace_id))
        return run

    async def _start(
        self, principal: Principal, flow_id: str, checked: Checked, request: RunRequest
    ) -> LiveRun:
        row = row_of(
            request,
            flow_id=flow_id,
            user_id=principal.user_id,
            mode=checked.flow.mode,
            definition=checked.text,
        )
        run = LiveRun(row, principal.name)

        def store(session: Session) -> int:
            """One transaction, one thread, one commit: somebody who may start it inserts it."""
            workspace = _admit(session, principal, flow_id)
            run.row["workspace_id"] = workspace
            return repository.add(session, row | {"workspace_id": workspace})

        await self._link.recorder.open(run, store)
        await self._link.send(run, self._surroundings.around(request, run.row["workspace_id"]))
        return run

    async def _reusable(self, flow_id: str, asked: StartRun) -> Reuse:
        """Outputs of earlier runs, for a run that starts in the middle."""
        if asked.from_node is None:
            return {}
        return await self._database.query(
            lambda session: repository.newest_outputs(session, flow_id)
        )


def _admit(session: Session, principal: Principal, flow_id: str) -> str:
    """The workspace of a flow that this person may run."""
    return may_run(session, principal, flow_id)


def _asked(checked: Checked, asked: StartRun, reuse: Reuse) -> RunRequest:
    return RunRequest(
        run_id=new_id("run"),
        flow=checked.plain,
        inputs=asked.inputs,
        env=asked.env or checked.plain.get("env") or "local",
        from_node=asked.from_node,
        to_node=asked.to_node,
        reuse=reuse,
        only_changed=asked.only_changed,
        priority=asked.priority,
        failure_policy=asked.failure_policy,
        parallelism=asked.parallelism,
        max_seconds=asked.max_seconds,
        pins=asked.pins,
        allow_dropped_state=asked.allow_dropped_state,
    )


def _taking_part(flow: Flow, asked: StartRun, reuse: Reuse) -> frozenset[str] | None:
    """The nodes whose problems matter; None stands for all."""
    if asked.from_node is None and asked.to_node is None:
        return None
    return select(
        flow,
        from_node=asked.from_node,
        to_node=asked.to_node,
        reusable=lambda node, ports: set(ports) <= set(reuse.get(node, ())),
    ).run
