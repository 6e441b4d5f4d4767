"""Old runs are deleted: their rows, their journal, and blobs that nothing refers to any more."""

import asyncio
import logging
import re
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlmodel import Session, col

from weft_engine.errors import WeftError
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.journal.blobs import Blobs
from weft_engine.runs.journal.retention import GRACE_S
from weft_server.database import Database, utc_now
from weft_server.runs.called_runs import descendants, outermost
from weft_server.runs.journal import Journal
from weft_server.runs.live import ENDED, LiveRun
from weft_server.runs.tables import RunActivationRow, RunNodeRow, RunRow

PRUNE_EVERY: Final = 16
"""Old runs are deleted some at a time: each deletion costs a fifth of a run."""
LOOK_EVERY_S: Final = 3_600.0
"""How often runs are looked for that have become too old."""
_AT_ONCE: Final = 500
_DIGEST: Final = re.compile(r'"blob":"([0-9a-f]{64})"')

log = logging.getLogger(__name__)


class Retention:
    """Deletes runs when a flow has too many of them, or when they are too old."""

    def __init__(
        self,
        journal: Journal,
        client: SupervisorClient,
        database: Database,
        blobs: Path,
        *,
        keep: int,
        keep_days: float | None,
    ) -> None:
        self._journal = journal
        self._client = client
        self._database = database
        self._blobs = Blobs(blobs)
        self._keep = keep
        self._keep_days = keep_days
        self._task: asyncio.Task[None] | None = None
        self._works: set[asyncio.Task[int]] = set()

    def start(self) -> None:
        """Look now and then for runs that are too old, and for what nobody refers to."""
        self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Delete nothing any more."""
        if self._task is None and not self._works:
            return
        tasks = [*self._works, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    def ended(self, run: LiveRun) -> None:
        """A run has ended; now and then older ones of its flow have to go."""
        number, keep = int(run.row["number"]), self._keep
        if number > keep and number % min(PRUNE_EVERY, keep) == 0:
            work = partial(too_many, flow_id=run.row["flow_id"], keep=keep)
            task = asyncio.create_task(self._delete(work))
            self._works.add(task)
            task.add_done_callback(self._works.discard)

    async def sweep(self, grace_s: float = GRACE_S) -> list[str]:
        """Remove blobs older than so many seconds that neither a run nor the journal names.

        Raises:
            WeftError: the engine or the database cannot say what they refer to.
        """
        loop = asyncio.get_running_loop()

        def marked() -> set[str]:
            """Asked for after the old blobs were listed, from the thread that sweeps."""
            named = asyncio.run_coroutine_threadsafe(self._client.references(), loop).result()
            with self._database.read() as session:
                return named | digests(session)

        before = time.time() - grace_s
        return await asyncio.to_thread(self._blobs.sweep, marked, before)

    async def _look(self) -> None:
        while True:
            days = self._keep_days
            while days and await self._delete(partial(too_old, days=days)) >= _AT_ONCE:
                pass
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                removed = await self.sweep()
                log.info("%d blobs that nothing refers to were removed", len(removed))
            except (WeftError, OSError) as error:
                log.warning("blobs cannot be looked through now: %s", error)

    async def _delete(self, work: "partial[list[str]]") -> int:
        try:
            gone = await self._journal.write(work)
        except WeftError as error:
            log.warning("old runs cannot be deleted now: %s", error)
            return 0
        self._client.forget(gone)
        return len(gone)


def too_many(session: Session, flow_id: str, keep: int) -> list[str]:
    """Delete the oldest ended runs of a flow, so that about `keep` are left."""
    of_flow = col(RunRow.flow_id) == flow_id
    newest = select(func.max(col(RunRow.number))).where(of_flow, outermost)
    old = col(RunRow.number) <= newest.scalar_subquery() - keep
    return _delete(session, of_flow, old)


def too_old(session: Session, days: float) -> list[str]:
    """Delete runs that ended so many days ago; some at a time."""
    return _delete(session, col(RunRow.ended_at) < utc_now() - timedelta(days=days))


def _delete(session: Session, *conditions: ColumnElement[bool]) -> list[str]:
    """Delete ended runs, and with each of them those that it called."""
    ended = col(RunRow.state).in_(ENDED)
    chosen = select(col(RunRow.id)).where(ended, outermost, *conditions).order_by(col(RunRow.id))
    ids = list(session.scalars(chosen.limit(_AT_ONCE)))
    below = descendants(session, ids)
    if ids:
        session.execute(delete(RunRow).where(col(RunRow.id).in_(ids)))
    return [*ids, *below]


def digests(session: Session) -> set[str]:
    """The digests of all blobs that runs name: outputs, and values at breakpoints."""
    found: set[str] = set()
    for column in (
        col(RunNodeRow.outputs),
        col(RunActivationRow.outputs),
        col(RunRow.stopped),
        col(RunRow.given),
    ):
        texts = session.scalars(select(column).where(column.contains('"blob":"')))
        for text in texts.yield_per(_AT_ONCE):
            found.update(_DIGEST.findall(text or ""))
    return found
