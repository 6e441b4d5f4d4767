"""What has changed among the files of a pattern since somebody last looked."""

import fnmatch
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from weft_server.files.folder import TEMPORARY

MOST_FILES: Final = 20_000
"""A pattern that fits more is refused: each look goes through all of them."""

Seen = dict[str, tuple[int, int]]
"""Path → time of change in ns, size."""


class TooManyFilesError(Exception):
    """The pattern fits too many files."""


@dataclass(frozen=True)
class Change:
    """What happened to one file."""

    path: str
    change: str
    state: tuple[int, int] | None

    def payload(self, now: datetime) -> dict[str, Any]:
        """What the node gives."""
        if self.state is None:
            return {"path": self.path, "change": self.change, "time": now.isoformat()}
        mtime_ns, size = self.state
        time = datetime.fromtimestamp(mtime_ns / 1e9, UTC)
        return {
            "path": self.path,
            "change": self.change,
            "size": size,
            "time": time.isoformat(),
        }


def scan(root: Path, pattern: str) -> Seen:
    """The files that a pattern fits, as they are now; links are not followed.

    Raises:
        TooManyFilesError: more than `MOST_FILES`.
    """
    wanted = _compiled(pattern)
    deep = "**" in pattern
    base, depth = _base(pattern)
    if not (root / base).resolve().is_relative_to(root.resolve()):
        return {}
    found: Seen = {}
    folders = [(root / base, base)]
    while folders:
        folder, name = folders.pop()
        for entry, path in _entries(folder, name):
            if entry.is_dir(follow_symlinks=False):
                if deep or path.count("/") < depth:
                    folders.append((folder / entry.name, path))
            elif wanted.fullmatch(path):
                state = _state(entry)
                if state is not None:
                    found[path] = state
                if len(found) > MOST_FILES:
                    raise TooManyFilesError(pattern)
    return found


def differing(before: Seen, now: Seen) -> set[str]:
    """The paths that are not as they were."""
    return {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


def changes(before: Seen, now: Seen, wanted: frozenset[str]) -> list[Change]:
    """What is different, in the order of the paths."""
    found = []
    for path in sorted(differing(before, now)):
        old, new = before.get(path), now.get(path)
        kind = "created" if old is None else "deleted" if new is None else "changed"
        if kind in wanted:
            found.append(Change(path, kind, new))
    return found


def _entries(folder: Path, name: str) -> list[tuple[os.DirEntry[str], str]]:
    try:
        with os.scandir(folder) as entries:
            return [
                (entry, f"{name}/{entry.name}" if name else entry.name)
                for entry in entries
                if not TEMPORARY.fullmatch(entry.name)
            ]
    except OSError:
        return []


def _state(entry: os.DirEntry[str]) -> tuple[int, int] | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _base(pattern: str) -> tuple[str, int]:
    """The folders of a pattern before its first wildcard, and how deep it reaches."""
    parts = _parts(pattern)
    plain: list[str] = []
    for part in parts[:-1]:
        if any(sign in part for sign in "*?["):
            break
        plain.append(part)
    return "/".join(plain), len(parts) - 1


def _parts(pattern: str) -> list[str]:
    # There is nothing above the folder of the workspace.
    return [part for part in pattern.split("/") if part not in {"", ".", ".."}] or ["*"]


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern over whole paths: `*` stays inside a name, `**` crosses folders."""
    pieces: list[str] = []
    for index, part in enumerate(_parts(pattern)):
        last = index == len(_parts(pattern)) - 1
        if part == "**":
            pieces.append(".*" if last else "(?:[^/]+/)*")
        else:
            pieces.append(_name(part) + ("" if last else "/"))
    return re.compile("".join(pieces))


def _name(part: str) -> str:
    # fnmatch reads * and ? as anything; here they stay inside one name.
    signs = {"*": "[^/]*", "?": "[^/]"}
    out = []
    for piece in re.split(r"(\*|\?|\[[^/\]]+\])", part):
        if piece in signs:
            out.append(signs[piece])
        elif piece.startswith("[") and piece.endswith("]"):
            out.append(fnmatch.translate(piece)[4:-3])
        else:
            out.append(re.escape(piece))
    return "".join(out)
