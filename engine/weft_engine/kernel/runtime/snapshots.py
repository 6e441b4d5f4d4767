"""What a subtask puts into checkpoints: collected, written, and reported in order."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from weft_engine.errors import WeftError, said
from weft_engine.kernel.checkpoint.api import CheckpointStorage
from weft_engine.kernel.runtime.host import Host
from weft_engine.kernel.runtime.messages import (
    Acknowledged,
    Declined,
    Report,
    SubtaskId,
    SubtaskSnapshot,
)
from weft_engine.kernel.runtime.operator import Later
from weft_engine.kernel.state.api import KeyedSnapshot

_LOOK_S: Final = 0.2


class TakenSnapshot:
    """The frozen state of a subtask, on its way to the storage."""

    def __init__(self, checkpoint: int, operators: int) -> None:
        self.checkpoint = checkpoint
        self.pieces: dict[str, list[Any]] = {}
        self.keyed: list[tuple[int, str, KeyedSnapshot]] = []
        """By position and uid of the operator."""
        self.committables: dict[str, Any] = {}
        self.pause_ns = 0
        self.given_up = False
        self._waiting = 0
        self._complete: Callable[[], None] | None = None

    @property
    def complete(self) -> bool:
        """Whether no operator has something to add."""
        return self._waiting == 0

    def wait_for(self, uid: str, later: Later) -> None:
        """An operator will hand over its state later."""
        if later.done:
            self._add(uid, later)
            return
        self._waiting += 1

        def then() -> None:
            self._add(uid, later)
            self._waiting -= 1
            if self.complete and self._complete is not None:
                self._complete()

        later.then = then

    def when_complete(self, then: Callable[[], None]) -> None:
        """Go on once no operator has something to add; at once if that is so."""
        self._complete = then
        if self.complete:
            then()

    def _add(self, uid: str, later: Later) -> None:
        if later.pieces is not None:
            self.pieces[uid] = [*later.pieces, *self.pieces.get(uid, [])]

    def write(self, storage: CheckpointStorage | None, prefix: str) -> SubtaskSnapshot:
        """Write the keyed state; what the coordinator is to be told."""
        keyed = {}
        if storage is not None:
            for position, uid, snapshot in self.keyed:
                keyed[uid] = snapshot.write(storage, f"{prefix}-{position}")
        return SubtaskSnapshot(self.pieces, keyed, self.committables)


class SnapshotReporter:
    """Writes the snapshots of a subtask one after the other and reports them in that order."""

    def __init__(self, host: Host, subtask: SubtaskId, report: Callable[[Report], None]) -> None:
        self._host = host
        self._subtask = subtask
        self._report = report
        self._storage = host.spec.storage
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._queue: deque[Callable[[], None]] = deque()
        self._running = False
        self._pending: TakenSnapshot | None = None

    def take(self, taken: TakenSnapshot) -> None:
        """See to it that a snapshot is written and acknowledged."""
        self.give_up_pending("a newer checkpoint has begun")
        self._pending = taken
        taken.when_complete(lambda: self._completed(taken))

    def _completed(self, taken: TakenSnapshot) -> None:
        if taken.given_up:
            return
        self._pending = None
        self._submit(lambda: self._acknowledge(taken))

    def give_up_pending(self, reason: str) -> None:
        """Do not wait any more for operators that have something to add."""
        taken, self._pending = self._pending, None
        if taken is not None:
            taken.given_up = True
            self.decline(taken.checkpoint, reason, taken.committables)

    def decline(
        self, checkpoint: int, reason: str, committables: dict[str, Any] | None = None
    ) -> None:
        """Report that a checkpoint does not happen here, in turn."""
        declined = Declined(
            self._subtask, checkpoint, reason, committables=dict(committables or {})
        )
        self._submit(lambda: self._report(declined))

    def write_last(self, taken: TakenSnapshot, check: Callable[[], None]) -> SubtaskSnapshot:
        """Write the last snapshot, after all others; `check` may raise to end the waiting."""
        self.give_up_pending("the subtask has ended")
        with self._lock:
            while self._running:
                check()
                self._idle.wait(_LOOK_S)
        storage = None if self._host.spec.for_savepoints else self._storage
        return taken.write(storage, self._prefix(taken.checkpoint))

    def _prefix(self, checkpoint: int) -> str:
        own = self._subtask
        return f"chk-{checkpoint}/{own.stage}-{own.index}-{own.attempt}"

    def _acknowledge(self, taken: TakenSnapshot) -> None:
        try:
            snapshot = taken.write(self._storage, self._prefix(taken.checkpoint))
        except Exception as exc:  # noqa: BLE001 - the coordinator decides what becomes of the job
            known = exc if isinstance(exc, WeftError) else None
            reason = known.message if known else f"{type(exc).__qualname__}: {said(exc)}"
            code = known.code if known else "checkpoint.failed"
            self._report(
                Declined(
                    self._subtask,
                    taken.checkpoint,
                    reason,
                    fatal=True,
                    code=code,
                    committables=taken.committables,
                )
            )
        else:
            self._report(Acknowledged(self._subtask, taken.checkpoint, snapshot, taken.pause_ns))

    def _submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._queue.append(work)
            if self._running:
                return
            self._running = True
        self._host.write(self._work)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._running = False
                    self._idle.notify_all()
                    return
                work = self._queue.popleft()
            work()
