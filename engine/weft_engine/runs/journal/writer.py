"""One writer a process for the rows of all its runs.

A group begins when there are rows and the group before it is on disk. So groups form by
themselves under load, and a row alone waits for about one sync of the disk. While the process
lives, the same writer holds on to the runs.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from weft_engine.runs.journal.base import JournalStore, Lease, PackedRow, Row
from weft_engine.runs.journal.errors import JournalError, fenced

log = logging.getLogger(__name__)

TTL_S: Final = 30.0
"""How long a run belongs to a process that is no longer heard of."""
PATIENCE_S: Final = 10.0
"""How long rows wait for a database that does not answer, before their runs are stopped."""
_MOST_ROWS: Final = 10_000
_MOST_BYTES: Final = 32 * 1024 * 1024
_LINGER_S: Final = 5.0
_BEATS: Final = 3


class Member:
    """A run that is written by the group writer."""

    def __init__(self, lease: Lease, deadline: float, on_lost: Callable[[], None] | None) -> None:
        self.lease = lease
        self.failure: JournalError | None = None
        self.deadline = deadline
        """When it is lost if it was not renewed by then, by the monotonic clock."""
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._waiting: set[threading.Event] = set()

    def lose(self, failure: JournalError) -> None:
        """Nothing more is written of it; the first reason stays."""
        with self._lock:
            if self.failure is not None:
                return
            self.failure = failure
            waiting = list(self._waiting)
        for event in waiting:
            event.set()
        if self._on_lost is not None:
            _call(self._on_lost)

    def lost(self) -> bool:
        """Whether it is lost, by now."""
        if self.failure is None and time.monotonic() >= self.deadline:
            self.lose(fenced(self.lease.run_id))
        return self.failure is not None

    def wait(self, event: threading.Event) -> None:
        """Wait for what the writer sets, or for the loss; raises the failure then."""
        with self._lock:
            self._waiting.add(event)
            if self.failure is not None:
                event.set()
        event.wait()
        with self._lock:
            self._waiting.discard(event)
        if self.failure is not None:
            raise self.failure


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be written, and what is to be called then."""

    member: Member
    row: Row | None = None
    over: tuple[str, str] | None = None
    then: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """About how many bytes it has."""
        return len(self.row.data) if isinstance(self.row, PackedRow) else 0


