"""The folder of one workspace, and the one way from a path that somebody sent to a file in it."""

import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import BinaryIO

from weft_engine.errors import NodeError
from weft_engine.runs.files import LocalFiles
from weft_server.files.faults import bad_path, exists, is_folder, not_folder, not_found, told

LONGEST_PATH = 1_024
LONGEST_NAME = 255
DEEPEST = 32
TEMPORARY = re.compile(r"\.weft-[0-9a-f]+\.tmp")
"""Names of files that are being written."""

# Names of devices on Windows, with any ending: copied there, such a file cannot be opened.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
# Characters that turn the direction of writing make a name look like another.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


class Folder:
    """The files of one workspace; nothing outside of it can be reached."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._files = LocalFiles(self.root, confined=True)

    def existing(self, path: str) -> Path:
        """Where a file or folder is, links followed."""
        _check(path)
        with told(path):
            return self._files.open_read(path)

    def to_read(self, path: str) -> BinaryIO:
        """A file, opened; links, devices and pipes are not files."""
        found = self.existing(path)
        with told(path):
            # Opening a pipe would wait for a writer.
            number = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            file = os.fdopen(number, "rb", buffering=0)
        mode = os.fstat(number).st_mode
        if stat.S_ISREG(mode):
            return file
        file.close()
        raise is_folder(path) if stat.S_ISDIR(mode) else not_found(path)

    def make(self) -> None:
        """Make the folder itself, as a run does that comes first."""
        with told(""):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def may_write(self, path: str, *, overwrite: bool) -> None:
        """Refuse what cannot be written, before anything is received or made."""
        _check(path)
        _check_new(path)
        with told(path):
            found = self._find(path)
            if found is not None and found.is_dir():
                raise is_folder(path)
            if found is not None and not overwrite:
                raise exists(path)
            above = next(there for up in Path(path).parents if (there := self._find(str(up))))
            if not above.is_dir():
                raise not_folder(path)

    def to_write(self, path: str) -> Path:
        """Where to write a file; its folder is made."""
        with told(path):
            return self._files.open_write(path)

    def to_delete(self, path: str) -> Path:
        """What to delete: of a link the link itself, never what it leads to."""
        _check(path)
        name = Path(path).name
        if name in {"", ".."}:
            raise bad_path(path, "it names no file")
        found = self.existing(str(Path(path).parent)) / name
        if not os.path.lexists(found):
            raise not_found(path)
        return found

    def named(self, found: Path) -> str:
        """The path of something in this folder, as nodes take it."""
        return found.relative_to(self.root).as_posix()

    def leads_inside(self, link: Path) -> bool:
        """Whether a flow could follow a link."""
        target = link.resolve()
        return target.is_relative_to(self.root) and target.exists()

    def _find(self, path: str) -> Path | None:
        """What is at a path, if anything; the engine says what leads outside."""
        try:
            return self._files.open_read(path)
        except NodeError as error:
            if error.code != "file.not_found":
                raise
            return None


def new_path(path: str) -> str:
    """A path in the one form in which files are kept; macOS sends accents apart."""
    return unicodedata.normalize("NFC", path)


def _check(path: str) -> None:
    """Refuse paths that no file of this server can have."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise bad_path("", "it is not text") from None
    if "\0" in path:
        raise bad_path(path.replace("\0", ""), "it has a character that no path may have")
    parts = path.split("/")
    if size > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise bad_path(path, "it is too long")
    if len(parts) > DEEPEST:
        raise bad_path(path, "it has too many folders")


def _check_new(path: str) -> None:
    """Refuse names that would make trouble on other machines or look like something else."""
    parts = Path(path).parts
    if not parts or path.endswith("/"):
        raise bad_path(path, "it names no file")
    for part in parts:
        reason = _trouble(part)
        if reason:
            raise bad_path(path, reason)


def _trouble(name: str) -> str | None:
    if name in {"..", "/"}:
        return None  # Whether it leads outside is the engine's to say.
    if any(unicodedata.category(char) == "Cc" or char in _TURNS for char in name):
        return "it has an invisible character"
    if "\\" in name:
        return "folders are set apart by /, not by \\"
    if _DEVICES.fullmatch(name) or TEMPORARY.fullmatch(name):
        return f"{name} is a reserved name"
    if name != name.strip() or name.endswith("."):
        return "a name does not begin or end with a space, nor end with a dot"
    return None
