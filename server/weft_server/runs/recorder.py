"""Turns the events of runs into rows, then tells whoever watches."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from weft_engine.runs.events import RunEvent
from weft_server.events import Bus, Event
from weft_server.runs import repository
from weft_server.runs.journal import Journal
from weft_server.runs.live import Changes, LiveRun
from weft_server.runs.live_nodes import Row

RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


class Recorder:
    """Keeps every run under way; an event is published only once it is on disk.

    So nobody ever saw an event that a crash could take back, and whoever reads the database up to
    some number and then listens misses nothing.
    """

    def __init__(self, journal: Journal, bus: Bus, abandon: Callable[[str], None]) -> None:
        self._journal = journal
        self._bus = bus
        self._abandon = abandon
        self._runs: dict[str, LiveRun] = {}
        self._queued: set[str] = set()

    @property
    def running(self) -> list[LiveRun]:
        """All runs that have not ended on disk."""
        return list(self._runs.values())

    def get(self, run_id: str) -> LiveRun | None:
        """A run under way."""
        return self._runs.get(run_id)

    async def open(self, run: LiveRun, store: Callable[[Session], int]) -> None:
        """Store a new run, which gives it its number, and follow it from now on."""
        run.row["number"] = await self._journal.write(store)
        self.follow(run)
        self._announce(run, "run_created")

    def follow(self, run: LiveRun) -> None:
        """Follow a run that is stored already."""
        for heavy in ("definition", "flows"):
            run.row.pop(heavy, None)
        self._runs[run.id] = run

    def take(self, events: Sequence[RunEvent]) -> None:
        """Take in events; the end of a run is written at once."""
        ended = False
        for event in events:
            run = self._runs.get(event.run)
            if run is None or not run.apply(event):
                continue
            ended |= run.over
            if run.id not in self._queued:
                self._queued.add(run.id)
                self._journal.submit(_RunWrite(run, self))
        if ended:
            self._journal.hurry()

    def begin(self, run: LiveRun) -> Changes:
        """Hand a run's changes to the journal."""
        self._queued.discard(run.id)
        return run.take()

    def stored(self, run: LiveRun, changes: Changes) -> None:
        """Tell everyone what is on disk now."""
        run.stored(changes)
        topic = f"run:{run.id}"
        if self._bus.has_readers(topic):
            for event in changes.events:
                self._bus.publish(topic, event.as_dict())
        if changes.run is None:
            return
        if changes.run["ended_at"] is not None:
            self._runs.pop(run.id, None)
            if not run.ended.done():
                run.ended.set_result(None)
        # As it is on disk: the run may have moved on since.
        self._announce(run, "run_state", changes.run)

    def failed(self, run: LiveRun, changes: Changes, error: Exception) -> None:
        """Try again later, unless the run itself was deleted meanwhile."""
        if isinstance(error, IntegrityError):
            log.warning("run %s was deleted while it ran", run.id)
            self._runs.pop(run.id, None)
            self._abandon(run.id)
            if not run.ended.done():
                run.ended.set_result(None)
            return
        log.error("the events of run %s cannot be stored yet", run.id, exc_info=error)
        run.give_back(changes)
        if run.id not in self._queued:
            self._queued.add(run.id)
            asyncio.get_running_loop().call_later(
                RETRY_S, self._journal.submit, _RunWrite(run, self)
            )

    def _announce(self, run: LiveRun, kind: str, stored: Row | None = None) -> None:
        topic = f"workspace:{run.row['workspace_id']}"
        if self._bus.has_readers(topic):
            self._bus.publish(topic, run_notice(run, kind, stored))


def run_notice(run: LiveRun, kind: str, stored: Row | None = None) -> Event:
    """A run as the event stream of its workspace shows it."""
    row = run.row if stored is None else {**run.row, **_moved(stored)}
    failure = row["failure"]
    return {
        "type": kind,
        "flow": row["flow_id"],
        "run": run.id,
        "number": row["number"],
        "state": row["state"],
        "started_by": row["started_by"],
        "created_at": row["created_at"].isoformat(),
        "ended_at": row["ended_at"].isoformat() if row["ended_at"] else None,
        "duration_ms": row["duration_ms"],
        "failure": {"code": failure["code"]} if failure else None,
    }


def _moved(stored: Row) -> Row:
    moved = {key: stored[key] for key in ("state", "ended_at", "duration_ms")}
    return moved | {"failure": msgspec.json.decode(stored["failure"] or "null")}


class _RunWrite:
    """One run's turn in the journal."""

    def __init__(self, run: LiveRun, recorder: Recorder) -> None:
        self._run = run
        self._recorder = recorder
        self._changes: Changes | None = None

    def begin(self) -> Callable[[Session], None]:
        self._changes = changes = self._recorder.begin(self._run)
        return partial(repository.save, changes=changes)

    def finish(self, result: Any, error: Exception | None) -> None:
        if self._changes is None:
            log.error("the events of run %s cannot be written", self._run.id, exc_info=error)
        elif error is not None:
            self._recorder.failed(self._run, self._changes, error)
        else:
            self._recorder.stored(self._run, self._changes)