class GroupWriter:
    """Writes groups of rows into a store. Its threads are there while there is something to do."""

    def __init__(
        self, store: JournalStore, ttl_s: float = TTL_S, patience_s: float = PATIENCE_S
    ) -> None:
        self.store = store
        self.ttl_s = ttl_s
        self.patience_s = patience_s
        self._changed = threading.Condition()
        self._queue: deque[Item] = deque()
        self._bytes = 0
        self._thread: threading.Thread | None = None
        self._idle = False
        self._busy = False
        """Whether a group is being written."""
        self._members: set[Member] = set()
        self._renewer: threading.Thread | None = None
        self._beat = threading.Event()

    def join(self, member: Member) -> None:
        """Hold on to a run from now on."""
        with self._changed:
            self._members.add(member)
            self._beat.clear()
            if self._renewer is None:
                self._renewer = _thread("weft-journal-leases", self._renew_all)

    def leave(self, member: Member) -> None:
        """Hold on to it no more."""
        with self._changed:
            self._members.discard(member)
            if not self._members:
                self._beat.set()

    def put(self, items: list[Item]) -> None:
        """Have things written with the next group. Waits while far too much is waiting."""
        with self._changed:
            while self._too_much() and threading.current_thread() is not self._thread:
                self._changed.wait()
            self._queue.extend(items)
            self._bytes += sum(item.size for item in items)
            self._wake()

    def write_here(self, items: list[Item]) -> None:
        """Write things in the calling thread, where nobody writes; else with the next group.

        So a run alone waits for the disk, and not for two threads to wake each other.
        """
        with self._changed:
            free = self.store.near and not self._busy and not self._queue
            self._busy = self._busy or free
        if not free:
            self.put(items)
            return
        again: list[Item] = []
        try:
            again = self._guarded(items, patient=False)
        finally:
            with self._changed:
                self._busy = False
                self._queue.extendleft(reversed(again))
                self._bytes += sum(item.size for item in again)
                if self._queue:
                    self._wake()

    def _wake(self) -> None:
        if self._busy:
            return  # who writes now looks at the queue when it is done
        if self._thread is None:
            self._thread = _thread("weft-journal", self._write_all)
        elif self._idle:
            self._changed.notify_all()

    # The writer's thread

    def _write_all(self) -> None:
        while group := self._next():
            self._guarded(group, patient=True)
            with self._changed:
                self._busy = False

    def _guarded(self, group: list[Item], *, patient: bool) -> list[Item]:
        """Write a group; what is to be tried again, where that was not done here."""
        try:
            return self._write(group, patient=patient)
        except Exception as error:
            log.exception("the journal's writer failed")
            failure = JournalError(f"The journal's writer failed: {error!r}")
            for member in {item.member for item in group}:
                member.lose(failure)
            return []

    def _next(self) -> list[Item]:
        """The next group; nothing when there was nothing to do for a while."""
        with self._changed:
            while self._busy or not self._queue:
                self._idle = True
                woken = self._changed.wait(_LINGER_S)
                self._idle = False
                if not woken and not self._queue:
                    self._thread = None
                    return []
            self._busy = True
            crowded = self._too_much()
            group: list[Item] = []
            runs: dict[str, Member] = {}
            size = 0
            while self._queue and len(group) < _MOST_ROWS and size < _MOST_BYTES:
                member = self._queue[0].member
                # The answer names runs: one of them must not be there twice, by two leases.
                if runs.setdefault(member.lease.run_id, member) is not member:
                    break
                item = self._queue.popleft()
                group.append(item)
                size += item.size
            self._bytes -= size
            if crowded:
                self._changed.notify_all()
            return group

    def _too_much(self) -> bool:
        return len(self._queue) >= _MOST_ROWS or self._bytes >= _MOST_BYTES

    def _write(self, group: list[Item], *, patient: bool) -> list[Item]:
        # After a row that was not written none may follow: the journal would have a gap.
        items = [item for item in group if item.member.failure is None]
        if not items:
            return []
        members = {item.member for item in items}
        try:
            lost = set(self._patiently(items, self.patience_s if patient else 0.0))
        except JournalError as error:
            if error.retryable and not patient:
                return items
            self._refused(items, members, error)
            return []
        for member in members:
            if member.lease.run_id in lost:
                member.lose(fenced(member.lease.run_id))
        for item in items:
            if item.then is not None and item.member.lease.run_id not in lost:
                _call(item.then)
        return []

    def _refused(self, items: list[Item], members: set[Member], error: JournalError) -> None:
        """Rows cannot be written; those of other runs perhaps can."""
        if error.code == "journal.unstorable" and len(members) > 1:
            for member in members:
                self._write([item for item in items if item.member is member], patient=True)
            return
        log.error("rows of %d runs cannot be written: %s", len(members), error)
        for member in members:
            member.lose(error)

    def _patiently(self, items: list[Item], patience_s: float) -> list[str]:
        """Write; again and again for a while when the store does not answer.

        It may have written the rows before its answer was lost; twice the same row is no harm.
        """
        batch = [(item.member.lease, item.row, item.over) for item in items]
        until = time.monotonic() + patience_s
        pause = 0.05
        while True:
            try:
                return self.store.write(batch)
            except JournalError as error:
                if not error.retryable or time.monotonic() + pause > until:
                    raise
                log.warning("the journal is tried again: %s", error)
            threading.Event().wait(pause)
            pause = min(1.0, pause * 2)

    # The thread that holds on to runs

    def _renew_all(self) -> None:
        while True:
            self._beat.wait(self.ttl_s / _BEATS)
            with self._changed:
                members = [member for member in self._members if member.failure is None]
                if not self._members:
                    self._renewer = None
                    return
            if members:
                self._renew(members)

    def _renew(self, members: list[Member]) -> None:
        began = time.monotonic()
        try:
            kept = self.store.renew([member.lease for member in members], self.ttl_s)
        except JournalError as error:
            log.warning("runs cannot be held on to now: %s", error)
            for member in members:
                member.lost()
            return
        found = {(lease.run_id, lease.token) for lease in kept}
        for member in members:
            if (member.lease.run_id, member.lease.token) in found:
                member.deadline = began + self.ttl_s
            else:
                self._gone(member)

    def _gone(self, member: Member) -> None:
        """It could not be renewed: it is lost, or it was given back meanwhile."""
        with self._changed:
            there = member in self._members
        if there:
            member.lose(fenced(member.lease.run_id))


_writers: "WeakValueDictionary[int, GroupWriter]" = WeakValueDictionary()
_writers_lock: Final = threading.Lock()


def writer_of(store: JournalStore, ttl_s: float = TTL_S) -> GroupWriter:
    """The writer of this process for a store; `ttl_s` counts when there is none yet.

    It is there as long as somebody has it: its threads while they work, the journals of its runs.
    """
    with _writers_lock:
        writer = _writers.get(id(store))
        if writer is None:
            writer = _writers[id(store)] = GroupWriter(store, ttl_s)
        return writer


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _call(then: Callable[[], None]) -> None:
    try:
        then()
    except Exception:
        log.exception("what was to follow a row failed")
