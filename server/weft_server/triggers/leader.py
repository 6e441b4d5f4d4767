"""What only one server does: firing schedules, finding ended runs, watching files.

However many servers share a database, the one with the lease is the leader; the others look now and
then whether it is free.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from weft_engine.library.triggers_schedule import ScheduleTrigger
from weft_server.database import Database, utc_now
from weft_server.events import Bus, Event
from weft_server.ids import new_id
from weft_server.runs.live import ENDED
from weft_server.runs.views import loaded
from weft_server.triggers import intake, lease, repository
from weft_server.triggers.dispatch import Dispatcher
from weft_server.triggers.kinds import flow_ended, schedule
from weft_server.triggers.results import Results
from weft_server.triggers.tables import TriggerEvent, TriggerRow
from weft_server.triggers.watching import Watches

NAME: Final = "triggers"
LOOK_S: Final = 10.0
"""How often the lease is renewed, and everything looked through that nobody announced."""
SOON_S: Final = 0.01

log = logging.getLogger("weft.triggers")


class Leader:
    """Holds the lease, if this server has it, and does the leader's work."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        dispatcher: Dispatcher,
        results: Results,
        files: Path,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.holder = new_id("srv")
        self.fence: int | None = None
        """Of the lease, while this server is the leader."""
        self._database = database
        self._bus = bus
        self._dispatcher = dispatcher
        self._results = results
        self._now = now
        self._wake = asyncio.Event()
        self._fresh = True
        self._watches = Watches(files, self._took_files, self._trouble)
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, also with what was left behind."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Look at once, as something has changed."""
        self._wake.set()

    async def stop(self) -> None:
        """Let go of everything."""
        tasks = [task for task in (self._task, *self._listening.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._let_go()

    async def _run(self) -> None:
        while True:
            try:
                delay = await self._turn()
            except lease.LostLeaseError:
                await self._resign()
                delay = SOON_S
            except Exception:
                log.exception("the triggers cannot be looked after now")
                delay = 1.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            self._wake.clear()

    async def _turn(self) -> float:
        """One look at everything; answers when to look again."""
        await self._dispatcher.wake_all()
        active = await self._database.query(repository.active)
        if not active:
            await self._let_go()
            return LOOK_S
        self.fence = await self._database.run(self._acquire)
        if self.fence is None:
            await self._resign()
            return LOOK_S
        self._fresh = False
        self._listen({row.workspace_id for row in active})
        await self._fire_schedules()
        await self._find_ended([row for row in active if row.type == "trigger.flow_ended"])
        await self._watches.keep([row for row in active if row.type == "trigger.file_watch"])
        next_at = await self._database.query(repository.next_due)
        if next_at is None:
            return LOOK_S
        # The clock may be set meanwhile, so nobody sleeps for long.
        return min(max((next_at - self._now()).total_seconds(), SOON_S), LOOK_S)

    def _acquire(self, session: Session) -> int | None:
        # SQLite's file belongs to one server, so another holder is a process that died.
        seize = self._fresh and self._database.engine.dialect.name == "sqlite"
        return lease.acquire(session, NAME, self.holder, self._now(), seize=seize)

    async def _let_go(self) -> None:
        """Nothing is to be done, or no longer here."""
        held = self.fence is not None
        await self._resign()
        if held:
            await self._database.run(
                partial(lease.release, name=NAME, holder=self.holder, now=self._now())
            )

    async def _resign(self) -> None:
        self.fence = None
        await self._watches.stop()

    async def _as_leader(self, work: Callable[[Session], list[TriggerEvent]]) -> None:
        """Write as the leader, or not at all; then deliver what was written."""
        fence = self.fence
        if fence is None:
            raise lease.LostLeaseError(NAME)

        def write(session: Session) -> list[TriggerEvent]:
            lease.require(session, NAME, self.holder, fence)
            return work(session)

        for event in await self._database.run(write):
            self._dispatcher.announce(event, event.state)
            self._dispatcher.wake(event.flow_id)

    # Schedules

    async def _fire_schedules(self) -> None:
        now = self._now()
        for row in await self._database.query(lambda session: repository.due(session, now)):
            if row.next_at is None or row.since is None:
                continue
            settings = ScheduleTrigger.model_validate(row.settings)
            # A long downtime of a dense schedule takes a while to count.
            found = await asyncio.to_thread(schedule.due, settings, row.since, row.next_at, now)
            await self._as_leader(partial(self._fire, row=row, found=found, now=now))

    def _fire(
        self, session: Session, *, row: TriggerRow, found: schedule.Due, now: datetime
    ) -> list[TriggerEvent]:
        current = session.get(TriggerRow, row.id)
        if current is None or not current.active or current.next_at != row.next_at:
            return []
        current.next_at = found.next_at
        session.add(current)
        events: list[TriggerEvent] = []
        if found.missed:
            told = {
                "missed": found.missed,
                "from": found.missed_from and found.missed_from.isoformat(),
                "to": found.missed_to and found.missed_to.isoformat(),
            }
            events.append(
                intake.note(
                    session, current, "missed", "trigger.missed", now,
                    count=found.missed, payload=told, due_at=found.missed_to,
                )
            )  # fmt: skip
        events += schedule_events(session, current, found, now)
        return events

    # Ends of other flows

    async def _find_ended(self, rows: list[TriggerRow]) -> None:
        for row in rows:
            if await self._database.query(partial(flow_ended.unseen, trigger=row)):
                await self._as_leader(partial(self._take_ended, row=row))

    def _take_ended(self, session: Session, *, row: TriggerRow) -> list[TriggerEvent]:
        now = self._now()
        current = session.get(TriggerRow, row.id)
        if current is None or not current.active:
            return []
        events = []
        for run, name in flow_ended.unseen(session, current):
            payload = flow_ended.payload(
                run, name, loaded(run.failure), self._results.read(session, run.id)
            )
            taken = intake.take(
                session, current, payload, now,
                once_key=flow_ended.once_key(run.id),
                depth=flow_ended.depth_of(session, run.id) + 1,
            )  # fmt: skip
            events.append(taken.event)
        if current.since is not None:
            current.since = max(current.since, now - flow_ended.MARGIN)
            session.add(current)
        return events

    def _listen(self, workspaces: set[str]) -> None:
        """Hear of the ends of runs in workspaces with armed flows."""
        for workspace_id in workspaces - self._listening.keys():
            self._listening[workspace_id] = asyncio.create_task(self._hear(workspace_id))
        for workspace_id in self._listening.keys() - workspaces:
            self._listening.pop(workspace_id).cancel()

    async def _hear(self, workspace_id: str) -> None:
        with self._bus.subscribe(f"workspace:{workspace_id}") as events:
            async for event in events:
                if _is_end(event):
                    self._dispatcher.wake(event["flow"])
                    self.wake()

    # Files

    async def _took_files(self, work: Callable[[Session, datetime], list[TriggerEvent]]) -> None:
        try:
            await self._as_leader(lambda session: work(session, self._now()))
        except lease.LostLeaseError:
            # Whoever has it now looks at the same files.
            self.wake()

    async def _trouble(self, trigger_id: str, code: str | None) -> None:
        def write(session: Session) -> None:
            row = session.get(TriggerRow, trigger_id)
            if row is not None and row.trouble != code:
                row.trouble = code
                session.add(row)

        await self._database.run(write)


def schedule_events(
    session: Session, row: TriggerRow, found: schedule.Due, now: datetime
) -> list[TriggerEvent]:
    """Store the events of times that are to be run now."""
    settings = ScheduleTrigger.model_validate(row.settings)
    events = []
    for index, time in enumerate(found.fire):
        payload: dict[str, Any] = {
            "time": schedule.local(settings, time).isoformat(),
            "missed": found.missed if index == 0 else 0,
            "late": now - time > timedelta(seconds=schedule.GRACE.total_seconds()),
        }
        key = f"time:{time.isoformat()}"
        taken = intake.take(session, row, payload, now, once_key=key, due_at=time)
        if not taken.duplicate:
            events.append(taken.event)
    return events


def _is_end(event: Event) -> bool:
    return event.get("type") == "run_state" and event.get("state") in ENDED
