"""Checkpoints in a directory.

`<directory>/<job>/manifest-<id>.json` is a checkpoint, `parts/…` is what manifests name, `lock` is
held by the job that writes. Everything is written under a temporary name, synced and renamed, and
the directory synced after it: what has a name is whole and survives the loss of power.
"""

import errno
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint.storage import Storage, segment

log = logging.getLogger(__name__)

_CHUNK: Final = 2**20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_TEMPORARY: Final = ".tmp"


class Files(Storage):
    """The checkpoints of one job below a directory that several jobs may share.

    Without the name of a job they are in just that directory, as those of a savepoint are.
    """

    def __init__(self, directory: str | Path, job: str | None = "job") -> None:
        root = Path(directory).absolute()
        self.root = root if job is None else root / segment(job)
        self._top = root
        self._lock: int | None = None

    def __reduce__(self) -> Any:
        return (Files, (str(self.root), None))

    def __repr__(self) -> str:
        return f"Files({str(self.root)!r}, None)"

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file under a temporary name, sync it, rename it, sync its directory."""
        path = self.root / name
        with _errors(path):
            handle, temporary = _make_file(path.parent, self._top)
            try:
                try:
                    _write_all(handle, memoryview(data))
                    os.fsync(handle)
                finally:
                    os.close(handle)
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
            sync_directory(path.parent)

    def get(self, name: str) -> bytes:
        """Read a file."""
        path = self.root / name
        with _errors(path, absent_is_told=True):
            return path.read_bytes()

    def measure(self, name: str) -> tuple[int, str]:
        """Size and digest of a file, which is read piece by piece."""
        path = self.root / name
        size, digest = 0, blake2b(digest_size=16)
        with _errors(path, absent_is_told=True), path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
        return size, digest.hexdigest()

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, and directories that are empty then."""
        parents = set()
        for name in names:
            path = self.root / name
            with _errors(path):
                path.unlink(missing_ok=True)
            parents.add(path.parent)
        for parent in parents:
            with _errors(parent):
                sync_directory(parent)
            if parent != self.root:
                with suppress(OSError):
                    parent.rmdir()

    def names(self, prefix: str) -> list[str]:
        """The files whose name begins so; without those that are being written."""
        folder = self.root / prefix if prefix.endswith("/") else self.root
        if not folder.is_dir():
            return []
        found = folder.rglob("*") if prefix.endswith("/") else folder.iterdir()
        with _errors(folder):
            names = [path.relative_to(self.root).as_posix() for path in found if path.is_file()]
        return [n for n in names if n.startswith(prefix) and not n.endswith(_TEMPORARY)]

    def sweep(self) -> int:
        """Remove what no checkpoint names and what was never finished; only while nobody writes."""
        for folder in (self.root, self.root / "parts"):
            for path in folder.glob(f"*{_TEMPORARY}"):
                path.unlink(missing_ok=True)
        for path in (self.root / "parts").rglob(f"*{_TEMPORARY}"):
            path.unlink(missing_ok=True)
        return super().sweep()

    def acquire(self, owner: str) -> None:
        """Hold the lock. The system lets go of it when this process ends, however it does.

        Raises:
            ResourceError: `checkpoint.in_use` when another job holds it.
        """
        if self._lock is not None:
            raise in_use(str(self.root), "another job of this process")
        path = self.root / "lock"
        with _errors(path):
            _make_directory(self.root, self._top)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 1000).decode("utf-8", "replace").strip()
                os.close(handle)
                raise in_use(str(self.root), holder) from None
            except BaseException:
                os.close(handle)
                raise
            os.truncate(handle, 0)
            os.write(handle, f"{owner}, process {os.getpid()}".encode())
        self._lock = handle

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def in_use(what: str, holder: str) -> ResourceError:
    """The error for a store that another job holds."""
    return ResourceError(
        f"{what} is in use by {holder or 'another job'}",
        code="checkpoint.in_use",
        hint="Wait until that job has ended, or give this one another name or directory.",
        params={"what": what, "holder": holder},
    )


def full(what: str, error: OSError) -> ResourceError:
    """The error for a disk without space."""
    return ResourceError(
        f"there is no space left to write {what}: {error.strerror or error}",
        code="checkpoint.storage_full",
        hint="Free some space or choose another checkpoint directory, then start the job again:"
        " it goes on from its last checkpoint.",
        params={"path": what},
        retryable=False,
    )


@contextmanager
def _errors(path: Path, *, absent_is_told: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if absent_is_told and isinstance(error, FileNotFoundError):
            raise
        if error.errno in _FULL:
            raise full(str(path), error) from error
        raise ResourceError(
            f"{path} cannot be written or read: {error.strerror or error}",
            code="checkpoint.storage_failed",
            hint="Check that the checkpoint directory is there and may be written to.",
            params={"path": str(path), "errno": error.errno},
            retryable=True,
        ) from error


def _make_file(folder: Path, top: Path) -> tuple[int, Path]:
    while True:
        _make_directory(folder, top)
        # It may be gone again: folders are removed with the last file in them.
        with suppress(FileNotFoundError):
            handle, name = tempfile.mkstemp(_TEMPORARY, "", folder)
            return handle, Path(name)


def _write_all(handle: int, data: memoryview) -> None:
    data = data.cast("B")
    while data:
        data = data[os.write(handle, data[:_CHUNK]) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_directory(path: Path, top: Path) -> None:
    """Make it and what it is in; from `top` on nobody else may look: records are in there."""
    if path.is_dir():
        return
    _make_directory(path.parent, top)
    with suppress(FileNotFoundError):
        path.mkdir(0o700 if path.is_relative_to(top) else 0o777, exist_ok=True)
        sync_directory(path.parent)
