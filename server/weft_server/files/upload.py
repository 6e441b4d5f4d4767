"""A file on its way in: written beside, and put in its place when it is whole."""

import errno
import os
import threading
from pathlib import Path
from uuid import uuid4

from weft_server.files.faults import exists, is_folder, told
from weft_server.files.folder import Folder

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Upload:
    """One file that comes in pieces; its methods are called in threads, one after the other."""

    def __init__(self, folder: Folder, path: str, incoming: Path) -> None:
        """Make the temporary file, out of the sight of flows."""
        self._folder = folder
        self._path = path
        # A caller that was cancelled lets go while a thread still writes.
        self._lock = threading.Lock()
        with told(path):
            incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._temporary: Path | None = incoming / uuid4().hex
            self._number = os.open(
                self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )

    def write(self, data: bytes) -> None:
        """Add a piece."""
        with self._lock, told(self._path):
            if self._temporary is None:
                return
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._number, rest) :]

    def finish(self, *, overwrite: bool) -> Path:
        """Put the file in its place; where it is then."""
        with self._lock, told(self._path):
            assert self._temporary is not None
            os.fsync(self._number)
            self._folder.may_write(self._path, overwrite=overwrite)
            target = self._folder.to_write(self._path)
            if overwrite:
                _replace(self._temporary, target, self._path)
            else:
                _place(self._temporary, target, self._path)
            _sync(target.parent)
            return target

    def discard(self) -> None:
        """Leave nothing behind; after an end well or not."""
        with self._lock:
            if self._temporary is None:
                return
            os.close(self._number)
            self._temporary.unlink(missing_ok=True)
            self._temporary = None


def _replace(temporary: Path, target: Path, path: str) -> None:
    try:
        temporary.replace(target)
    except IsADirectoryError:
        raise is_folder(path) from None


def _place(temporary: Path, target: Path, path: str) -> None:
    """Take a free name; of two who want it at the same time one gets it."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links: the name is taken first, then filled.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        temporary.replace(target)


def _sync(folder: Path) -> None:
    """Make the name last; a file is not safe before its folder is."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
