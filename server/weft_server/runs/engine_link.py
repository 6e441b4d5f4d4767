"""Between the server and the engine: runs on their way there, events on their way back."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from weft_engine.errors import Failure, WeftError
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.debug import Command
from weft_engine.runs.events import RunEvent, now_text
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Survey
from weft_server.events import Bus
from weft_server.runs.journal import Journal
from weft_server.runs.live import LiveRun
from weft_server.runs.recorder import Recorder

STOP_S: Final = 3.0
"""How long cancelled runs get to end, and the engine to start, when the server stops."""

log = logging.getLogger(__name__)


class EngineLink:
    """Sends runs, and records what becomes of them."""

    def __init__(self, client: SupervisorClient, journal: Journal, bus: Bus) -> None:
        self.client = client
        self.recorder = Recorder(journal, bus, abandon=self._abandon)
        client.on_events = self.recorder.take
        self._starting: asyncio.Task[bool] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def alive(self) -> bool:
        """Whether the engine takes runs."""
        return self.client.alive

    def start(self) -> None:
        """Begin to start the engine's process."""
        self._starting = asyncio.create_task(self._start_engine())

    async def stop(self) -> None:
        """End the engine; runs stay where they are, and go on with the next one."""
        ending = [run.ended for run in self.recorder.running if run.cancel_asked]
        if ending:
            await asyncio.wait(ending, timeout=STOP_S)
        if self._starting is not None:
            # An engine that is nearly there ends at once when told; one cut off in its start does
            # not listen yet, and takes seconds to end.
            await asyncio.wait([self._starting], timeout=STOP_S)
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self.client.stop()

    async def send(self, run: LiveRun, request: RunRequest) -> None:
        """Send a run; one that cannot be sent has failed."""
        try:
            await self._started()
            await self.client.submit(request)
        except WeftError as error:
            self._fail(run, error)
            return
        if run.cancel_asked:
            await self.client.cancel(run.id)

    def resume(self, run: LiveRun, commands: Sequence[Command], request: RunRequest | None) -> None:
        """Go on with a run of an earlier server."""
        self.recorder.follow(run)
        self.client.resume(run.id, run.seq, commands, request)

    async def tell(self, run_id: str, command: Command) -> bool:
        """Tell a run something; False for a signal that was sent before.

        Raises:
            WeftError: it cannot do that.
        """
        await self._started()
        return await self.client.tell(run_id, command)

    async def survey(self, request: RunRequest) -> Survey:
        """What a run would take over of the one it is forked from.

        Raises:
            WeftError: it cannot be said.
        """
        await self._started()
        return await self.client.survey(request)

    async def append(self, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Write events into the log of a live stream; returns when they are on disk.

        Raises:
            WeftError: they may not be.
        """
        await self._started()
        await self.client.append(stream, events)

    async def cancel(self, run: LiveRun) -> None:
        """Ask a run to stop."""
        run.cancel_asked = True
        await self.client.cancel(run.id)

    async def _started(self) -> None:
        """Wait for the engine's first start; try again when it failed."""
        if self._starting is None or (self._starting.done() and not self._starting.result()):
            self.start()
        if self._starting is not None and not self._starting.done():
            await asyncio.shield(self._starting)

    async def _start_engine(self) -> bool:
        try:
            await self.client.start()
        except WeftError as error:
            log.warning("the engine does not start: %s", error.__cause__ or error)
            return False
        return True

    def _fail(self, run: LiveRun, error: WeftError) -> None:
        data = {"failure": Failure.of(error).model_dump(mode="json")}
        event = RunEvent(seq=run.seq + 1, at=now_text(), type="run_failed", run=run.id, data=data)
        self.recorder.take([event])

    def _abandon(self, run_id: str) -> None:
        task = asyncio.create_task(self.client.cancel(run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
