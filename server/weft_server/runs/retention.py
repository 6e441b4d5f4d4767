"""Old runs are deleted: their rows, their journal, and blobs that nothing refers to any more."""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlmodel import Session, col

from weft_engine.errors import WeftError
from weft_engine.runs.client import SupervisorClient
from weft_server.database import utc_now
from weft_server.runs.journal import Journal
from weft_server.runs.live import ENDED, LiveRun
from weft_server.runs.tables import RunRow

PRUNE_EVERY: Final = 16
"""Old runs are deleted some at a time: each deletion costs a fifth of a run."""
LOOK_EVERY_S: Final = 3_600.0
"""How often runs are looked for that have become too old."""
_AT_ONCE: Final = 500

log = logging.getLogger(__name__)


class Retention:
    """Deletes runs when a flow has too many of them, or when they are too old."""

    def __init__(
        self,
        journal: Journal,
        client: SupervisorClient,
        *,
        keep: int,
        keep_days: float | None,
    ) -> None:
        self._journal = journal
        self._client = client
        self._keep = keep
        self._keep_days = keep_days
        self._task: asyncio.Task[None] | None = None
        self._works: set[asyncio.Task[int]] = set()

    def start(self) -> None:
        """Look for runs that are too old, now and then."""
        if self._keep_days is not None:
            self._task = asyncio.create_task(self._look(self._keep_days))

    async def stop(self) -> None:
        """Delete nothing any more."""
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

    async def _look(self, days: float) -> None:
        while True:
            while await self._delete(partial(too_old, days=days)) == _AT_ONCE:
                pass
            await asyncio.sleep(LOOK_EVERY_S)

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
    newest = select(func.max(col(RunRow.number))).where(col(RunRow.flow_id) == flow_id)
    old = col(RunRow.number) <= newest.scalar_subquery() - keep
    return _delete(session, col(RunRow.flow_id) == flow_id, old)


def too_old(session: Session, days: float) -> list[str]:
    """Delete runs that ended so many days ago; some at a time."""
    return _delete(session, col(RunRow.ended_at) < utc_now() - timedelta(days=days))


def _delete(session: Session, *conditions: ColumnElement[bool]) -> list[str]:
    ended = col(RunRow.state).in_(ENDED)
    chosen = select(col(RunRow.id)).where(ended, *conditions).order_by(col(RunRow.id))
    ids = list(session.scalars(chosen.limit(_AT_ONCE)))
    if ids:
        session.execute(delete(RunRow).where(col(RunRow.id).in_(ids)))
    return ids
