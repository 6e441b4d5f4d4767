"""What people tell runs that are under way or wait."""

from functools import partial
from typing import Any, Final, Literal

from weft_engine.errors import WeftError
from weft_engine.runs.debug import Command
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.database import Database
from weft_server.errors import Conflict
from weft_server.ids import new_id
from weft_server.runs import repository
from weft_server.runs.access import run_access
from weft_server.runs.called_runs import is_called
from weft_server.runs.engine_link import EngineLink
from weft_server.runs.live import LiveRun
from weft_server.runs.live_nodes import json_text
from weft_server.runs.placing import Place, place_of
from weft_server.runs.requests import breakpoints_of
from weft_server.runs.schemas import (
    EditValue,
    RunInfo,
    SendSignal,
    SetBreakpoints,
    SignalTaken,
    StepKind,
    StepRun,
    read_breakpoints,
)
from weft_server.runs.views import of_live

_UNFIT: Final = frozenset({"run.bad_breakpoint", "run.bad_value"})
"""Not the run's state is to blame for these, but what was asked."""
_STEPS: Final[dict[StepKind, Literal["step_over", "step_into", "step_out"]]] = {
    "over": "step_over",
    "into": "step_into",
    "out": "step_out",
}


class Commands:
    """Everything that can be told to a run; editors of its flow may.

    What a run that another one called is told, the outermost run is told: they go on and stand
    still together.
    """

    def __init__(self, database: Database, link: EngineLink) -> None:
        self._database = database
        self._link = link

    async def cancel(self, principal: Principal, run_id: str) -> RunInfo:
        """Ask a run to stop; asking twice does no harm.

        Raises:
            Missing: 404 `run.not_found`.
            Forbidden: 403, a viewer.
            Conflict: 409 `run.not_active`, it has ended; `run.is_called`, another one called it.
        """
        run = await self._active(principal, run_id)
        if run.parent is not None:
            raise is_called(run.id, run.parent)
        await self._link.cancel(run)
        return of_live(run)

    async def pause(self, principal: Principal, run_id: str) -> RunInfo:
        """Start nothing more; what is under way goes on to its end. Raises as `cancel`."""
        run = await self._active(principal, run_id)
        self._place(run).outermost.pauser = {"id": principal.user_id, "name": principal.name}
        return await self._send(run, Command(kind="pause"))

    async def resume(self, principal: Principal, run_id: str) -> RunInfo:
        """Go on, also from breakpoints. Raises as `cancel`."""
        return await self._tell(principal, run_id, Command(kind="resume"))

    async def step(self, principal: Principal, run_id: str, asked: StepRun) -> RunInfo:
        """Let one activation happen.

        Raises:
            Conflict: 409 `run.not_stopped`; else as `cancel`.
        """
        run = await self._active(principal, run_id)
        at = asked.at
        if asked.at is not None or run.stopped:  # else it may be paused, as the engine knows
            stop = _require_stop(run, asked.at)
            at = asked.at if run.parent is None else self._place(run).at(stop["at"])
        return await self._send(run, Command(kind=_STEPS[asked.kind], at=at))

    async def set_breakpoints(
        self, principal: Principal, run_id: str, asked: SetBreakpoints
    ) -> RunInfo:
        """Put these in the place of all earlier ones. Raises as `cancel`."""
        run = await self._active(principal, run_id)
        points = await read_breakpoints(asked.breakpoints)
        place = self._place(run)
        outermost = place.outermost
        every = place.breakpoints(points, breakpoints_of(outermost.row["breakpoints"]))
        await self._send(run, Command(kind="breakpoints", breakpoints=every))
        for one, said in {outermost.id: (outermost, every), run.id: (run, points)}.values():
            text = json_text(said) if said else None
            one.row["breakpoints"] = text
            await self._database.run(partial(repository.set_breakpoints, run_id=one.id, text=text))
        return of_live(run)

    async def edit(self, principal: Principal, run_id: str, asked: EditValue) -> RunInfo:
        """Put a value in the place of what a stopped activation holds.

        Raises:
            Conflict: 409 `run.not_stopped`, or `run.no_such_port`; else as `cancel`.
        """
        run = await self._active(principal, run_id)
        stop = _require_stop(run, asked.at)
        ports = stop.get("values") or {}
        if asked.port not in ports:
            raise Conflict(
                f"The stopped activation has no value {asked.port!r}.",
                code="run.no_such_port",
                hint=f"There are: {', '.join(sorted(ports))}." if ports else "It has none.",
                params={"at": asked.at, "port": asked.port},
            )
        at = self._place(run).at(asked.at)
        command = Command(kind="edit", at=at, port=asked.port, value=asked.value)
        return await self._send(run, command)

    async def signal(self, principal: Principal, run_id: str, asked: SendSignal) -> SignalTaken:
        """Send a signal; one that nothing waits for yet is kept. Raises as `cancel`."""
        run = await self._active(principal, run_id)
        place = self._place(run)
        signal = {
            "id": asked.id or new_id("sig"),
            "name": place.signal(asked.name, run.nodes),
            "payload": asked.payload,
            "by": principal.user_id,
        }
        try:
            told = Command(kind="signal", signal=signal)
            accepted = await self._link.tell(place.outermost.id, told)
        except WeftError as error:
            raise _answered(error, run) from error
        return SignalTaken(id=str(signal["id"]), accepted=accepted)

    async def _tell(self, principal: Principal, run_id: str, command: Command) -> RunInfo:
        return await self._send(await self._active(principal, run_id), command)

    async def _send(self, run: LiveRun, command: Command) -> RunInfo:
        try:
            await self._link.tell(self._place(run).outermost.id, command)
        except WeftError as error:
            raise _answered(error, run) from error
        return of_live(run)

    def _place(self, run: LiveRun) -> Place:
        place = place_of(run, self._link.recorder.get)
        if place is None:
            raise _ended(run.id, run.state)
        return place

    async def _active(self, principal: Principal, run_id: str) -> LiveRun:
        """The run, if this person may change it and it has not ended."""
        access = await self._database.query(
            lambda session: run_access(session, principal, run_id, Role.EDITOR)
        )
        run = self._link.recorder.get(run_id)
        if run is None or run.over:
            raise _ended(run_id, run.state if run else access.row.state)
        return run


def _require_stop(run: LiveRun, at: str | None) -> dict[str, Any]:
    """The stopped activation that is meant, the first when none is named."""
    stop = run.stopped.get(at) if at is not None else next(iter(run.stopped.values()), None)
    if stop is None:
        raise Conflict(
            f"Nothing stands at {at}." if at else "The run stands at no breakpoint.",
            code="run.not_stopped",
            hint="Look at `stopped` of the run: it may have gone on.",
            params={"id": run.id, "at": at, "stopped": sorted(run.stopped)},
        )
    return stop


def _answered(error: WeftError, run: LiveRun) -> WeftError:
    """What the engine refused, as the answer to a request."""
    if error.code == "run.not_active":
        return _ended(run.id, run.state)
    if error.code in _UNFIT:
        return error
    if error.code.startswith("run.") and not error.retryable:
        return Conflict(error.message, code=error.code, hint=error.hint, params=error.params)
    return error


def _ended(run_id: str, state: str) -> Conflict:
    return Conflict(
        f"The run has ended already: {state}.",
        code="run.not_active",
        hint="Nothing needs to be done.",
        params={"id": run_id, "state": state},
    )
