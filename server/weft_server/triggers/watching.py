"""Looks at the files of armed flows when the system tells of changes, and compares.

What the system says is only the reason to look. What has changed follows from comparing the files
with what the database knows of them, so nothing is lost over a restart, and nothing is told twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from weft_engine.library.triggers_file_watch import FileWatchTrigger
from weft_server.triggers import intake, repository
from weft_server.triggers.kinds import files
from weft_server.triggers.notices import Notices
from weft_server.triggers.tables import TriggerEvent, TriggerRow

AGAIN_S: Final = 30.0

Take = Callable[[Callable[[Session, datetime], list[TriggerEvent]]], Awaitable[None]]
Trouble = Callable[[str, str | None], Awaitable[None]]

log = logging.getLogger("weft.triggers")


class Watches:
    """One watch for each active trigger."""

    def __init__(self, folder: Path, take: Take, trouble: Trouble) -> None:
        self._folder = folder.absolute()
        self._take = take
        self._trouble = trouble
        self._notices = Notices(self._told)
        self._running: dict[str, tuple[Any, _Watch, asyncio.Task[None]]] = {}

    async def keep(self, rows: Sequence[TriggerRow]) -> None:
        """Watch for exactly these triggers."""
        wanted = {row.id: (row.settings, row.since) for row in rows}
        for trigger_id, (known, _, _) in list(self._running.items()):
            if wanted.get(trigger_id) != known:
                await self._end(trigger_id)
        for row in rows:
            if row.id not in self._running:
                root = self._folder / row.workspace_id
                root.mkdir(0o700, parents=True, exist_ok=True)
                watch = _Watch(row, root, self._take, self._trouble)
                task = asyncio.create_task(watch.run())
                self._running[row.id] = (wanted[row.id], watch, task)
        await self._notices.keep(frozenset(watch.root for _, watch, _ in self._running.values()))

    async def stop(self) -> None:
        """End all watches."""
        await self._notices.stop()
        for trigger_id in list(self._running):
            await self._end(trigger_id)

    def _told(self, folders: frozenset[Path]) -> None:
        for _, watch, _ in self._running.values():
            if watch.root in folders:
                watch.look()

    async def _end(self, trigger_id: str) -> None:
        _, _, task = self._running.pop(trigger_id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Watch:
    """Looks at the files of one pattern whenever something may have changed."""

    def __init__(self, row: TriggerRow, root: Path, take: Take, trouble: Trouble) -> None:
        self.root = root
        self._id = row.id
        self._settings = FileWatchTrigger.model_validate(row.settings)
        self._take = take
        self._trouble = trouble
        self._wanted = frozenset(self._settings.changes)
        self._wake = asyncio.Event()
        self._known: files.Seen | None = None
        """What the database knows; only the leader writes it."""
        self._code: str | None = row.trouble

    def look(self) -> None:
        """Something may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Look, wait until what changed has settled, and store it; for ever."""
        last: files.Seen | None = None
        while True:
            self._wake.clear()
            try:
                last, unsettled = await self._look(last)
                await self._say(None)
            except files.TooManyFilesError:
                await self._say("trigger.too_many_files")
                await asyncio.sleep(AGAIN_S)
            except Exception:
                log.exception("the files of the trigger %s cannot be looked at", self._id)
                await asyncio.sleep(AGAIN_S)
            else:
                if unsettled:
                    await asyncio.sleep(self._settings.settle_s)
                else:
                    await self._wake.wait()

    async def _say(self, code: str | None) -> None:
        if code != self._code:
            await self._trouble(self._id, code)
            self._code = code

    async def _look(self, last: files.Seen | None) -> tuple[files.Seen, bool]:
        """Compare; what looks as it did a while ago has settled."""
        now = await asyncio.to_thread(files.scan, self.root, self._settings.pattern)
        if self._known is not None and not files.differing(self._known, now):
            return now, False
        unsettled = False

        def work(session: Session, at: datetime) -> list[TriggerEvent]:
            nonlocal unsettled
            row = session.get(TriggerRow, self._id)
            if row is None or not row.active:
                return []
            before = repository.files(session, self._id)
            different = files.differing(before, now)
            ready = different - files.differing(last, now) if last is not None else set()
            unsettled = ready != different
            self._known = {path: state for path, state in before.items() if path not in ready} | {
                path: state for path, state in now.items() if path in ready
            }
            return self._store(session, row, before, now, ready, at)

        await self._take(work)
        return now, unsettled

    def _store(
        self,
        session: Session,
        row: TriggerRow,
        before: files.Seen,
        now: files.Seen,
        ready: set[str],
        at: datetime,
    ) -> list[TriggerEvent]:
        old = {path: state for path, state in before.items() if path in ready}
        new = {path: state for path, state in now.items() if path in ready}
        repository.note_files(session, row.id, new, old.keys() - new.keys())
        return [
            intake.take(session, row, change.payload(at), at).event
            for change in files.changes(old, new, self._wanted)
        ]
