"""The server's hold on the engine: starts its process, sends runs, hears what becomes of them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import FlowError, KernelError, ResourceError, WeftError
from weft_engine.runs import codes, protocol
from weft_engine.runs.debug import Command
from weft_engine.runs.engine_process import EngineProcess, unavailable
from weft_engine.runs.events import RUN_ENDS, RunEvent
from weft_engine.runs.link import Flight, Link
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Survey

__all__ = ["SupervisorClient", "codes"]

log = logging.getLogger(__name__)

_HARMLESS_TWICE: Final = frozenset({"signal", "pause", "resume", "breakpoints"})
_KINDS: Final[tuple[tuple[str, type[WeftError]], ...]] = (
    ("journal.", ResourceError),
    ("source.log_", ResourceError),
    ("kernel.", KernelError),
)
"""By the beginnings of codes, what kind of error the engine tells; else it is the caller's."""
_FIRST_DELAY_S: Final = 0.1
_LONGEST_DELAY_S: Final = 5.0
_HEALTHY_S: Final = 10.0


class _LostError(Exception):
    """The process died before it answered."""


class SupervisorClient:
    """Starts the engine's process, keeps it alive and talks to it.

    Use it within one event loop. Events of all runs arrive at `on_events` in order. When the
    process dies, the next one goes on with its runs from the journal; a run that the journal does
    not hold gets a `run_failed` event with the code `run.interrupted`.
    """

    def __init__(
        self,
        socket_path: Path,
        data_dir: Path,
        *,
        on_events: Callable[[Sequence[RunEvent]], None],
        workers: int | None = None,
        per_tenant: int | None = None,
        journal: str | None = None,
    ) -> None:
        """Prepare to start it.

        Args:
            socket_path: Where its socket is to be.
            data_dir: Where blobs and the journal are.
            on_events: Takes the events of runs.
            workers: How many runs may be under way.
            per_tenant: How many of them may be of one tenant.
            journal: Path or PostgreSQL address of the journal; in the data directory when empty.
        """
        self.on_events = on_events
        options = {"--workers": workers, "--per-tenant": per_tenant}
        self._process = EngineProcess(socket_path, data_dir, options, journal)
        self._link: Link | None = None
        self._connected = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._in_flight: dict[str, Flight] = {}
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._parts: dict[int, set[str]] = {}
        self._number = 0
        self.restarts = 0
        """How often the process had to be started again."""

    @property
    def alive(self) -> bool:
        """Whether runs can be sent right now."""
        return self._link is not None

    @property
    def pid(self) -> int | None:
        """The process id of the engine, while it runs."""
        return self._process.pid

    @property
    def in_flight(self) -> frozenset[str]:
        """The runs that were sent and have not ended."""
        return frozenset(self._in_flight)

    async def start(self) -> None:
        """Start the engine's process; returns when it takes runs."""
        if self._keeper is not None:
            return
        await self._connect()
        self._keeper = asyncio.create_task(self._keep(), name="weft-engine-keeper")

    async def submit(self, request: RunRequest, *, wait_s: float = 10.0) -> None:
        """Send a run; returns once it is on its way.

        Raises:
            ResourceError: `run.engine_unavailable`, when the engine does not come back in time.
            KernelError: `run.request_too_big`.
        """
        frame = protocol.encode(protocol.Run(request))
        if self._link is None:
            await self._wait_for_link(wait_s)
        if self._link is None:
            raise unavailable()
        self._in_flight.setdefault(request.run_id, Flight(request.last_seq, request))
        self._link.write(frame)

    def resume(
        self,
        run_id: str,
        last_seq: int,
        commands: Sequence[Command] = (),
        request: RunRequest | None = None,
    ) -> None:
        """Go on with a run of an earlier server as soon as the engine is there.

        Args:
            run_id: The run.
            last_seq: The number of its last event that is known.
            commands: What it was told and must not forget: breakpoints, a pause.
            request: What to run if it had not begun.
        """
        flight = Flight(last_seq, request, {command.kind: command for command in commands})
        self._in_flight[run_id] = flight
        if self._link is not None:
            self._link.write(flight.frame(run_id))

    async def tell(self, run_id: str, command: Command, *, wait_s: float = 10.0) -> bool:
        """Tell a run something.

        Returns:
            False for a signal that was sent before.

        Raises:
            FlowError: it cannot do that; `run.not_active`, when it has ended.
            ResourceError: `run.engine_unavailable`.
        """
        told: protocol.Told = await self._ask(
            lambda number: protocol.Tell(number, run_id, command),
            wait_s,
            again=command.kind in _HARMLESS_TWICE,
        )
        if told.failure is not None:
            raise _told_error(told.failure)
        if run_id in self._in_flight:
            self._in_flight[run_id].remember(command)
        return told.accepted

    async def append(
        self, stream: str, events: Sequence[Mapping[str, Any]], *, wait_s: float = 30.0
    ) -> bool:
        """Write events into the log of a live stream; returns once they are on disk.

        Returns:
            False where all of them were written before.

        Raises:
            FlowError: they cannot be written.
            ResourceError: `run.engine_unavailable`; they may have been written all the same.
        """
        told: protocol.Told = await self._ask(
            lambda number: protocol.Append(number, stream, [dict(event) for event in events]),
            wait_s,
        )
        if told.failure is not None:
            raise _told_error(told.failure)
        return told.accepted

    async def survey(self, request: RunRequest, *, wait_s: float = 60.0) -> Survey:
        """What a run would take over of the one it is forked from; raises as `append`."""
        looked = await self._ask(lambda number: protocol.Look(number, request), wait_s)
        if looked.failure is not None:
            raise _told_error(looked.failure)
        survey: Survey = looked.survey
        return survey

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop; it ends with `run_cancelled` unless it ended before."""
        flight = self._in_flight.get(run_id)
        if flight is not None:
            flight.cancelled = True
            if self._link is not None:
                self._link.write(protocol.encode(protocol.Cancel(run_id)))

    def forget(self, run_ids: Sequence[str]) -> None:
        """Delete what the engine keeps of ended runs."""
        if self._link is not None and run_ids:
            self._link.write(protocol.encode(protocol.Forget(list(run_ids))))

    async def references(self, *, wait_s: float = 60.0) -> set[str]:
        """The digests of all blobs that the engine's journal names.

        Raises:
            ResourceError: `run.engine_unavailable`.
        """
        found: set[str] = await self._ask(protocol.References, wait_s)
        return found

    async def ping(self, *, wait_s: float = 5.0) -> protocol.Pong:
        """Ask the engine whether it is there and how busy it is."""
        pong: protocol.Pong = await self._ask(protocol.Ping, wait_s)
        return pong

    async def _ask(
        self, question: Callable[[int], protocol.Request], wait_s: float, *, again: bool = True
    ) -> Any:
        """Ask, and once more when the process dies over it, unless that could do it twice."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    link = self._link or await self._linked()
                    try:
                        return await self._answer(link, question)
                    except _LostError:
                        if not again:
                            raise unavailable() from None
        except TimeoutError as exc:
            raise unavailable() from exc

    async def _answer(self, link: Link, question: Callable[[int], protocol.Request]) -> Any:
        self._number = number = self._number + 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            link.write(protocol.encode(question(number)))
            return await answer
        finally:
            self._asked.pop(number, None)
            self._parts.pop(number, None)

    async def _linked(self) -> Link:
        if self._keeper is None:
            raise unavailable()
        while self._link is None:
            await self._connected.wait()
        return self._link

    async def stop(self) -> None:
        """End the engine's process; runs in flight stay where they are."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._link is not None:
            self._link.close()
        await self._process.end()
        self._lost()
        self._process.tidy_up()

    # The process

    async def _keep(self) -> None:
        """Start the process again whenever it is gone."""
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY_S
        while True:
            link, began = self._link, loop.time()
            if link is not None:
                await link.closed.wait()
                self._lost()
                await self._process.end()
                log.warning("the engine stopped; starting it again")
                if loop.time() - began > _HEALTHY_S:
                    delay = _FIRST_DELAY_S
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_S)
            try:
                await self._connect()
                self.restarts += 1
            except ResourceError as exc:
                log.warning("the engine does not start: %s", exc.__cause__ or exc)

    async def _connect(self) -> None:
        self._link = link = await self._process.connect(self._heard)
        for run_id, flight in self._in_flight.items():
            link.write(flight.frame(run_id))
        self._connected.set()

    # What it says

    async def _wait_for_link(self, wait_s: float) -> None:
        if self._keeper is None:
            raise unavailable()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), wait_s)

    def _heard(self, push: protocol.Push) -> None:
        if isinstance(push, protocol.Events):
            self._take(push.events)
            return
        answer = self._asked.get(push.id)
        if answer is None or answer.done():
            self._parts.pop(push.id, None)
        elif not isinstance(push, protocol.Referred):
            answer.set_result(push)
        else:
            found = self._parts.setdefault(push.id, set())
            found.update(push.digests)
            if push.failure is not None:
                answer.set_exception(_told_error(push.failure))
            elif push.last:
                answer.set_result(self._parts.pop(push.id))

    def _take(self, events: list[RunEvent]) -> None:
        for event in events:
            if event.type in RUN_ENDS:
                self._in_flight.pop(event.run, None)
            elif event.run in self._in_flight:
                self._in_flight[event.run].heard(event)
        self._tell(events)

    def _tell(self, events: list[RunEvent]) -> None:
        try:
            self.on_events(events)
        except Exception:
            log.exception("what listens to run events failed")

    def _lost(self) -> None:
        """The process is gone; the next one is told to go on with what was in flight."""
        self._link = None
        self._connected.clear()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(_LostError())


def _told_error(failure: Mapping[str, Any]) -> WeftError:
    """What the engine refused, as it would have been raised here."""
    code = str(failure.get("code") or "kernel.internal")
    kind = next((kind for head, kind in _KINDS if code.startswith(head)), FlowError)
    return kind(
        str(failure.get("message") or "The engine refused to do it."),
        code=code,
        hint=str(failure.get("hint") or ""),
        params=failure.get("params") or {},
    )
