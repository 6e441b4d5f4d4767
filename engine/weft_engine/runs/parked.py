"""Runs that wait for a moment or a signal: known by name only, started again when it comes."""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from weft_engine.runs.debug import Command
from weft_engine.runs.journal.base import JournalStore, SignalRow, WakeRow
from weft_engine.runs.run import RunRequest

log = logging.getLogger(__name__)

_LOOK_AGAIN_S: Final = 60.0
"""Clocks are set now and then, so no wait is longer."""


@dataclass(slots=True)
class Waiting:
    """What is kept of a run that waits; everything else is in the journal."""

    last_seq: int = 0
    due: float | None = None
    """Seconds since the epoch."""
    signals: frozenset[str] = frozenset()
    """Names of the signals that it waits for."""
    commands: list[Command] = field(default_factory=list)
    """What it is told when it goes on."""
    look_again: bool = False
    """Another engine has it, or had, or the journal did not answer: look into it when the time
    comes."""
    request: RunRequest | None = None
    """What to run if the journal does not know the run then."""
    stands: bool = False
    """It stands at a breakpoint, or was paused: whatever it is told starts it again."""


class Parked:
    """Runs that wait, and the thread that looks at the clock for them."""

    def __init__(self, wake: Callable[[str, Waiting], None]) -> None:
        """Take what starts a run again; it is called without any lock held."""
        self._wake = wake
        self._runs: dict[str, Waiting] = {}
        self._alarms: list[tuple[float, str]] = []
        self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._watch, name="weft-wake", daemon=True).start()

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, run_id: str, waiting: Waiting) -> None:
        """Let a run wait."""
        with self._changed:
            self._runs[run_id] = waiting
            if waiting.due is not None:
                heapq.heappush(self._alarms, (waiting.due, run_id))
                self._changed.notify()

    def get(self, run_id: str) -> Waiting | None:
        """A run that waits."""
        return self._runs.get(run_id)

    def remove(self, run_id: str) -> Waiting | None:
        """Take a run out; whoever gets it starts or ends it."""
        with self._changed:
            return self._runs.pop(run_id, None)

    def signalled(self, run_id: str, signals: Iterable[SignalRow]) -> None:
        """Start a run again if it waits for one of these."""
        names = {signal.name for signal in signals if not signal.taken}
        with self._changed:
            waiting = self._runs.get(run_id)
            if waiting is None or not names & waiting.signals:
                return
            del self._runs[run_id]
        self._wake(run_id, waiting)

    def close(self) -> None:
        """Wake nobody any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._is_time():
                    self._changed.wait(self._rest())
                if self._closed:
                    return
                run_id = heapq.heappop(self._alarms)[1]
                waiting = self._due(run_id)
            if waiting is not None:
                try:
                    self._wake(run_id, waiting)
                except Exception:
                    log.exception("the run %s could not be woken", run_id)

    def _is_time(self) -> bool:
        return bool(self._alarms) and self._alarms[0][0] <= time.time()

    def _rest(self) -> float:
        if not self._alarms:
            return _LOOK_AGAIN_S
        return min(max(self._alarms[0][0] - time.time(), 0.001), _LOOK_AGAIN_S)

    def _due(self, run_id: str) -> Waiting | None:
        """The run whose alarm rang; None for an alarm of an earlier wait."""
        waiting = self._runs.get(run_id)
        if waiting is None or waiting.due is None or waiting.due > time.time():
            return None
        return self._runs.pop(run_id)


def waiting_for(
    wakes: Iterable[WakeRow], last_seq: int, commands: Iterable[Command] = ()
) -> Waiting:
    """What a run waits for, of all its activations."""
    rows = list(wakes)
    dues = [row.due for row in rows if row.due is not None]
    return Waiting(
        last_seq=last_seq,
        due=min(dues, default=None),
        signals=frozenset(name for row in rows for name in _names(row)),
        commands=list(commands),
    )


def called_below(store: JournalStore, run_id: str) -> list[str]:
    """The runs that a run called, and those called by them, which wait as it does."""
    entry = store.entry(run_id)
    if entry is None or not entry.request.flows:
        return []
    return [one.id for one in store.unfinished() if one.id.startswith(f"{run_id}.")]


def _names(row: WakeRow) -> Iterator[str]:
    """The names by which a signal reaches a wait: its own, its place, and an approval its node."""
    if row.kind in ("limit", "attempt"):
        return
    yield f"{row.node}@{row.scope}"
    if row.signal is not None:
        yield row.signal
    if row.kind == "approval":
        yield row.node
