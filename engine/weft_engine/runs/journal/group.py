"""The journal of one run, as its scheduler sees it; its rows are written with those of others."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

from weft_engine.runs.journal.base import (
    Durability,
    Journal,
    JournalStore,
    Lease,
    Moment,
    ReleaseRow,
    RunEntry,
    StepRow,
    WakeRow,
)
from weft_engine.runs.journal.errors import JournalError, fenced
from weft_engine.runs.journal.rows import pack_steps, pack_wake
from weft_engine.runs.journal.writer import TTL_S, GroupWriter, Item, Member, writer_of
from weft_engine.runs.run import RunRequest

_FOREVER: Final = float("inf")


def open_run(
    store: JournalStore,
    request: RunRequest,
    plan_hash: str,
    durability: Durability | str,
    owner: str,
    *,
    lease: Lease | None = None,
    ttl_s: float = TTL_S,
    on_lost: Callable[[], None] | None = None,
) -> Journal:
    """Take a run, a new one or one from before, and begin to write.

    Args:
        store: Where to. Runs that are opened on the same store share one writer.
        request: What the run is; kept with a new run, so that it can go on from the store alone.
        plan_hash: The plan its rows belong to; kept with a new run.
        durability: When rows are written. With `none` the store is left alone.
        owner: Who holds the run; the same for a process that takes the place of one that is gone.
        lease: The right to the run, where the caller has it already, and renews it.
        ttl_s: How long the run is held after the last sign of life; the first run that is opened on
            a store says it for all.
        on_lost: Called once, on any thread, when the journal is lost; see `Journal.failure`.

    Raises:
        JournalError: `journal.fenced` when another holds the run or it has ended; what the store
            says else.
    """
    if durability == "none":
        return NoJournal()
    if durability not in ("sync", "async", "exit"):
        raise ValueError(f"there is no durability {durability!r}")
    writer = writer_of(store, ttl_s)
    if lease is None:
        member = _taken(writer, _entry(request, plan_hash), owner, on_lost)
    else:
        member = Member(lease, _FOREVER, on_lost)
    return RunJournal(writer, member, cast("Durability", durability))


class RunJournal:
    """Writes the rows of one run with those of others. Any thread may call it."""

    def __init__(self, writer: GroupWriter, member: Member, durability: Durability) -> None:
        self.durability: Durability = durability
        self.lease = member.lease
        self._writer = writer
        self._member = member
        self._codec = writer.store.codec
        self._held: list[Item] = []
        """What is written in the end; of durability `exit` that is everything."""
        self._takes = False
        """Whether signals had their effect."""
        self._lock = threading.Lock()

    def record(self, row: StepRow, then: Callable[[], None] | None = None) -> None:
        self.record_all((row,), then)

    def record_all(
        self,
        rows: Sequence[StepRow],
        then: Callable[[], None] | None = None,
        when: Moment = "soon",
    ) -> None:
        waits = self.durability == "sync"
        items = [Item(self._member, packed) for packed in pack_steps(rows, self._codec)]
        if not items:
            items = [Item(self._member)]  # what it waits for was handed over before
        if then is not None and waits:
            items[-1] = Item(self._member, items[-1].row, None, then)
        self._put(items, when)
        if then is not None and not waits:
            then()

    def park(self, wake: WakeRow) -> None:
        pack_wake(wake, self._codec)  # what cannot be kept is told here and not to the writer
        self._put([Item(self._member, wake)])

    def unpark(self, node: str, scope: str) -> None:
        self._put([Item(self._member, None, (node, scope))])

    def take(self, signal_id: str) -> None:
        self._takes = True
        take = partial(self._writer.store.take, self.lease, signal_id)
        self._put([Item(self._member, None, None, take)])

    def lost(self) -> bool:
        return self._member.lost()

    @property
    def failure(self) -> JournalError | None:
        return self._member.failure

    def flush(self) -> None:
        done = threading.Event()
        self._write(Item(self._member, None, None, done.set))
        self._member.wait(done)

    def end(self, status: str) -> None:
        if self._takes:
            self.flush()  # once the run is given back its signals cannot be marked any more
        # It is given back now: that it cannot be renewed any more must not look like a loss.
        self._writer.leave(self._member)
        done = threading.Event()
        self._write(Item(self._member, ReleaseRow(status), None, done.set))
        self._member.wait(done)

    def _put(self, items: list[Item], when: Moment = "soon") -> None:
        if self._member.failure is not None:
            return
        if when == "end" or self.durability == "exit":
            with self._lock:
                self._held += items
        elif self._held:  # nothing overtakes them
            self._write(*items)
        elif when == "here":
            self._writer.write_here(items)
        else:
            self._writer.put(items)

    def _write(self, *last: Item) -> None:
        with self._lock:
            held, self._held = self._held, []
        self._writer.write_here([*held, *last])


class NoJournal:
    """The journal of a run of which nothing is written."""

    durability: Durability = "none"
    failure: JournalError | None = None

    def record(self, row: StepRow, then: Callable[[], None] | None = None) -> None:
        if then is not None:
            then()

    def record_all(
        self,
        rows: Sequence[StepRow],
        then: Callable[[], None] | None = None,
        when: Moment = "soon",
    ) -> None:
        if then is not None:
            then()

    def park(self, wake: WakeRow) -> None:
        """Nothing to do."""

    def unpark(self, node: str, scope: str) -> None:
        """Nothing to do."""

    def take(self, signal_id: str) -> None:
        """Nothing to do."""

    def lost(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing to do."""

    def end(self, status: str) -> None:
        """Nothing to do."""


def _taken(
    writer: GroupWriter, entry: RunEntry, owner: str, on_lost: Callable[[], None] | None
) -> Member:
    began = time.monotonic()
    lease = writer.store.acquire(entry.id, owner, writer.ttl_s, entry)
    if lease is None:
        raise fenced(entry.id)
    member = Member(lease, began + writer.ttl_s, on_lost)
    writer.join(member)
    return member


def _entry(request: RunRequest, plan_hash: str) -> RunEntry:
    return RunEntry(
        id=request.run_id,
        plan_hash=plan_hash,
        tenant=request.tenant,
        priority=request.priority,
        parent=request.parent,
        forked_from=request.forked_from,
        request=request,
    )
