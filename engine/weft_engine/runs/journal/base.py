"""The journal of runs: its rows, and what every store of them must do."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.run import RunRequest

Durability = Literal["sync", "async", "exit", "none"]
"""`sync`: what has effects starts when the rows of all that led to it are on disk. `async`: rows
are written soon. `exit`: only when the run ends or parks. `none`: nothing is written."""

FRESH: Final = -1


ENDED: Final = frozenset({"completed", "failed", "cancelled"})
"""The statuses after which nothing more happens."""


class StepRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The end of one activation, or of one scope of a container."""

    node: str
    """The node's path: `fetch`, `loop/fetch`; of a stream unit, each of its nodes has a row."""
    scope: str = ""
    """Where it was activated: `""`, `loop:3`, `loop:3/inner:0`; lifted calls `#17`, `loop:3#17`. In
    the second attempt of a container `loop:3~2`."""
    kind: Literal["node", "scope", "stop", "retry"] = "node"
    """`scope`: the end of the child scope `key` of the container `node`. `stop`: an activation that
    a breakpoint was looked at for, `key` before or after; see `engine.debugging_journal`. `retry`:
    an attempt of the container `node` has failed in the run `key`, and another follows."""
    key: str = ""
    attempt: int = 1
    state: Literal["completed", "failed", "skipped", "started"] = "completed"
    """`started` is written before a node with effects is called, in `sync` runs."""
    input_hash: str = ""
    outputs: dict[str, Any] = {}
    """Port → `StoredValue`, as plain data; a port that is not there was not taken."""
    variables: dict[str, Any] = {}
    """Variables that it set."""
    failure: dict[str, Any] | None = None
    started: float = 0.0
    """Seconds since the epoch."""
    ended: float = 0.0
    worker: str = ""
    shown: dict[str, Any] = {}
    """Of ports whose values no other unit reads: port → `OutputRef`, as plain data."""
    signal: str = ""
    """The id of the signal that ended its wait: that one has had its effect with this row."""


class WakeRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a parked activation waits for."""

    node: str
    scope: str = ""
    kind: Literal["timer", "signal", "approval", "limit", "attempt"] = "timer"
    """The last two of a container: when its time limit ends, and when it is tried again."""
    due: float | None = None
    signal: str | None = None
    message: str = ""
    data: Any = None


class SignalRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A signal that was sent to a run."""

    id: str
    """Given by the sender: the same signal sent twice counts once."""
    name: str
    payload: Any = None
    by: str | None = None
    at: float = 0.0
    taken: bool = False


class PackedRow(msgspec.Struct, frozen=True):
    """One `StepRow` or many as bytes (`rows.pack_steps`), made by the run's thread."""

    data: bytes


class ReleaseRow(msgspec.Struct, frozen=True):
    """The end of holding a run, which then has this status; written with the rows before it."""

    status: str


Row = StepRow | PackedRow | WakeRow | ReleaseRow


class RunEntry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A run in the journal."""

    id: str
    plan_hash: str
    status: Literal["running", "parked", "paused", "completed", "failed", "cancelled"] = "running"
    tenant: str = ""
    priority: int = 0
    request: RunRequest
    parent: str | None = None
    forked_from: str | None = None
    updated: float = 0.0


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to run a run. Every write names its token; an older token is refused."""

    run_id: str
    owner: str
    token: int
    until: float


