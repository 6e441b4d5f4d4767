"""The right to run runs: taken before a run starts, renewed while it goes on, given back after."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from weft_engine.errors import WeftError
from weft_engine.runs.journal.base import JournalStore, Lease, RunEntry

log = logging.getLogger(__name__)

TTL_S: Final = 15.0
"""How long a run belongs to an engine that is no longer heard of."""
_BEATS: Final = 4
"""How often a lease is renewed while it lasts."""


class Leases:
    """What one engine holds of a journal, and the thread that keeps it."""

    def __init__(
        self,
        store: JournalStore,
        owner: str,
        lost: Callable[[str], None],
        ttl_s: float = TTL_S,
    ) -> None:
        """Begin to hold.

        Args:
            store: The journal.
            owner: Who holds; the same for an engine that takes the place of one that is gone.
            lost: Told of a run that another engine has taken.
            ttl_s: How long a lease lasts.
        """
        self._store = store
        self._owner = owner
        self._lost = lost
        self._ttl_s = ttl_s
        self._held: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._beat, name="weft-leases", daemon=True).start()

    @property
    def ttl_s(self) -> float:
        """How long a lease lasts without being renewed."""
        return self._ttl_s

    def acquire(self, run_id: str, entry: RunEntry | None = None) -> Lease | None:
        """Take a run; None when another engine holds it."""
        lease = self._store.acquire(run_id, self._owner, self._ttl_s, entry)
        if lease is not None:
            with self._lock:
                self._held[run_id] = lease
        return lease

    def forget(self, run_id: str) -> None:
        """The run was given back by whoever ran it."""
        with self._lock:
            self._held.pop(run_id, None)

    def release(self, run_id: str, status: str) -> None:
        """Give a run back."""
        with self._lock:
            lease = self._held.pop(run_id, None)
        if lease is not None:
            self._store.release(lease, status)

    def close(self) -> None:
        """Give everything back as it is, so that the next engine need not wait."""
        self._closed.set()
        with self._lock:
            held, self._held = list(self._held.values()), {}
        for lease in held:
            try:
                self._store.release(lease, "running")
            except WeftError as error:
                log.warning("the run %s is given back late: %s", lease.run_id, error)

    def _beat(self) -> None:
        while not self._closed.wait(self._ttl_s / _BEATS):
            with self._lock:
                held = list(self._held.values())
            if not held:
                continue
            try:
                kept = {lease.run_id: lease for lease in self._store.renew(held, self._ttl_s)}
            except WeftError as error:
                log.warning("leases cannot be renewed now: %s", error)
                continue
            self._take_over(held, kept)

    def _take_over(self, held: list[Lease], kept: dict[str, Lease]) -> None:
        gone = []
        with self._lock:
            for lease in held:
                if self._held.get(lease.run_id) is not lease:
                    continue
                if lease.run_id in kept:
                    self._held[lease.run_id] = kept[lease.run_id]
                else:
                    del self._held[lease.run_id]
                    gone.append(lease.run_id)
        for run_id in gone:
            log.error("the run %s is run by another engine now", run_id)
            self._lost(run_id)
