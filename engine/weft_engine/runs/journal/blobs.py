"""Bytes by their content, in `DIR/blobs/<aa>/<sha256>`: kept once, and whole after any crash.

A blob is written under a temporary name, synced, renamed, and its folder synced after it. One that
is needed again is only touched, so that the sweep sees that it is young.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from weft_engine.runs.journal.errors import JournalError, full, unavailable, value_lost

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system answers when there is no more room."""
_PIECE: Final = 2**20
_DIGEST: Final = 64


class Blobs:
    """The blobs below a directory, which several processes may share."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "blobs"

    def place(self, digest: str) -> Path:
        """Where a blob is."""
        return self.root / digest[:2] / digest

    def save(self, data: bytes | bytearray | memoryview) -> str:
        """Keep bytes; when this returns they survive the loss of power.

        Returns:
            Their SHA-256.

        Raises:
            JournalError: `journal.full`, `journal.unavailable`.
        """
        view = memoryview(data).cast("B")
        digest = _digest(view[at : at + _PIECE] for at in range(0, len(view), _PIECE))
        try:
            if not self._is_there(digest, len(view)):
                self._write(self.place(digest), view)
        except OSError as error:
            raise self._unsaved(error) from error
        return digest

    def load(self, digest: str) -> bytes:
        """Read a blob.

        Raises:
            JournalError: `journal.value_lost` when it is gone or damaged.
        """
        try:
            data = self.place(digest).read_bytes()
        except FileNotFoundError as error:
            raise value_lost(digest, "its file is not there") from error
        except OSError as error:
            raise value_lost(digest, error.strerror or str(error)) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise value_lost(digest, "its file has changed")
        return data

    def sweep(self, marked: Callable[[], set[str]], before: float) -> list[str]:
        """Remove blobs that are older than a moment and that nobody refers to.

        Args:
            marked: Collects what is referred to; called after the old blobs were listed, so that
                a reference that is written meanwhile is to a blob that was saved or touched.
            before: In seconds since the epoch. The time between saving a blob and writing down
                what refers to it must be shorter than from then to now.

        Returns:
            The digests of what was removed.
        """
        old = [path for path in self._files() if _touched(path) < before]
        removed: list[str] = []
        if not old:
            return removed
        keep = marked()
        for path in old:
            if path.name in keep:
                continue
            with suppress(FileNotFoundError), self._alone(fcntl.LOCK_EX):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed.append(path.name)
        return [name for name in removed if not name.startswith(".")]

    def _files(self) -> Iterator[Path]:
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            for path in folder.iterdir():
                # What begins with a dot was being written when its process died.
                if len(path.name) == _DIGEST or path.name.startswith("."):
                    yield path

    def _is_there(self, digest: str, size: int) -> bool:
        """Whether a blob is there, and whole; then it is young again."""
        path = self.place(digest)
        try:
            with self._alone(fcntl.LOCK_SH):
                if path.stat().st_size != size:
                    return False
                os.utime(path)
            with path.open("rb") as file:
                return _digest(iter(lambda: file.read(_PIECE), b"")) == digest
        except FileNotFoundError:
            return False

    def _write(self, path: Path, data: memoryview) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.root)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with temporary.open("xb", buffering=0) as file:
                while data:
                    data = data[file.write(data[:_PIECE]) :]
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)

    @contextmanager
    def _alone(self, kind: int) -> Iterator[None]:
        """Keep the sweep, of whatever process, from a blob that is being looked at."""
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)

    def _unsaved(self, error: OSError) -> JournalError:
        reason = error.strerror or str(error)
        return (full if error.errno in FULL else unavailable)(str(self.root), reason)


def sync_folder(folder: Path) -> None:
    """Make sure that a new name survives the loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(pieces: Iterator[bytes] | Iterator[memoryview]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
