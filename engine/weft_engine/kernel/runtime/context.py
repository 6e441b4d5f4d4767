"""What an operator sees of its subtask."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.io_loop import giving_up
from weft_engine.kernel.logs import OperatorLog
from weft_engine.kernel.metrics.counters import (
    BUSY_NS,
    RECORDS_IN,
    RECORDS_OUT,
    SubtaskCounters,
)
from weft_engine.kernel.physical import OperatorSpec, Stage, key_group_range
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.host import Host, log
from weft_engine.kernel.runtime.messages import Restore
from weft_engine.kernel.runtime.operator import Partitioner, Stopped, Unwanted
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import Clock, KeyedSnapshot, KeyedStore, Timers

_LOOK_S: Final = 0.5

Send = Callable[[Batch], None]


@dataclass(slots=True)
class Place:
    """Where operators are at work: what all operators of one subtask share."""

    stage: Stage
    index: int
    attempt: int
    host: Host
    gate: Gate
    clock: Clock
    restore: Restore
    counters: SubtaskCounters
    woken: bool = False
    """Somebody has called `wake` since operators were polled."""

    def wake(self) -> None:
        """Have operators polled; from any thread."""
        self.woken = True
        self.gate.wake()
        if self.host.on_wake is not None:
            self.host.on_wake()


class Flow(Protocol):
    """How operators reach those behind them."""

    def passed(self, position: int, time: int) -> None:
        """An operator passes on a watermark."""

    def went_idle(self, position: int) -> None:
        """An operator says that it knows nothing of time for now."""

    def partitioner(self, position: int, output: int) -> Partitioner | None:
        """The hash edge that an output leads to, if it leads there and nowhere else."""
        ...

    def unwanted(self, position: int) -> bool:
        """Whether an operator, and all before it, has nobody to emit for any more."""
        ...


class SubtaskContext:
    """The `OperatorContext` of one operator of a subtask."""

    def __init__(
        self, place: Place, flow: Flow, position: int, sends: Sequence[Sequence[Send]]
    ) -> None:
        """Make it; `sends` says by output where batches go."""
        spec = place.host.spec
        self.job = spec.id
        self.spec: OperatorSpec = place.stage.operators[position]
        self.subtask = place.index
        self.parallelism = place.stage.parallelism
        self.attempt = place.attempt
        self.restored = place.restore.checkpoint
        self.peers: Sequence[Any] = place.restore.peers.get(self.spec.uid, ())
        self.alive: Sequence[int] = place.restore.alive
        self.batch_size = spec.settings.batch_size
        self.config: Mapping[str, Any] = spec.config
        self.log: logging.LoggerAdapter[logging.Logger] = OperatorLog(
            log,
            {
                "job": spec.id,
                "operator": self.spec.name,
                "subtask": place.index,
                "attempt": place.attempt,
                "worker": place.host.worker,
            },
        )
        self.now = place.clock
        self.wake = place.wake
        self.call_service_async = place.host.call_service_async
        self._place = place
        self._flow = flow
        self._position = position
        self._sends = sends
        self._row = place.counters.rows[position]
        self._store: KeyedStore | None = None

    def call_service(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service and wait for its answer, or for the end of the attempt."""
        with giving_up(self.check):
            return self._place.host.call_service(name, method, *args, **kwargs)

    def emit(self, batch: Batch, output: int = 0) -> None:
        """Push records on; may block while what comes behind is full."""
        count = len(batch.values)
        if count:
            self._row[RECORDS_OUT] += count
            for send in self._sends[output]:
                send(batch)

    def partitioner(self, output: int = 0) -> Partitioner | None:
        """The hash edge that the output leads to, if it leads there and nowhere else."""
        return self._flow.partitioner(self._position, output)

    def emit_watermark(self, time: int) -> None:
        """Say that no record at or before this time follows."""
        self._flow.passed(self._position, time)

    def emit_idle(self) -> None:
        """Say that nothing is known of time until more is emitted."""
        self._flow.went_idle(self._position)

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait until the condition holds; looked at after every `wake`.

        Raises `Stopped`, or `Unwanted` when nobody is left to wait for.
        """
        self.check()
        while not ready():
            if self._flow.unwanted(self._position):
                raise Unwanted
            self._place.gate.wait(_LOOK_S)

    def pause(self, seconds: float) -> None:
        """Wait some seconds of processing time. Raises `Stopped`."""
        self.check()
        host = self._place.host
        if host.sleep is not None:
            host.sleep(seconds)
            return
        until = host.seconds() + seconds
        while (left := until - host.seconds()) > 0:
            self._place.gate.wait(left)

    def check(self) -> None:
        """Raise `Stopped` if the attempt is over."""
        if self._place.gate.cancelled:
            raise Stopped

    def count(self, counter: Literal["errors", "retries", "late", "dropped"], by: int = 1) -> None:
        """Count something that is not a record in or out."""
        self._place.counters.count(self._position, counter, by)

    def measured(self, records_in: int = 0, records_out: int = 0, busy_ns: int = 0) -> None:
        """Add to this operator's counters what the subtask cannot see."""
        row = self._row
        row[RECORDS_IN] += records_in
        row[RECORDS_OUT] += records_out
        row[BUSY_NS] += busy_ns

    # Keyed state

    @property
    def state(self) -> KeyedStore:
        """The keyed state; made when it is first asked for."""
        return self._store or self._open_store()

    @property
    def timers(self) -> Timers:
        """The timers, kept with the keyed state."""
        return self.state.timers()

    def _open_store(self) -> KeyedStore:
        place, spec = self._place, self._place.host.spec
        settings, total = spec.settings, spec.plan.key_groups
        folder: Path | None = None
        if settings.state_backend == "disk":
            name = f"{place.attempt}-{place.stage.id}-{place.index}-{self._position}"
            folder = place.host.state_folder() / name
        groups = key_group_range(place.index, place.stage.parallelism, total)
        store = make_store(settings, groups, total, self.spec.uid, place.clock, folder)
        self._store = store
        parts = place.restore.keyed.get(self.spec.uid, ())
        if parts and spec.storage is not None:
            store.restore(spec.storage, parts)
        return store

    def restore_state(self) -> None:
        """Take over keyed state from the checkpoint, if it has any."""
        if self._store is None and self._place.restore.keyed.get(self.spec.uid):
            self._open_store()

    def snapshot_state(self, checkpoint: int, *, full: bool) -> KeyedSnapshot | None:
        """Freeze the keyed state, if there is any."""
        store = self._store
        return None if store is None else store.snapshot(checkpoint, full=full)

    def state_size(self) -> tuple[int, int]:
        """How many entries of keyed state there are, and about how many bytes they take."""
        return (0, 0) if self._store is None else self._store.size()

    def close_state(self) -> None:
        """Let go of the files of the keyed state."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
