"""Reading on in files that somebody else writes, also when they are rotated.

A file that is renamed, or removed, is read to its end through the file that is open; one that is
copied and emptied, or was renamed while nobody looked, from wherever the rest of it lies beside it.
"""

import fnmatch
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

from weft_engine.errors import WeftError
from weft_engine.library.paths import to_read
from weft_engine.library.stream_tail_file import Mark, Tail, fits
from weft_engine.nodes.node_type import NodeContext
from weft_engine.nodes.types import Row

_LOOK_S: Final = 0.5
"""How often it is looked for new files, and for files that were changed for others."""
QUIET_S: Final = 5.0
"""A file that was rotated away is left when nothing was written to it for so long."""
_WILD: Final = frozenset("*?[")
_OLD: Final = "//"
"""Stands in the names of marks of files that were rotated away."""
_SEEN: Final = "copy"
"""In the place of a print: a file that holds what was read under another name."""

Position = dict[str, tuple[int, int, str]]
"""File → inode, offset in bytes, and print."""


class Tails:
    """All files that fit a path or pattern; a `Reader` of the kernel."""

    def __init__(
        self,
        path: str,
        begin: str,
        ctx: NodeContext | None,
        position: Mapping[str, Sequence[Any]] | None,
        *,
        skip_empty: bool,
    ) -> None:
        self._path = path
        self._ctx = ctx
        self._skip_empty = skip_empty
        self._known = {name: Mark(*mark) for name, mark in (position or {}).items()}
        self._open: dict[str, Tail] = {}
        self._old: list[Tail] = []
        """Files that were rotated away, until they are quiet."""
        self._next_look = 0.0
        self._look(to_end=position is None and begin == "end")

    def read(self, limit: int) -> list[Row]:
        """Lines that have come; none for nothing right now."""
        if time.monotonic() >= self._next_look:
            self._look()
        for shown, tail in self._open.items():
            if not tail.is_same():
                self._emptied(shown, tail)
        found: list[Row] = []
        for tail in list(self._old):  # what was written before comes first
            while len(found) < limit and self._take_old(tail, found, limit):
                pass
        for shown, tail in self._open.items():
            if len(found) >= limit:
                break
            self._take(tail, found, limit)
            self._known[shown] = tail.mark
        return found

    def position(self) -> Position:
        """Where every file is."""
        return {name: (*mark,) for name, mark in self._known.items()}

    def close(self) -> None:
        """Close the files."""
        for tail in (*self._open.values(), *self._old):
            tail.close()
        self._open.clear()
        self._old.clear()

    def _take_old(self, tail: Tail, found: list[Row], limit: int) -> bool:
        """Read a file that was rotated away; whether it had something, or may have more."""
        quiet = time.monotonic() - tail.quiet_since >= QUIET_S
        more = self._take(tail, found, limit, whole=quiet)
        self._known[_old_name(tail)] = tail.mark
        if quiet and not more:
            self._old.remove(tail)
            self._known.pop(_old_name(tail), None)
            tail.close()
        return more

    def _take(self, tail: Tail, found: list[Row], limit: int, *, whole: bool = False) -> bool:
        at = start = tail.offset
        for place, line in tail.lines(whole=whole):
            if len(found) >= limit:
                break
            at = place + len(line)
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip() or not self._skip_empty:
                found.append({"text": text, "file": tail.shown, "offset": place})
        tail.read_to(at)
        return at > start

    # What has become of the files

    def _look(self, *, to_end: bool = False) -> None:
        self._next_look = time.monotonic() + _LOOK_S
        for name in [name for name in self._known if _OLD in name]:
            if all(_old_name(tail) != name for tail in self._old):
                self._rest(name.partition(_OLD)[0], self._known.pop(name))
        there = dict(self._files())
        for shown, path in there.items():
            with suppress(FileNotFoundError):
                self._look_at(shown, path, to_end=to_end)
        for shown in [shown for shown in self._open if shown not in there]:
            self._rotated(shown, self._open.pop(shown))

    def _look_at(self, shown: str, path: Path, *, to_end: bool) -> None:
        found = path.stat()
        tail, known = self._open.get(shown), self._known.get(shown)
        if tail is not None:
            if tail.inode == found.st_ino:
                return
            self._rotated(shown, self._open.pop(shown))
            known = None
        if known is not None and known.print == _SEEN:
            if known.inode == found.st_ino:
                return
            known = None
        if known is None and self._is_elsewhere(shown, path, found.st_ino):
            self._known[shown] = Mark(found.st_ino, 0, _SEEN)
            return
        offset = found.st_size if known is None and to_end else 0
        if known is not None and fits(path, known):
            offset = known.offset
        elif known is not None:
            self._rest(shown, known)
        self._open[shown] = opened = Tail(shown, path, offset)
        self._known[shown] = opened.mark

    def _is_elsewhere(self, shown: str, path: Path, inode: int) -> bool:
        """Whether a file that was not there before holds what is read under another name."""
        if any(tail.inode == inode for tail in (*self._old, *self._open.values())):
            return True
        for name, mark in self._known.items():
            own = name.partition(_OLD)[0]
            if own == shown or mark.print in ("", _SEEN) or mark.offset == 0:
                continue
            # Files may begin alike: only a copy has the name of the file as the beginning of its.
            if (mark.inode == inode or shown.startswith(own)) and fits(path, mark):
                return True
        return False

    def _rotated(self, shown: str, tail: Tail) -> None:
        """A file has another name now, or none: read it to its end."""
        tail.quiet_since = time.monotonic()
        self._old.append(tail)
        self._known[_old_name(tail)] = tail.mark
        self._known.pop(shown, None)

    def _emptied(self, shown: str, tail: Tail) -> None:
        """A file begins anew; a copy may hold what was not yet read of it."""
        self._rest(shown, tail.mark)
        tail.read_to(0)
        self._known[shown] = tail.mark

    def _rest(self, shown: str, mark: Mark) -> None:
        """Read on where the rest of a file lies, if it lies beside it."""
        if mark.offset == 0:
            return
        with suppress(WeftError, OSError):
            own = self._real(shown)
            for path in sorted(own.parent.iterdir()):
                same = path.name.startswith(own.name.partition(".")[0]) and path.name != own.name
                if same and path.is_file() and not path.is_symlink() and fits(path, mark):
                    tail = Tail(shown, path, mark.offset)
                    self._old.append(tail)
                    self._known[_old_name(tail)] = tail.mark
                    return

    def _real(self, shown: str) -> Path:
        """Where a file lies, also when it is not there now."""
        folder = str(PurePosixPath(shown).parent)
        base = self._ctx.files.open_read(folder) if self._ctx else Path(folder)
        return base / PurePosixPath(shown).name

    def _files(self) -> Iterator[tuple[str, Path]]:
        folder, name = PurePosixPath(self._path).parent, PurePosixPath(self._path).name
        if not _WILD & set(name):
            with suppress(FileNotFoundError):
                try:
                    yield self._path, to_read(self._path, self._ctx)
                except WeftError as error:
                    if error.code != "file.not_found":
                        raise
            return
        try:
            base = self._ctx.files.open_read(str(folder)) if self._ctx else Path(folder)
            names = sorted(fnmatch.filter((path.name for path in base.iterdir()), name))
        except (WeftError, FileNotFoundError):
            return
        for each in names:
            if not (base / each).is_dir():
                yield str(folder / each), to_read(str(folder / each), self._ctx)


def _old_name(tail: Tail) -> str:
    return f"{tail.shown}{_OLD}{tail.inode}"
