"""Runs that have failed because the journal could not be written: their end, written later."""

import logging
import threading
from typing import Final

from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.writer import TTL_S

log = logging.getLogger(__name__)

AGAIN_S: Final = TTL_S
"""How long is waited before each attempt; runs that were called and let go are free by then."""
NOT_WRITTEN: Final = frozenset({"journal.unavailable", "journal.full"})
"""Why a run fails whose end cannot be written either."""


class Closing:
    """Tries again and again, in one thread that is there while there is something to write."""

    def __init__(
        self, store: JournalStore | None, owner: str, again_s: float | None = None
    ) -> None:
        self._store = store
        self._owner = owner
        self._again_s = AGAIN_S if again_s is None else again_s
        self._runs: list[str] = []
        self._lock = threading.Lock()

    def add(self, run_id: str) -> None:
        """A run has failed, and the journal may not know it."""
        if self._store is None:
            return
        with self._lock:
            self._runs.append(run_id)
            if len(self._runs) == 1:
                self._later()

    def _later(self) -> None:
        timer = threading.Timer(self._again_s, self._write_all)
        timer.daemon = True
        timer.start()

    def _write_all(self) -> None:
        with self._lock:
            runs = list(self._runs)
        left = [run_id for run_id in runs if not self._written(run_id)]
        with self._lock:
            self._runs = left + self._runs[len(runs) :]
            if self._runs:
                self._later()

    def _written(self, run_id: str) -> bool:
        store = self._store
        if store is None:
            return True
        try:
            lease = store.acquire(run_id, self._owner, TTL_S)
            if lease is not None:  # else it has ended, or another engine goes on with it
                store.end_below(run_id, "cancelled")
                store.release(lease, "failed")
        except JournalError as error:
            log.warning("the end of the run %s is not written down: %s", run_id, error)
            return error.code not in NOT_WRITTEN
        return True
