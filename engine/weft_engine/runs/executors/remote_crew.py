"""The workers of one environment: started when there is work, shared by runs, sent home when idle.

One unit at a time has a worker for itself, so that the end of a worker is the end of one unit.
Which unit goes next is first come, first served; one that has no room yet is passed by those that
have, but not for ever. What there is to share out (processors and so on) is counted here.
"""

import itertools
import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Final

from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel.backends.control import Exit, Host, Note, Refused, error_from_data
from weft_engine.kernel.backends.link import Hub, WorkerLink
from weft_engine.kernel.io_loop import io_loop
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.remote_room import Job, Member, Room
from weft_engine.runs.executors.remote_stock import fits, is_free, unavailable
from weft_engine.runs.executors.threads import pool

log = logging.getLogger(__name__)

MODULE: Final = "weft_engine.runs.executors.worker"
_MOST_PASSED: Final = 64
"""So many others may go before a unit that has no room yet."""
_MOST_UNITS: Final = 500
"""A worker that has done so many is replaced."""
_KNOWN_S: Final = 1.0
"""How long to wait for how a process has ended, when its connection has."""
_numbers = itertools.count()


class Crew:
    """Gives every unit a worker."""

    def __init__(self, room: Room) -> None:
        """Make it; nothing is started yet."""
        self.room = room
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._members: dict[str, Member] = {}
        self._hub: Hub | None = None
        self._machines: list[Resources] = []
        self._state = "new"

    @property
    def workers(self) -> list[Member]:
        """Those that are there, or on their way."""
        with self._lock:
            return list(self._members.values())

    @property
    def waiting(self) -> int:
        """How many units have no worker yet."""
        with self._lock:
            return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Find a worker for a unit."""
        with self._lock:
            self._waiting.append(job)
            first, ready = self._state == "new", self._state == "open"
            if first:
                self._state = "opening"
        if first:
            pool.run(self._open)
        elif ready:
            self._assign()

    def withdraw(self, job: Job) -> bool:
        """Forget a unit that has no worker yet; whether it had none."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                return True
            return False

    def release(self, member: Member) -> None:
        """A worker has done its unit."""
        with self._lock:
            member.job = None
            member.units += 1
            member.since = monotonic()
            worn = member.units >= _MOST_UNITS
        if worn:
            self.dismiss(member, "it was replaced")
        else:
            loop = io_loop()
            loop.call_soon_threadsafe(loop.call_later, self.room.idle_s, self._look, member)
        self._assign()

    def dismiss(self, member: Member, why: str) -> None:
        """End a worker at once, and with it what it works on."""
        self.room.kill(member.name)
        self._gone(member, why)

    def tell_all(self, key: str, body: bytes) -> None:
        """Say something to all workers that were told something before."""
        with self._lock:
            knowing = [member for member in self._members.values() if key in member.told]
        for member in knowing:
            member.send(body)

    def close(self) -> None:
        """End all workers; units that wait are refused."""
        with self._lock:
            opened, self._state = self._state == "open", "new"
            jobs, members = list(self._waiting), list(self._members.values())
            self._waiting.clear()
            hub, self._hub = self._hub, None
        for job in jobs:
            job.refused(_closed())
        for member in members:
            if member.link is not None and member.job is None:
                member.link.send(Exit())
            else:
                self.room.kill(member.name)
        if opened:
            self.room.close()
        if hub is not None:
            hub.close()

    # Starting

    def _open(self) -> None:
        try:
            hub = Hub(self.room.hub(), self._joined)
            machines = self.room.machines()
        except Exception as error:  # noqa: BLE001 - whatever it is, units that wait must know
            known = error if isinstance(error, WeftError) else _none(str(error))
            with self._lock:
                self._state = "new"
                jobs = list(self._waiting)
                self._waiting.clear()
            for job in jobs:
                job.refused(known)
            return
        with self._lock:
            self._hub, self._machines, self._state = hub, machines, "open"
        self._assign()

    def _assign(self) -> None:
        """Give work to workers, as far as there is room."""
        turn = _Turn()
        with self._lock:
            if self._state != "open":
                return
            for job in list(self._waiting):
                if not self._place(job, turn) and job.passed > _MOST_PASSED:
                    break
        for job, error in turn.refused:
            job.refused(error)
        for member in turn.ended:
            self.room.kill(member.name)
        for job, member in turn.begun:
            pool.run(partial(job.begin, member))
        for member in turn.started:
            self._launch(member)

    def _place(self, job: Job, turn: "_Turn") -> bool:
        """Find a worker for a unit; whether it does not wait any more."""
        member = self._idle(job.needs)
        if member is None:
            if not fits(job.needs, self._machines):
                self._machines = self.room.machines()
            if not fits(job.needs, self._machines):
                self._waiting.remove(job)
                error = unavailable(self.room.name, job.needs, self._machines)
                turn.refused.append((job, error))
                return True
            if not self._has_room(job.needs, turn.ended):
                job.passed += 1
                return False
        self._waiting.remove(job)
        if member is None:
            name = f"{self.room.name}-unit-{next(_numbers)}"
            member = self._members[name] = Member(name, job.needs, job)
            turn.started.append(member)
        else:
            turn.begun.append((job, member))
        member.job, member.needs = job, job.needs
        return True

    def _idle(self, needs: Resources) -> Member | None:
        for member in self._members.values():
            fits = member.needs == needs if self.room.holds else self._free(needs)
            if member.job is None and member.link is not None and not member.gone and fits:
                return member
        return None

    def _has_room(self, needs: Resources, ended: list[Member]) -> bool:
        """Whether one more worker may be started; idle ones that are in its way are ended."""
        if self._free(needs):
            return True
        if not self.room.holds:
            return False
        idle = [m for m in self._members.values() if m.job is None and m.link is not None]
        for member in sorted(idle, key=lambda member: member.since):
            member.gone = True
            del self._members[member.name]
            ended.append(member)
            if self._free(needs):
                return True
        return False

    def _free(self, needs: Resources) -> bool:
        """Whether all machines together have so much left."""
        busy = [m.needs for m in self._members.values() if m.job is not None or self.room.holds]
        return is_free(needs, self._machines, busy)

    def _launch(self, member: Member) -> None:
        hub = self._hub
        if hub is None:
            self._gone(member, "the engine ends")
            return
        try:
            self.room.launch(
                member.name,
                hub.address,
                hub.token,
                member.needs,
                lambda why: self._gone(member, why),
            )
        except WeftError as error:
            job = self._forget(member)
            if job is not None:
                job.refused(error)
            return
        if self.room.join_s is not None:
            loop = io_loop()
            loop.call_soon_threadsafe(loop.call_later, self.room.join_s, self._late, member)

    def _joined(self, link: WorkerLink) -> None:
        with self._lock:
            member = self._members.get(link.name)
            if member is not None:
                member.link = link
        if member is None:
            link.send(Exit())
            return
        link.attach(lambda said: self._hear(member, said), lambda why: self._cut(member, why))
        link.send(Host(MODULE))
        job = member.job
        if job is not None:
            pool.run(lambda: job.begin(member))

    # What workers say, and how they end

    def _hear(self, member: Member, said: Any) -> None:
        job = member.job
        if isinstance(said, Note) and job is not None:
            job.hear(said.body)
        elif isinstance(said, Refused):
            self.room.kill(member.name)
            job = self._forget(member)
            if job is not None:
                job.refused(error_from_data(said.error))

    def _cut(self, member: Member, why: str) -> None:
        """Its connection is gone; how its process has ended says more, if that is heard soon."""
        loop = io_loop()
        later = loop.call_later
        loop.call_soon_threadsafe(later, _KNOWN_S, pool.run, lambda: self._gone(member, why))

    def _gone(self, member: Member, why: str) -> None:
        job = self._forget(member)
        if job is not None:
            job.lost(why)
        self._assign()

    def _forget(self, member: Member) -> Job | None:
        with self._lock:
            if member.gone:
                return None
            member.gone = True
            self._members.pop(member.name, None)
            job, member.job = member.job, None
            return job

    def _late(self, member: Member) -> None:
        if member.link is None and not member.gone:
            pool.run(lambda: self.dismiss(member, "it has not connected in time"))

    def _look(self, member: Member) -> None:
        """End a worker that has been idle for long."""
        with self._lock:
            idle = monotonic() - member.since
            if member.job is not None or member.gone or idle < self.room.idle_s:
                return
            member.gone = True
            self._members.pop(member.name, None)
        pool.run(lambda: self.room.kill(member.name))


@dataclass(slots=True)
class _Turn:
    """What comes of looking at all that wait; done when the lock is free again."""

    refused: list[tuple[Job, WeftError]] = field(default_factory=list)
    begun: list[tuple[Job, Member]] = field(default_factory=list)
    started: list[Member] = field(default_factory=list)
    ended: list[Member] = field(default_factory=list)


def _none(why: str) -> ResourceError:
    return ResourceError(
        f"The environment has no workers: {why}",
        code="run.env_unavailable",
        hint="Run it with the environment local.",
        params={"reason": why},
    )


def _closed() -> ResourceError:
    return ResourceError(
        "The engine ends.", code="run.env_unavailable", hint="Run it again.", retryable=True
    )
