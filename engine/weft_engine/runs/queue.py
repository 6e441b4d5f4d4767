"""Runs that wait for a worker: first come, first served among one tenant's, tenants in turns."""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from weft_engine.runs.run import RunRequest


@dataclass(slots=True, eq=False)
class Job:
    """One run, waiting or under way."""

    request: RunRequest
    cancel: threading.Event = field(default_factory=threading.Event)
    last_seq: int = 0
    started: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)


class FairQueue:
    """A queue for several threads."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._tenants: OrderedDict[str, deque[Job]] = OrderedDict()
        self._count = 0
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._count

    def put(self, job: Job) -> int | None:
        """Add a run.

        Returns:
            How many wait before it, 0 when a worker is free; None when too many wait.
        """
        with self._changed:
            if self._count >= self._limit:
                return None
            position = max(self._count + 1 - self._idle, 0)
            self._tenants.setdefault(job.request.tenant, deque()).append(job)
            self._count += 1
            self._changed.notify()
            return position

    def take(self) -> Job | None:
        """The next run, as soon as there is one; None when the queue is closed."""
        with self._changed:
            self._idle += 1
            while not self._count and not self._closed:
                self._changed.wait()
            self._idle -= 1
            if self._closed:
                return None
            tenant, jobs = self._tenants.popitem(last=False)
            job = jobs.popleft()
            self._count -= 1
            if jobs:
                self._tenants[tenant] = jobs
            return job

    def remove(self, run_id: str) -> Job | None:
        """Take a waiting run out."""
        with self._changed:
            for tenant, jobs in self._tenants.items():
                for job in jobs:
                    if job.request.run_id == run_id:
                        jobs.remove(job)
                        self._count -= 1
                        if not jobs:
                            del self._tenants[tenant]
                        return job
        return None

    def close(self) -> None:
        """Let every worker go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
