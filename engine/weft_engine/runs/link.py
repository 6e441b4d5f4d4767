"""One connection to the engine's process, and what is remembered of the runs that it has."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from weft_engine.errors import KernelError
from weft_engine.runs import protocol
from weft_engine.runs.debug import Command
from weft_engine.runs.events import RunEvent
from weft_engine.runs.run import RunRequest

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Flight:
    """A run that has not ended, as the next engine must know it."""

    seq: int
    request: RunRequest | None = None
    """While it may not have begun; from then on the journal has it."""
    kept: dict[str, Command] = field(default_factory=dict)
    cancelled: bool = False
    """It was asked to stop; an engine that takes its place must hear of that, too."""

    def heard(self, event: RunEvent) -> None:
        """Count on."""
        self.seq = event.seq
        if event.type != "run_queued":
            self.request = None

    def remember(self, command: Command) -> None:
        """Keep what holds until something else is said."""
        if command.kind in ("breakpoints", "pause"):
            self.kept[command.kind] = command
        elif command.kind in ("resume", "step_over", "step_into", "step_out"):
            self.kept.pop("pause", None)

    def frame(self, run_id: str) -> bytes:
        """What the next engine is told."""
        commands = list(self.kept.values())
        told = protocol.encode(protocol.Resume(run_id, self.seq, commands, self.request))
        return told + protocol.encode(protocol.Cancel(run_id)) if self.cancelled else told


class Link(asyncio.Protocol):
    """One connection to the supervisor."""

    def __init__(self, heard: Callable[[protocol.Push], None]) -> None:
        self._heard = heard
        self._frames = protocol.FrameReader()
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            bodies = self._frames.feed(data)
        except KernelError:
            log.exception("the engine sent something that cannot be read")
            self.close()  # nobody knows where the next frame begins
            return
        for body in bodies:
            try:
                self._heard(protocol.readable_push(body))
            except KernelError:
                # The next engine tells again what the journal has of it.
                log.exception("the engine sent something that cannot be read")
                self.close()
                return
            except Exception:
                log.exception("what the engine said was not understood")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def write(self, frame: bytes) -> None:
        """Send a frame; one to a connection that is gone is lost with it.

        That it is gone is known a moment before anybody hears of it, and uvloop refuses to write
        then. Whoever asked hears of the loss, and the next engine is told of every run.
        """
        if self._transport is None or self.closed.is_set() or self._transport.is_closing():
            return
        self._transport.write(frame)

    def close(self) -> None:
        """End the connection; the supervisor ends with it."""
        if self._transport is not None:
            self._transport.close()
