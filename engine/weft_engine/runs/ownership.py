"""Who runs the runs of a data directory: one engine at a time, and its journal."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.writer import TTL_S

log = logging.getLogger(__name__)

FOLDER: Final = "engine"
_LOOK_S: Final = 0.02


@contextmanager
def alone(data: Path, wait_s: float = TTL_S) -> Iterator[str]:
    """Be the only engine of a data directory while the context lasts.

    An engine whose server was killed may take a moment to notice. It is waited for, so that no
    node runs in both; one that does not go away loses its runs with its leases.

    Args:
        data: The directory.
        wait_s: How long to wait for another engine.

    Yields:
        The name under which the runs are held: the same for every engine of the directory, so
        that the next one need not wait for the leases of one that died.
    """
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        if _locked(lock, wait_s):
            yield _name(folder)
        else:
            log.warning("another engine uses %s, too", folder)
            yield uuid4().hex


def _locked(lock: IO[str], wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_S)


def _name(folder: Path) -> str:
    place = folder / "owner"
    with suppress(FileNotFoundError):
        known = place.read_text(encoding="utf-8").strip()
        if known:
            return known
    name = uuid4().hex
    place.write_text(name, encoding="utf-8")
    return name


def open_journal(address: str, data: Path) -> JournalStore:
    """Open the journal of runs.

    Args:
        address: A path, or an address of PostgreSQL; empty is in the data directory.
        data: The data directory.

    Raises:
        JournalError: it cannot be opened.
    """
    if address.startswith(("postgresql:", "postgresql+", "postgres:")):
        from weft_engine.runs.journal.postgres import PostgresJournal  # noqa: PLC0415 - its driver

        return PostgresJournal(address)
    path = Path(address) if address else data / FOLDER / "journal.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteJournal(path)
