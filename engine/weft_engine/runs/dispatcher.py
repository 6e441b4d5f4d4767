"""Runs on their way: queued, under way, at rest, parked; and what each of them is told."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from weft_engine.errors import FlowError
from weft_engine.runs.closing import NOT_WRITTEN, Closing
from weft_engine.runs.debug import Command, not_stopped
from weft_engine.runs.engine.debugging_points import require_readable
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import ENDED, JournalStore, RunEntry, SignalRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.writer import TTL_S
from weft_engine.runs.notices import Notices, interrupted, nameless, not_active, too_many
from weft_engine.runs.parked import Parked, Waiting, called_below, waiting_for
from weft_engine.runs.queue import FairQueue, Job
from weft_engine.runs.run import RunRequest, RunState

log = logging.getLogger(__name__)

_AGAIN_S: Final = 5.0
_KEPT: Final = frozenset({"breakpoints", "pause"})
"""What a run that waits is told when it goes on."""


class Dispatcher:
    """Starts runs when it is their turn, each on a thread of its own."""

    def __init__(
        self,
        executor: Executor,
        store: JournalStore | None,
        emit: Callable[[RunEvent], None],
        *,
        owner: str = "engine",
        workers: int,
        per_tenant: int | None = None,
    ) -> None:
        """Begin with nothing to do.

        Args:
            executor: Runs a job in the calling thread.
            store: The journal; None where runs are not to survive the process.
            emit: Takes the events that are told of runs that are not under way.
            owner: Who holds the leases.
            workers: How many runs may be under way.
            per_tenant: How many of them may be of one tenant.
        """
        self._executor = executor
        self._store = store
        self._notices = Notices(emit)
        self._queue = FairQueue(workers=workers, per_tenant=per_tenant)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._leaving = False
        self._parked = Parked(self._wake)
        self._closing = Closing(store, owner)
        self._owner = owner

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return len(self._jobs) - len(self._queue)

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        return len(self._queue)

    @property
    def parked(self) -> int:
        """How many runs wait for a moment or a signal."""
        return len(self._parked)

    # What is asked

    def submit(self, job: Job) -> None:
        """Run something as soon as it is its turn."""
        run_id = job.request.run_id
        with self._lock:
            if self._leaving or run_id in self._jobs:
                log.error("the run %s was sent twice, or too late", run_id)
                return
            self._jobs[run_id] = job
        position = self._queue.put(job)
        if position is None:
            self._refuse(job, too_many())
            return
        self._start()
        if position > 0:
            with job.lock:
                if not job.started and not job.cancelled:
                    self._notices.say(job, "run_queued", position=position)

    def resume(
        self,
        run_id: str,
        last_seq: int,
        commands: Sequence[Command] = (),
        request: RunRequest | None = None,
    ) -> None:
        """Go on with a run of an earlier engine; see `protocol.Resume`.

        Raises:
            JournalError: the journal cannot be read, and trying again is no use.
        """
        waiting = Waiting(last_seq=last_seq, commands=list(commands), request=request)
        with self._or_later(run_id, waiting):
            self._resume(run_id, last_seq, commands, request)

    def _resume(
        self,
        run_id: str,
        last_seq: int,
        commands: Sequence[Command],
        request: RunRequest | None,
    ) -> None:
        entry = None if self._store is None else self._store.entry(run_id)
        if entry is None and request is not None:
            self.submit(Job(_at(request, last_seq), last_seq, commands=list(commands)))
        elif self._store is None or entry is None:
            self._refuse(Job(nameless(run_id), last_seq), interrupted())
        elif entry.status in ENDED:
            steps = self._store.steps(run_id)
            self._notices.ended(entry, last_seq, steps, self._executor.told_again(steps))
        elif entry.status == "parked" and all(one.kind != "pause" for one in commands):
            self._park(run_id, waiting_for(self._store.wakes(run_id), last_seq, commands))
        else:
            self._go_on(entry, Waiting(last_seq=last_seq, commands=list(commands)))

    def tell(self, run_id: str, command: Command) -> bool:
        """Tell a run something.

        Returns:
            False for a signal that was sent before.

        Raises:
            FlowError: `run.not_active`, there is no such run here; or it cannot do that now.
        """
        if command.kind == "signal":
            return self._signal(run_id, command)
        require_readable(command.breakpoints)
        with self._lock:
            job = self._jobs.get(run_id)
        told = job is not None and job.tell(command)
        if not told and not self._tell_parked(run_id, command):
            raise not_active(run_id)
        return True

    def cancel(self, run_id: str) -> None:
        """Stop a run, wherever it is."""
        with self._lock:
            job = self._jobs.get(run_id)
        if job is None:
            self._cancel_parked(run_id)
            return
        with job.lock:
            job.cancelled = True
            if job.control is not None:
                job.control.cancel()
        if self._queue.remove(run_id) is not None:
            self._end_unstarted(job)

    def refuse(self, run_id: str, last_seq: int, error: BaseException) -> None:
        """A run that was sent cannot be run; one that is under way all the same goes on."""
        with self._lock:
            known = run_id in self._jobs
        if not known:
            self._notices.refused(Job(nameless(run_id), last_seq), error)

    def references(self) -> list[str]:
        """The digests of all blobs that the journal names."""
        return [] if self._store is None else sorted(self._store.references())

    def forget(self, run_ids: Sequence[str]) -> None:
        """Delete ended runs from the journal."""
        if self._store is not None:
            self._store.forget(run_ids)

    def leave(self) -> None:
        """Leave every run where it is, for the next engine to go on."""
        # They stop where they are, as in a crash: the next engine goes on from the journal.
        self._leaving = True
        self._queue.close()
        self._parked.close()

    # Threads

    def _start(self) -> None:
        while (job := self._queue.take()) is not None:
            thread = threading.Thread(target=self._work, args=(job,), name="weft-run", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no more threads
                log.exception("the run %s cannot be started", job.request.run_id)
                self._refuse(job, error)
                self._gone(job)

    def _work(self, first: Job) -> None:
        job: Job | None = first
        while job is not None:
            try:
                self._run(job)
            except FlowError as error:
                self._refuse(job, error)
            except BaseException as error:  # a run must end, whatever happens
                log.exception("the run %s failed inside the engine", job.request.run_id)
                self._refuse(job, error)
            finally:
                self._gone(job)
            job = self._queue.take()
        self._start()

    def _run(self, job: Job) -> None:
        if job.cancelled:
            self._end_unstarted(job)
            return
        if job.request.resume:
            waiting = Waiting(last_seq=job.last_seq, commands=job.commands)
            with self._or_later(job.request.run_id, waiting):
                self._go_through(job)
        else:
            self._go_through(job)

    def _go_through(self, job: Job) -> None:
        result = self._executor.run(job, self._rest)
        run_id = job.request.run_id
        if result is None:
            # Another engine holds it; it may be gone when its lease ends.
            self._later(run_id, Waiting(last_seq=job.last_seq), TTL_S)
        elif result.failure is not None and result.failure["code"] in NOT_WRITTEN:
            self._closing.add(run_id)
        elif result.state is RunState.PAUSED and self._store is not None and not self._leaving:
            with self._or_later(run_id, Waiting(last_seq=job.last_seq)):
                wakes = [] if result.stands else self._store.wakes(run_id)
                waiting = waiting_for(wakes, job.last_seq)
                if result.stands:
                    waiting.stands, waiting.commands = True, [Command(kind="pause")]
                self._park(run_id, waiting)

    def _gone(self, job: Job) -> None:
        with self._lock:
            if self._jobs.get(job.request.run_id) is job:
                del self._jobs[job.request.run_id]
        with job.lock:
            resting, job.resting, job.over = job.resting, False, True
        if not resting:
            self._queue.done(job)

    def _rest(self, job: Job, *, rests: bool) -> None:
        """A run that stands at a breakpoint takes nobody's place."""
        with job.lock:
            if job.resting == rests or job.over:
                return
            job.resting = rests
        if rests:
            self._queue.done(job)
            self._start()
        else:
            self._queue.again(job)

    # Runs that wait

    def _park(self, run_id: str, waiting: Waiting) -> None:
        with self._lock:
            job = self._jobs.get(run_id)
        if job is not None:
            with job.lock:
                job.over = True
                waiting.commands += [one for one in job.commands if one.kind in _KEPT]
                waiting.last_seq = job.last_seq
        with self._lock:
            # At once: whoever is told something finds it here or there.
            self._jobs.pop(run_id, None)
            self._parked.add(run_id, waiting)
        if self._store is not None:
            # One that came while the run was on its way here has nobody else to see it.
            self._parked.signalled(run_id, self._store.signals(run_id))

    def _wake(self, run_id: str, waiting: Waiting) -> None:
        try:
            with self._or_later(run_id, waiting):
                self._woken(run_id, waiting)
        except Exception as error:
            log.exception("the run %s cannot go on", run_id)
            self._refuse(Job(nameless(run_id), waiting.last_seq), error)

    def _woken(self, run_id: str, waiting: Waiting) -> None:
        entry = None if self._store is None else self._store.entry(run_id)
        if waiting.look_again:
            self._resume(run_id, waiting.last_seq, waiting.commands, waiting.request)
        elif entry is None:
            self._refuse(Job(nameless(run_id), waiting.last_seq), interrupted())
        else:
            self._go_on(entry, waiting)

    @contextmanager
    def _or_later(self, run_id: str, waiting: Waiting) -> Iterator[None]:
        """Where the journal cannot be used for a while, look into it again in a while."""
        try:
            yield
        except JournalError as error:
            if error.code not in NOT_WRITTEN:  # it waits instead of failing
                raise
            log.warning("the run %s waits for the journal: %s", run_id, error)
            self._later(run_id, waiting, _AGAIN_S)

    def _later(self, run_id: str, waiting: Waiting, seconds: float) -> None:
        waiting.due, waiting.look_again = time.time() + seconds, True
        with self._lock:
            self._jobs.pop(run_id, None)
            self._parked.add(run_id, waiting)

    def _go_on(self, entry: RunEntry, waiting: Waiting) -> None:
        request = _at(entry.request, waiting.last_seq, resume=True)
        self.submit(Job(request, waiting.last_seq, commands=waiting.commands))

    def _signal(self, run_id: str, command: Command) -> bool:
        if self._store is None or self._store.entry(run_id) is None:
            raise not_active(run_id)
        given = command.signal or {}
        row = SignalRow(
            id=str(given["id"]),
            name=str(given["name"]),
            payload=given.get("payload"),
            by=given.get("by"),
            at=time.time(),
        )
        if not self._store.signal(run_id, row):
            return False
        with self._lock:
            job = self._jobs.get(run_id)
        if job is not None:
            job.tell(command)
        self._parked.signalled(run_id, [row])
        return True

    def _tell_parked(self, run_id: str, command: Command) -> bool:
        waiting = self._parked.get(run_id)
        if waiting is None:
            return False
        if waiting.stands != (command.kind == "pause"):
            # It stood for long, or is to: it takes its place again and is told then.
            waiting = self._parked.remove(run_id)
            if waiting is not None:
                waiting.commands.append(command)
                self._wake(run_id, waiting)
            return waiting is not None
        if command.kind == "breakpoints":
            waiting.commands.append(command)
        elif command.kind not in ("pause", "resume"):
            raise not_stopped(command.at)
        return True

    def _cancel_parked(self, run_id: str) -> None:
        waiting = self._parked.remove(run_id)
        if waiting is None:
            return
        self._close_entry(run_id)
        self._notices.cancelled(Job(nameless(run_id), waiting.last_seq))

    def _close_entry(self, run_id: str) -> None:
        """A run that the journal holds, and that nobody runs, was cancelled with what it called.

        It is over also where that cannot be written now: nobody asks to go on with it.
        """
        if self._store is None:
            return
        try:
            for name in (run_id, *called_below(self._store, run_id)):
                lease = self._store.acquire(name, self._owner, TTL_S)
                if lease is not None:
                    self._store.release(lease, "cancelled")
            self._store.end_below(run_id, "cancelled")
        except JournalError as error:
            log.warning("that the run %s was cancelled is not written down: %s", run_id, error)

    def _end_unstarted(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.request.run_id, None)
        if job.request.resume:
            self._close_entry(job.request.run_id)
        self._notices.cancelled(job)

    def _refuse(self, job: Job, error: BaseException) -> None:
        self._notices.refused(job, error)
        with self._lock:
            self._jobs.pop(job.request.run_id, None)


def _at(request: RunRequest, last_seq: int, *, resume: bool = False) -> RunRequest:
    return msgspec.structs.replace(request, last_seq=last_seq, resume=resume)
