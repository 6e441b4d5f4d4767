"""A temporary folder that is known to be nobody's any more once its process has died."""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_OWNER: Final = "owner"
_YOUNG_S: Final = 60.0
"""A folder so new may not be locked yet."""


_swept: Final[set[tuple[str, str]]] = set()
"""Where this process has cleared up; once is enough, for temporary folders can be large."""


class OwnFolder:
    """A folder that is locked for as long as this process lives, or until it is removed.

    Whoever is killed cannot clear up. So the next one does: a process that makes its first folder
    removes those beside it, of the same user and prefix, whose lock nobody holds.
    """

    def __init__(self, prefix: str, parent: str) -> None:
        """Make it, in a folder that is there.

        Raises:
            OSError: when it cannot be made.
        """
        if (prefix, parent) not in _swept:
            _swept.add((prefix, parent))
            sweep(prefix, parent)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock = os.open(self.path / _OWNER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it with all that is in it; may be called again."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep(prefix: str, parent: str, young_s: float = _YOUNG_S) -> None:
    """Remove folders whose processes have died."""
    for folder in Path(parent).glob(f"{prefix}*"):
        with suppress(OSError):  # somebody else removes it, or it is not ours
            about = folder.stat(follow_symlinks=False)
            if about.st_uid == os.getuid() and time.time() - about.st_mtime >= young_s:
                _remove_abandoned(folder)


def _remove_abandoned(folder: Path) -> None:
    lock = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _OWNER:
                entry.unlink()
        # A child of the dead may still have written something: then the next one goes on here.
        if [entry.name for entry in folder.iterdir()] == [_OWNER]:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
