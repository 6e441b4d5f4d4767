"""Runs out of earlier ones: another attempt, or a fork, of the flow as it was or as it is now."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlmodel import Session

from weft_engine.flow.model import Flow
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Survey
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.database import Database
from weft_server.errors import Conflict, register
from weft_server.flows.access import may_run
from weft_server.ids import new_id
from weft_server.runs import repository
from weft_server.runs.access import run_access
from weft_server.runs.again_schemas import FlowChoice
from weft_server.runs.called import CalledFlows
from weft_server.runs.called_runs import is_called
from weft_server.runs.definitions import Checked, Checker, Definitions
from weft_server.runs.engine_link import EngineLink
from weft_server.runs.inputs import require_fitting, require_node, require_overrides, require_parts
from weft_server.runs.live import ENDED, LiveRun
from weft_server.runs.pins import still_there, with_pins
from weft_server.runs.requests import request_of
from weft_server.runs.schemas import ForkRun, StartRun, read_breakpoints
from weft_server.runs.tables import RunRow

register(
    {
        "run.still_active": "The run has not ended yet.",
        "run.not_failed": "The run did not fail, so there is nothing to try again.",
        "run.live_went_on": "A live run cannot be tried again, as a later one took its place.",
        "run.live_not_forked": "A live run cannot begin at one of its nodes.",
        "run.other_mode": "The flow is in another mode than when it ran.",
    }
)
_NO_FORK: Final = "Wait until it has ended, or cancel it."

Begin = Callable[[Principal, str, Checked, RunRequest], Awaitable[LiveRun]]
"""Stores a run and sends it to the engine."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    flow_id: str
    checked: Checked
    request: RunRequest


