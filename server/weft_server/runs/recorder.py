"""Turns the events of runs into rows, then tells whoever watches."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from weft_engine.runs.events import RunEvent, now_text
from weft_server.events import Bus, Event
from weft_server.runs import repository
from weft_server.runs.called_runs import Call, FrozenFlows
from weft_server.runs.journal import Journal
from weft_server.runs.live import Changes, LiveRun
from weft_server.runs.live_nodes import Row

RETRY_S: Final = 1.0
_OF_CALLED: Final = {"run_created": "called_run_created", "run_state": "called_run_state"}
"""What is told of a run that another one called: it is none of the runs of its flow."""

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
        self._below: dict[str, set[str]] = {}
        """Runs that runs under way called, ended ones included."""
        self._frozen_flows = FrozenFlows()

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
        if run.parent is not None:
            self.know_called(run.parent, run.id)

    def know_called(self, parent: str, run_id: str) -> None:
        """A run called another one, which may have ended."""
        below = self._below.setdefault(parent, set())
        below.add(run_id)
        if parent in self._runs:
            self._runs[parent].called = len(below)

    def cut_off(self) -> None:
        """End runs whose calling run has ended, as nobody tells of them any more."""
        for run in self.running:
            if run.parent is not None and run.parent not in self._runs:
                self._cut_off(run, now_text())

    def take(self, events: Sequence[RunEvent]) -> None:
        """Take in events; the end of a run is written at once."""
        ended = False
        for event in events:
            run = self._runs.get(event.run) or self._called(event)
            if run is None or not run.apply(event):
                continue
            ended |= run.over
            self._write(run)
            if run.over:
                for below in list(self._below.get(run.id, ())):
                    if below in self._runs:
                        self._cut_off(self._runs[below], event.at)
        if ended:
            self._journal.hurry()

    def _write(self, run: LiveRun) -> None:
        if run.id not in self._queued:
            self._queued.add(run.id)
            self._journal.submit(_RunWrite(run, self))

    def _called(self, event: RunEvent) -> LiveRun | None:
        """Follow a run that another one has just called; None for what is not known here."""
        call = Call.of(event)
        parent = self._runs.get(call.parent) if call is not None else None
        if call is None or parent is None or event.run in self._below.get(call.parent, ()):
            return None
        run = LiveRun(call.row(event.run, parent.row), parent.starter, call)
        self.follow(run)
        return run

    def _cut_off(self, run: LiveRun, at: str) -> None:
        run.cut_off(at)
        self._write(run)
        for below in list(self._below.get(run.id, ())):
            if below in self._runs:
                self._cut_off(self._runs[below], at)

    def begin(self, run: LiveRun) -> Changes:
        """Hand a run's changes to the journal."""
        self._queued.discard(run.id)
        return run.take()

    def save(self, session: Session, changes: Changes) -> int | None:
        """Store a run's changes; the number of one that was not stored before."""
        number = None
        if changes.opening is not None:
            number = repository.add_called(session, *changes.opening, self._frozen_flows)
        repository.save(session, changes)
        return number

    def stored(self, run: LiveRun, changes: Changes, number: int | None) -> None:
        """Tell everyone what is on disk now."""
        run.stored(changes)
        if number is not None:
            run.row["number"] = number
            self._announce(run, "run_created")
        topic = f"run:{run.id}"
        if self._bus.has_readers(topic):
            for event in changes.events:
                self._bus.publish(topic, event.as_dict())
        if changes.run is None:
            return
        if changes.run["ended_at"] is not None:
            self._gone(run)
        # As it is on disk: the run may have moved on since.
        self._announce(run, "run_state", changes.run)

    def failed(self, run: LiveRun, changes: Changes, error: Exception) -> None:
        """Try again later, unless the run itself was deleted meanwhile."""
        around = self._runs.get(run.parent or "")
        if isinstance(error, IntegrityError) and not (around is not None and around.unstored):
            log.warning("run %s was deleted while it ran", run.id)
            self._gone(run)
            if run.parent is None:
                self._abandon(run.id)
            return
        log.error("the events of run %s cannot be stored yet", run.id, exc_info=error)
        run.give_back(changes)
        if run.id not in self._queued:
            self._queued.add(run.id)
            asyncio.get_running_loop().call_later(
                RETRY_S, self._journal.submit, _RunWrite(run, self)
            )

    def _gone(self, run: LiveRun) -> None:
        self._runs.pop(run.id, None)
        self._below.pop(run.id, None)
        if not run.ended.done():
            run.ended.set_result(None)

    def _announce(self, run: LiveRun, kind: str, stored: Row | None = None) -> None:
        topic = f"workspace:{run.row['workspace_id']}"
        if run.parent is not None:
            kind = _OF_CALLED[kind]
        if self._bus.has_readers(topic):
            notice = run_notice(run, kind, stored)
            if run.parent is not None:
                notice["callers"] = self._callers(run)
            self._bus.publish(topic, notice)

    def _callers(self, run: LiveRun) -> list[str]:
        """The flows of the runs around a run; an empty name for what is not known any more."""
        found: list[str] = []
        parent = run.parent
        while parent is not None:
            around = self._runs.get(parent)
            found.append(around.row["flow_id"] if around is not None else "")
            parent = around.parent if around is not None else None
        return found


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
        **({"parent": run.parent} if run.parent is not None else {}),
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

    def begin(self) -> Callable[[Session], int | None]:
        self._changes = changes = self._recorder.begin(self._run)
        return partial(self._recorder.save, changes=changes)

    def finish(self, result: Any, error: Exception | None) -> None:
        if self._changes is None:
            log.error("the events of run %s cannot be written", self._run.id, exc_info=error)
        elif error is not None:
            self._recorder.failed(self._run, self._changes, error)
        else:
            self._recorder.stored(self._run, self._changes, result)
