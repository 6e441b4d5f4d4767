"""What is written about a room besides its edits: snapshots, and the row of the flow in lists."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final

from sqlmodel import Session

from weft_engine.nodes.catalogue import Catalogue
from weft_server.database import Database
from weft_server.flows.service import update_preview
from weft_server.rooms import repository
from weft_server.rooms.log import LogWriter
from weft_server.rooms.readings import Readings
from weft_server.rooms.room import Room

SNAPSHOT_REVS: Final = 500
SNAPSHOT_BYTES: Final = 1_000_000
PREVIEW_SECONDS: Final = 1.0
_SHARE: Final = 20
"""A preview takes at most one part in so many of the time, however large the document is."""

logger = logging.getLogger("weft.rooms")


class Upkeep:
    """Keeps the log of one room short and its flow's row true, without anybody waiting for it."""

    def __init__(
        self,
        room: Room,
        snapshot_rev: int,
        *,
        database: Database,
        catalogue: Catalogue,
        writer: LogWriter,
        readings: Readings,
    ) -> None:
        self._room = room
        self._snapshot_rev = snapshot_rev
        self._database = database
        self._catalogue = catalogue
        self._writer = writer
        self._readings = readings
        self._timer: asyncio.TimerHandle | None = None
        self._pause = PREVIEW_SECONDS
        self._tasks: set[asyncio.Task[None]] = set()

    def changed(self) -> None:
        """The document changed: bring the row of the flow up to date a little later."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._pause, self._preview_now)

    def saved(self) -> None:
        """Edits reached the disk: if they became many, store the whole document."""
        revs = self._room.outbox.rev - self._snapshot_rev
        if revs >= SNAPSHOT_REVS or self._room.replica.tail_size >= SNAPSHOT_BYTES:
            self._spawn(self._snapshot())

    async def finish(self) -> None:
        """Write everything that is still due."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._room.outbox.rev > self._snapshot_rev:
            await self._snapshot()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            await self._preview()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.warning("upkeep of %s failed: %s", self._room.flow_id, error)

    async def _snapshot(self) -> None:
        room, rev = self._room, self._room.outbox.rev
        # It may hold edits that come after this revision; reading the log applies them twice.
        whole, owners = room.replica.compact(), list(room.owners)
        before, self._snapshot_rev = self._snapshot_rev, rev
        try:
            await self._writer.submit(
                lambda session: repository.replace_snapshot(
                    session, room.flow_id, rev, whole, owners
                )
            )
        except Exception:
            self._snapshot_rev = before
            raise

    def _preview_now(self) -> None:
        self._timer = None
        self._spawn(self._preview())

    async def _preview(self) -> None:
        began = time.monotonic()
        flow = (await self._readings.live(self._room)).flow
        self._pause = max(PREVIEW_SECONDS, _SHARE * (time.monotonic() - began))

        def write(session: Session) -> None:
            update_preview(session, self._room.flow_id, flow, self._catalogue)

        await self._writer.submit(write)