@dataclass(frozen=True, slots=True)
class Earlier:
    """Begins runs with what others did."""

    database: Database
    link: EngineLink
    checker: Checker
    definitions: Callable[[], Definitions]
    called: CalledFlows
    begin: Begin

    async def fork(
        self, principal: Principal, run_id: str, asked: ForkRun
    ) -> tuple[LiveRun, Survey]:
        """Begin a run with what another one did before a node.

        Raises:
            Missing: 404 `run.not_found`.
            Forbidden: 403, a viewer.
            Conflict: 409 `run.still_active`, or `run.is_called`.
            Invalid: 422 `run.unknown_node`, `flow.invalid`, or inputs that do not fit.
        """
        return await self._go(principal, await self._fork(principal, run_id, asked))

    async def survey_fork(self, principal: Principal, run_id: str, asked: ForkRun) -> Survey:
        """What a fork would take over, and what it would do again. Raises as `fork`."""
        wanted = await self._fork(principal, run_id, asked)
        return await self.link.survey(wanted.request)

    async def retry(
        self, principal: Principal, run_id: str, flow: FlowChoice
    ) -> tuple[LiveRun, Survey]:
        """Begin a run with everything that another one completed; what failed runs again.

        Raises:
            Missing: 404 `run.not_found`.
            Forbidden: 403, a viewer.
            Conflict: 409 `run.still_active`, `run.not_failed`, `run.is_called`,
                `run.live_went_on`, or `run.other_mode`.
            Invalid: 422 `flow.invalid`, or inputs that do not fit the flow as it is now.
        """
        return await self._go(principal, await self._retry(principal, run_id, flow))

    async def survey_retry(self, principal: Principal, run_id: str, flow: FlowChoice) -> Survey:
        """What another attempt would take over, and what it would do again. Raises as `retry`."""
        wanted = await self._retry(principal, run_id, flow)
        return await self.link.survey(wanted.request)

    async def _go(self, principal: Principal, wanted: _Wanted) -> tuple[LiveRun, Survey]:
        """Start it; what it takes over stays as it is, as that run has ended."""
        survey = await self.link.survey(wanted.request)
        run = await self.begin(principal, wanted.flow_id, wanted.checked, wanted.request)
        return run, survey

    async def _fork(self, principal: Principal, run_id: str, asked: ForkRun) -> _Wanted:
        former = await self._former(principal, run_id)
        if former.mode == "streaming":
            raise Conflict(
                "A live run cannot begin at one of its nodes: its records come from its sources.",
                code="run.live_not_forked",
                hint="Try it again, or start the flow; it goes on from the last checkpoint.",
                params={"id": run_id},
            )
        reuse = await self.database.query(lambda session: repository.outputs_of(session, run_id))
        wanted = await self._of(principal, former, asked.flow)
        flow, catalogue = wanted.checked.flow, self.checker.catalogue
        require_node(flow, catalogue, "from_node", asked.from_node)
        require_overrides(flow, catalogue, asked.overrides)
        request = msgspec.structs.replace(
            wanted.request,
            from_node=asked.from_node,
            to_node=None,
            retry=False,
            identity="",
            overrides=asked.overrides,
            reuse=reuse,
            breakpoints=await read_breakpoints(asked.breakpoints),
        )
        return _Wanted(wanted.flow_id, wanted.checked, request)

    async def _retry(self, principal: Principal, run_id: str, flow: FlowChoice) -> _Wanted:
        former = await self._former(principal, run_id)
        if former.state == "completed":
            raise Conflict(
                "The run completed; there is nothing to try again.",
                code="run.not_failed",
                hint="Start a new run, or go on from one of its nodes.",
                params={"id": run_id},
            )
        wanted = await self._of(principal, former, flow)
        request = msgspec.structs.replace(wanted.request, retry=True)
        if former.mode == "streaming":
            request = await self._going_on(former, request)
        if flow == "as_it_was":
            # Effects that were begun have the same keys, so that services know them again.
            request = msgspec.structs.replace(request, identity=request.identity or run_id)
        return _Wanted(wanted.flow_id, wanted.checked, request)

    async def _going_on(self, former: RunRow, request: RunRequest) -> RunRequest:
        """A live run takes the place of the one before it, with the state of its last checkpoint.

        Where a later one has done so it would take events from that one.
        """
        newest = await self.database.query(
            lambda session: repository.newest_live(session, former.flow_id)
        )
        if newest is not None and newest[0] != former.id:
            raise Conflict(
                "A later live run of the flow has taken the place of this one.",
                code="run.live_went_on",
                hint="Start the flow; it goes on from where the later run is.",
                params={"id": former.id, "by": newest[0]},
            )
        return msgspec.structs.replace(
            request, stream=former.flow_id, continues=former.id, trigger=None
        )

    async def _of(self, principal: Principal, former: RunRow, flow: FlowChoice) -> _Wanted:
        """The request of an earlier run once more, of its flow or of what became of that."""
        request = msgspec.structs.replace(
            request_of(former.model_dump()),
            run_id=new_id("run"),
            forked_from=former.id,
            reuse={},
            breakpoints=[],
            only_changed=False,
            trigger=_by_hand(former),
        )
        if flow == "as_it_was":
            await self._may_call(principal, former)
            checked = await self.checker.checked(Flow.model_validate_json(former.definition))
            checked.require_valid()
            return _Wanted(
                former.flow_id, checked, msgspec.structs.replace(request, flow=checked.plain)
            )
        current, _left_out = await self.definitions().definition(former.flow_id)
        if current.mode != former.mode:
            raise Conflict(
                f"The flow is in {current.mode} mode now, and was in {former.mode} mode then.",
                code="run.other_mode",
                hint="Try it again as it was, or start the flow.",
                params={"now": current.mode, "then": former.mode},
            )
        pins = still_there(request.pins, current, self.checker.catalogue)
        checked = await self.checker.checked(with_pins(current, pins))
        checked.require_valid()
        inputs = {name: value for name, value in request.inputs.items() if name in current.inputs}
        asked = StartRun(inputs=inputs, from_node=request.from_node, to_node=request.to_node)
        require_parts(current, self.checker.catalogue, asked)
        require_fitting(current, asked)
        called = await self.called.of(
            current, user_id=principal.user_id, workspace_id=former.workspace_id
        )
        request = msgspec.structs.replace(
            request,
            flow=checked.plain,
            inputs=inputs,
            pins=pins,
            flows=called.flows,
            flow_ids=called.ids,
            identity="",
        )
        return _Wanted(former.flow_id, checked, request)

    async def _former(self, principal: Principal, run_id: str) -> RunRow:
        def read(session: Session) -> RunRow:
            row = run_access(session, principal, run_id, Role.EDITOR).row
            if row.parent_id is not None:
                raise is_called(run_id, row.parent_id)
            if row.state not in ENDED:
                raise Conflict(
                    "The run has not ended yet.",
                    code="run.still_active",
                    hint=_NO_FORK,
                    params={"id": run_id, "state": row.state},
                )
            may_run(session, principal, row.flow_id)
            return repository.frozen(session, run_id)

        return await self.database.query(read)

    async def _may_call(self, principal: Principal, former: RunRow) -> None:
        """What a run called is called again: also for whoever may see the run, but not that."""
        if former.started_by != principal.user_id:
            request = request_of(former.model_dump())
            await self.called.require(
                request.flows,
                request.flow_ids,
                user_id=principal.user_id,
                workspace_id=former.workspace_id,
            )


def _by_hand(former: RunRow) -> Mapping[str, Any] | None:
    """What the flow's triggers give in the new run: the same event."""
    trigger: Mapping[str, Any] | None = msgspec.json.decode(former.trigger or "null")
    return trigger