class JournalStore(Protocol):
    """Rows of runs in one database. All calls block and may be made from any thread.

    Raises `JournalError` (`journal.unavailable`, `journal.full`, `journal.fenced`,
    `journal.damaged`) and loses nothing that it has answered for.
    """

    codec: Codec
    """For what rows have of variables, payloads and data; set it when the node types are known."""
    near: bool
    """Whether it answers about as fast as a disk, so that a run may wait for it in its thread."""

    def acquire(
        self, run_id: str, owner: str, ttl_s: float, entry: RunEntry | None = None
    ) -> Lease | None:
        """Take a run for oneself, a new one with its entry; None when another holds it.

        The same owner gets it again, with a new token. A run that has ended is given to nobody.
        """
        ...

    def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Lease]:
        """Hold on to runs; those that were lost are missing from the answer.

        A lease that has run out is lost, also when nobody has taken the run since.
        """
        ...

    def release(self, lease: Lease, status: str) -> None:
        """Give a run back; `journal.fenced` when it was lost."""
        ...

    def end_below(self, run_id: str, status: str) -> None:
        """End the runs below a run that have not ended and that nobody holds."""
        ...

    def write(self, batch: Sequence[tuple[Lease, Row | None, tuple[str, str] | None]]) -> list[str]:
        """Store rows of several runs in one transaction.

        Args:
            batch: A row, or the wake (node, scope) that is over.

        Returns:
            The runs whose lease is no longer theirs: nothing of theirs was written.
        """
        ...

    def entry(self, run_id: str) -> RunEntry | None: ...

    def steps(self, run_id: str) -> list[StepRow]:
        """The rows in the order in which they were written.

        Of an attempt of an activation there is one: the last that was written.
        """
        ...

    def wakes(self, run_id: str) -> list[WakeRow]: ...

    def due(self, before: float, limit: int = 1000) -> list[tuple[str, float]]:
        """Parked runs that wait for a moment, with that moment, the earliest first."""
        ...

    def signal(self, run_id: str, signal: SignalRow) -> bool:
        """Store a signal; False when one of that id is there already."""
        ...

    def signalled(self) -> list[str]:
        """Parked runs that were sent a signal which they wait for and have not taken."""
        ...

    def signals(self, run_id: str) -> list[SignalRow]: ...

    def take(self, lease: Lease, signal_id: str) -> None: ...

    def unfinished(self) -> list[RunEntry]:
        """Runs that have not ended and that nobody holds."""
        ...

    def fork(self, run_id: str, new: RunEntry, keep: Callable[[StepRow], bool]) -> None:
        """Begin a run with the rows of another for which `keep` says so."""
        ...

    def forget(self, run_ids: Sequence[str]) -> None:
        """Delete runs and all their rows."""
        ...

    def ended(self) -> list[tuple[str, float]]:
        """Runs that have ended, and when, the last first."""
        ...

    def references(self) -> set[str]:
        """The digests of all blobs that anything in the journal names."""
        ...

    def close(self) -> None: ...


Moment = Literal["soon", "here", "end"]
"""When rows are written. `soon`: with the next group. `here`: at once, in the calling thread, where
that has nothing else to do and nobody else writes. `end`: with `Journal.end`, which is near."""


class Journal(Protocol):
    """The journal as the scheduler of one run sees it. Made by `open_run`."""

    durability: Durability

    def record(self, row: StepRow, then: Callable[[], None] | None = None) -> None:
        """Write a row with the next group.

        `then` is called, on any thread, once it is on disk; at once, before this returns, where
        the durability does not wait. It is never called when the journal is lost.

        Raises:
            JournalError: `journal.unstorable`; nothing was written.
        """
        ...

    def record_all(
        self,
        rows: Sequence[StepRow],
        then: Callable[[], None] | None = None,
        when: Moment = "soon",
    ) -> None:
        """As `record`, of several rows in one group; `then` is called for all of them.

        Without rows `then` is called once everything that was handed over before is on disk.

        Raises:
            JournalError: `journal.unstorable`; nothing was written.
        """
        ...

    def park(self, wake: WakeRow) -> None:
        """Write down what an activation waits for; it is on disk after `flush` or `end`."""
        ...

    def unpark(self, node: str, scope: str) -> None:
        """An activation waits no more."""
        ...

    def take(self, signal_id: str) -> None:
        """Mark a signal as used, once the rows that were recorded before are on disk."""
        ...

    def lost(self) -> bool:
        """Whether another holds the run now, or the store cannot write: the run must stop."""
        ...

    @property
    def failure(self) -> JournalError | None:
        """Why it is lost."""
        ...

    def flush(self) -> None:
        """Wait until everything is on disk; raises `failure` when it never will be."""
        ...

    def end(self, status: str) -> None:
        """Write what is left and give the run back; raises `failure` when that cannot be.

        When this returns the status and all rows are on disk, whatever the durability.
        """
        ...
