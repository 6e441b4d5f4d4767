"""The journal in memory: for tests, and for runs that are not to survive their process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock

import msgspec

from weft_engine.runs.journal.base import ENDED, Lease, Row, RunEntry, SignalRow, StepRow, WakeRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import fenced, run_exists, unknown_run
from weft_engine.runs.journal.rows import (
    Group,
    digests_in,
    kept_steps,
    newest,
    pack_request,
    pack_signal,
    unpack_request,
    unpack_signal,
    unpack_steps,
    unpack_wake,
)


@dataclass(slots=True)
class _Run:
    entry: RunEntry
    request: bytes
    owner: str = ""
    token: int = 0
    until: float = 0.0
    steps: list[bytes] = field(default_factory=list)
    wakes: dict[tuple[str, str], tuple[WakeRow, bytes]] = field(default_factory=dict)
    signals: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    @property
    def free(self) -> bool:
        return self.until <= time.time()

    @property
    def parked(self) -> bool:
        return self.entry.status == "parked" and self.free


class MemoryJournal:
    """Rows of runs in this process."""

    near = True

    def __init__(self, codec: Codec | None = None) -> None:
        self.codec = codec or Codec()
        self._runs: dict[str, _Run] = {}
        self._token = 0
        self._lock = RLock()

    def acquire(
        self, run_id: str, owner: str, ttl_s: float, entry: RunEntry | None = None
    ) -> Lease | None:
        with self._lock:
            run = self._runs.get(run_id)
            status = "running"
            if run is None:
                if entry is None:
                    raise unknown_run(run_id)
                run, status = self._new(entry), entry.status
                self._runs[run_id] = run
            elif run.entry.status in ENDED or (not run.free and run.owner != owner):
                return None
            self._status(run, status)
            self._token += 1
            run.owner, run.token, run.until = owner, self._token, time.time() + ttl_s
            return Lease(run_id=run_id, owner=owner, token=run.token, until=run.until)

    def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Lease]:
        kept = []
        with self._lock:
            for lease in leases:
                run = self._held(lease.run_id, lease.token)
                if run is not None:
                    run.until = time.time() + ttl_s
                    kept.append(msgspec.structs.replace(lease, until=run.until))
        return kept

    def release(self, lease: Lease, status: str) -> None:
        with self._lock:
            run = self._held(lease.run_id, lease.token)
            if run is None:
                raise fenced(lease.run_id)
            self._release(run, status)

    def end_below(self, run_id: str, status: str) -> None:
        with self._lock:
            for name, run in self._runs.items():
                below = name.startswith(f"{run_id}.")
                if below and run.free and run.entry.status not in ENDED:
                    self._release(run, status)

    def write(self, batch: Sequence[tuple[Lease, Row | None, tuple[str, str] | None]]) -> list[str]:
        group = Group(batch, self.codec)
        with self._lock:
            held = {who: run for who in group.leases if (run := self._held(*who)) is not None}
            for who, data in group.steps:
                if who in held:
                    held[who].steps.append(data)
            for (who, node, scope), wake in group.wakes.items():
                if who in held and wake is not None:
                    held[who].wakes[node, scope] = wake
                elif who in held:
                    held[who].wakes.pop((node, scope), None)
            for who, status in group.releases.items():
                if who in held:
                    self._release(held[who], status)
        return group.lost(held)

    def entry(self, run_id: str) -> RunEntry | None:
        with self._lock:
            run = self._runs.get(run_id)
            return self._entry(run) if run else None

    def steps(self, run_id: str) -> list[StepRow]:
        with self._lock:
            run = self._runs.get(run_id)
            rows = list(run.steps) if run else []
        return newest(row for data in rows for row in unpack_steps(data, self.codec))

    def wakes(self, run_id: str) -> list[WakeRow]:
        with self._lock:
            run = self._runs.get(run_id)
            rows = sorted(run.wakes.items()) if run else []
        return [unpack_wake(data, self.codec) for _, (_, data) in rows]

    def due(self, before: float, limit: int = 1000) -> list[tuple[str, float]]:
        with self._lock:
            found = [
                (run_id, min(moments))
                for run_id, run in self._runs.items()
                if run.parked
                and (moments := [w.due for w, _ in run.wakes.values() if w.due is not None])
                and min(moments) <= before
            ]
        return sorted(found, key=lambda item: (item[1], item[0]))[:limit]

    def signal(self, run_id: str, signal: SignalRow) -> bool:
        data = pack_signal(signal, self.codec)
        with self._lock:
            run = self._run(run_id)
            if signal.id in run.signals:
                return False
            run.signals[signal.id] = (signal.name, data)
            return True

    def signalled(self) -> list[str]:
        with self._lock:
            return sorted(run_id for run_id, run in self._runs.items() if _signalled(run))

    def signals(self, run_id: str) -> list[SignalRow]:
        with self._lock:
            run = self._runs.get(run_id)
            rows = (
                [(data, key in run.taken) for key, (_, data) in run.signals.items()] if run else []
            )
        return [unpack_signal(data, taken, self.codec) for data, taken in rows]

    def take(self, lease: Lease, signal_id: str) -> None:
        with self._lock:
            run = self._held(lease.run_id, lease.token)
            if run is None:
                raise fenced(lease.run_id)
            if signal_id in run.signals:
                run.taken.add(signal_id)

    def unfinished(self) -> list[RunEntry]:
        with self._lock:
            runs = [run for run in self._runs.values() if run.entry.status not in ENDED]
            return [self._entry(run) for run in runs if run.free]

    def fork(self, run_id: str, new: RunEntry, keep: Callable[[StepRow], bool]) -> None:
        with self._lock:
            rows = list(self._run(run_id).steps)
            if new.id in self._runs:
                raise run_exists(new.id)
            run = self._new(new)
            run.steps = kept_steps(rows, keep, self.codec)
            self._runs[new.id] = run

    def forget(self, run_ids: Sequence[str]) -> None:
        with self._lock:
            for run_id in run_ids:
                self._runs.pop(run_id, None)

    def ended(self) -> list[tuple[str, float]]:
        with self._lock:
            runs = [run.entry for run in self._runs.values() if run.entry.status in ENDED]
        return sorted(((run.id, run.updated) for run in runs), key=lambda run: (-run[1], run[0]))

    def references(self) -> set[str]:
        with self._lock:
            rows = [data for run in self._runs.values() for data in _all(run)]
        return set().union(*map(digests_in, rows))

    def close(self) -> None:
        """Nothing is to be done: the rows stay as long as this does."""

    def _run(self, run_id: str) -> _Run:
        run = self._runs.get(run_id)
        if run is None:
            raise unknown_run(run_id)
        return run

    def _held(self, run_id: str, token: int) -> _Run | None:
        run = self._runs.get(run_id)
        return None if run is None or run.token != token or run.free else run

    def _new(self, entry: RunEntry) -> _Run:
        updated = entry.updated or time.time()
        request = pack_request(entry.request, self.codec)
        return _Run(msgspec.structs.replace(entry, updated=updated), request)

    def _entry(self, run: _Run) -> RunEntry:
        request = unpack_request(run.request, self.codec)
        return msgspec.structs.replace(run.entry, request=request)

    def _release(self, run: _Run, status: str) -> None:
        self._status(run, status)
        run.owner, run.until = "", 0.0

    def _status(self, run: _Run, status: str) -> None:
        run.entry = msgspec.structs.replace(run.entry, status=status, updated=time.time())


def _signalled(run: _Run) -> bool:
    waits = {wake.signal for wake, _ in run.wakes.values() if wake.signal is not None}
    return run.parked and any(
        name in waits and key not in run.taken for key, (name, _) in run.signals.items()
    )


def _all(run: _Run) -> list[bytes]:
    wakes = [data for _, data in run.wakes.values()]
    return [run.request, *run.steps, *wakes, *(data for _, data in run.signals.values())]
