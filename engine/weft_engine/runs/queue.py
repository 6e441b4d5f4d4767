"""Runs that wait for a worker: tenants take turns, and within one the more urgent goes first."""

import heapq
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Protocol

from weft_engine.runs.debug import Command
from weft_engine.runs.run import RunRequest

AGE_S: Final = 30.0
"""Waiting for so long counts as much as one more of priority, so nobody waits for ever."""

_Place = tuple[float, int, "Job"]


class Control(Protocol):
    """How a run under way is reached; from any thread, and none of it waits."""

    def tell(self, command: Command) -> None:
        """Say something to it."""
        ...

    def cancel(self) -> None:
        """Stop it for good."""
        ...

    def halt(self) -> None:
        """Stop a live run so that it can go on another time."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """One run, waiting or under way."""

    request: RunRequest
    last_seq: int = 0
    started: bool = False
    cancelled: bool = False
    control: "Control | None" = None
    """How to reach it, once it is under way."""
    commands: list[Command] = field(default_factory=list)
    """What it was told before it was under way."""
    resting: bool = False
    """It stands still, and takes nobody's place."""
    over: bool = False
    """It is no longer under way here."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def tell(self, command: Command) -> bool:
        """Tell a run that waits for its turn, or is under way; False when it has just left."""
        with self.lock:
            if self.over:
                return False
            if self.control is not None:
                self.control.tell(command)
            elif command.kind == "resume":
                self.commands = [one for one in self.commands if one.kind != "pause"]
            elif command.kind != "signal":
                self.commands.append(command)
        return True


class FairQueue:
    """A queue for several threads; none waits in it.

    Tenants take turns, so that a thousand runs of one hold up those of another by one run each. No
    tenant has more than `per_tenant` runs under way. Among the runs of a tenant those with more
    priority go first; waiting makes up for priority.
    """

    def __init__(
        self,
        *,
        limit: int = 10_000,
        workers: int = 1_000_000,
        per_tenant: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty queue.

        Args:
            limit: How many runs of one tenant may wait.
            workers: How many runs may be under way.
            per_tenant: How many of them may be of one tenant.
            clock: Tells the seconds; for tests.
        """
        self._limit = limit
        self._workers = workers
        self._per_tenant = min(per_tenant or workers, workers)
        self._clock = clock
        self._tenants: OrderedDict[str, list[_Place]] = OrderedDict()
        self._waiting: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._known: dict[str, Job] = {}
        self._numbers = count()
        self._closed = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def put(self, job: Job) -> int | None:
        """Add a run.

        Returns:
            Its place, counted from 1; 0 when it can start at once, None when too many of its
            tenant wait.
        """
        request = job.request
        tenant = request.tenant
        with self._lock:
            if self._waiting[tenant] >= self._limit:
                return None
            # What is compared is `priority + waited / AGE_S`; the present moment is the same for
            # all, so the order never changes while they wait.
            key = self._clock() - request.priority * AGE_S
            heapq.heappush(self._tenants.setdefault(tenant, []), (key, next(self._numbers), job))
            self._known[request.run_id] = job
            self._waiting[tenant] += 1
            free = min(self._workers - self._busy.total(), self._per_tenant - self._busy[tenant])
            return max(len(self._known) - max(free, 0), 0)

    def take(self) -> Job | None:
        """The run whose turn it is; None when none waits that may start now.

        Whoever took it says `done` when it has ended.
        """
        with self._lock:
            return None if self._closed else self._next()

    def done(self, job: Job) -> None:
        """A run that was taken is no longer under way, or stands still."""
        with self._lock:
            tenant = job.request.tenant
            self._busy[tenant] -= 1
            if self._busy[tenant] <= 0:
                del self._busy[tenant]

    def again(self, job: Job) -> None:
        """A run that stood still goes on: at once, even where that makes one more than may be."""
        with self._lock:
            self._busy[job.request.tenant] += 1

    def remove(self, run_id: str) -> Job | None:
        """Take a waiting run out."""
        with self._lock:
            job = self._known.pop(run_id, None)
            if job is not None:
                self._count_off(job.request.tenant)
            return job

    def close(self) -> None:
        """Give no more runs."""
        with self._lock:
            self._closed = True

    def _next(self) -> Job | None:
        """The run whose turn it is; its tenant's next turn comes after all others'."""
        if self._busy.total() >= self._workers:
            return None
        for tenant in list(self._tenants):
            if self._busy[tenant] >= self._per_tenant:
                continue
            job = self._first(tenant)
            if job is None:
                continue
            self._tenants.move_to_end(tenant)
            self._busy[tenant] += 1
            del self._known[job.request.run_id]
            self._count_off(tenant)
            return job
        return None

    def _first(self, tenant: str) -> Job | None:
        """Take the first that was not removed meanwhile."""
        places = self._tenants[tenant]
        while places:
            job = heapq.heappop(places)[2]
            if self._known.get(job.request.run_id) is job:
                return job
        return None

    def _count_off(self, tenant: str) -> None:
        self._waiting[tenant] -= 1
        if self._waiting[tenant] <= 0:
            del self._waiting[tenant]
            self._tenants.pop(tenant, None)
