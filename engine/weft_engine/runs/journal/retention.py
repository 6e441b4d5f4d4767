"""What is kept of runs that have ended, and for how long."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.journal.blobs import Blobs

GRACE_S: Final = 3600.0
"""Younger blobs stay in any case: what refers to them may not be written down yet."""
_DAY_S: Final = 86_400.0


def prune(
    store: JournalStore, keep_days: float | None, keep_runs: int | None, now: float | None = None
) -> list[str]:
    """Forget runs that ended long ago, and those that are too many. Others are never touched.

    Args:
        store: The journal.
        keep_days: Runs that ended before so many days go; None keeps them whatever their age.
        keep_runs: Of the others the last so many stay; None keeps all.
        now: In seconds since the epoch.

    Returns:
        The runs that were forgotten; what they alone referred to goes with the next `sweep`.
    """
    now = time.time() if now is None else now
    oldest = float("-inf") if keep_days is None else now - keep_days * _DAY_S
    ended = store.ended()
    most = len(ended) if keep_runs is None else keep_runs
    gone = [
        run_id
        for place, (run_id, ended_at) in enumerate(ended)
        if place >= most or ended_at < oldest
    ]
    store.forget(gone)
    return gone


def sweep(
    blobs: Blobs,
    stores: Iterable[JournalStore],
    others: Callable[[], Iterable[str]],
    grace_s: float = GRACE_S,
    now: float | None = None,
) -> list[str]:
    """Remove blobs that nothing refers to; runs may go on meanwhile, in any process.

    Args:
        blobs: Where they are. `OutputStore` keeps the outputs of runs in the same place.
        stores: The journals that refer to them.
        others: The digests that are referred to elsewhere: by the outputs of the server's runs.
            Asked after the old blobs were listed.
        grace_s: Blobs that were saved, or saved again, within so many seconds stay.
        now: In seconds since the epoch.

    Returns:
        The digests of what was removed.
    """
    stores = list(stores)

    def marked() -> set[str]:
        return set(others()).union(*(store.references() for store in stores))

    return blobs.sweep(marked, (time.time() if now is None else now) - grace_s)
