"""Keyed state and timers."""

from pathlib import Path

from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.api import Clock, KeyedStore
from weft_engine.kernel.state.disk import DiskStore
from weft_engine.kernel.state.heap import HeapStore

__all__ = ["make_store"]


def make_store(
    settings: Settings, key_groups: range, total: int, uid: str, clock: Clock, folder: Path | None
) -> KeyedStore:
    """The keyed state of one operator in one subtask.

    Args:
        settings: Says which backend, and how snapshots are taken.
        key_groups: The groups that belong to the subtask.
        total: How many key groups there are; a power of two.
        uid: Names the operator, for files.
        clock: Processing time.
        folder: Where the disk backend keeps its files; `Settings.state_dir` or a temporary folder
            when None.
    """
    if settings.state_backend == "disk":
        if folder is None and settings.state_dir is not None:
            folder = Path(settings.state_dir)
        return DiskStore(settings, key_groups, total, clock, folder=folder, name=uid)
    return HeapStore(settings, key_groups, total, clock)
