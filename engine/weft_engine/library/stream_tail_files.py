"""Reading on in files that somebody else writes."""

import fnmatch
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from weft_engine.errors import WeftError
from weft_engine.library.paths import to_read
from weft_engine.nodes.node_type import NodeContext
from weft_engine.nodes.types import Row

_CHUNK: Final = 256 * 1024
_LOOK_S: Final = 0.5
"""How often it is looked for new files, and for files that were changed for others."""
_LONGEST: Final = 10_000_000
_WILD: Final = frozenset("*?[")

Position = dict[str, tuple[int, int]]
"""File → inode and offset, in bytes."""


class _Tail:
    """One file."""

    def __init__(self, shown: str, path: Path, inode: int, offset: int) -> None:
        self.shown = shown
        self.file: BinaryIO = path.open("rb")
        found = os.fstat(self.file.fileno())
        same = found.st_ino == inode and found.st_size >= offset
        self.inode = found.st_ino
        self.offset = offset if same else 0

    def lines(self) -> list[tuple[int, bytes]]:
        """The lines that are complete now, each with its place."""
        if os.fstat(self.file.fileno()).st_size < self.offset:
            self.offset = 0  # it was emptied
        self.file.seek(self.offset)
        data = self.file.read(_CHUNK)
        end = data.rfind(b"\n") + 1
        while not end and len(data) < _LONGEST and (more := self.file.read(_CHUNK)):
            data += more
            end = data.rfind(b"\n") + 1
        if not end and len(data) >= _LONGEST:
            end = len(data)  # no text: let it pass in pieces
        found: list[tuple[int, bytes]] = []
        at = self.offset
        for line in (
            data[:end].splitlines(keepends=True) if b"\r" not in data[:end] else _cut(data[:end])
        ):
            found.append((at, line))
            at += len(line)
        return found


def _cut(data: bytes) -> Iterator[bytes]:
    """Lines by line feeds only: a carriage return may stand anywhere."""
    rest = data.split(b"\n")
    for number, part in enumerate(rest):
        if number < len(rest) - 1:
            yield part + b"\n"
        elif part:
            yield part


class Tails:
    """All files that fit a path or pattern; a `Reader` of the kernel."""

    def __init__(
        self,
        path: str,
        begin: str,
        ctx: NodeContext | None,
        position: Position | None,
        *,
        skip_empty: bool,
    ) -> None:
        self._path = path
        self._ctx = ctx
        self._skip_empty = skip_empty
        self._known: Position = dict(position or {})
        self._open: dict[str, _Tail] = {}
        self._next_look = 0.0
        self._look(to_end=position is None and begin == "end")

    def read(self, limit: int) -> list[Row]:
        """Lines that have come; none for nothing right now."""
        if time.monotonic() >= self._next_look:
            self._look()
        found: list[Row] = []
        for shown, tail in list(self._open.items()):
            for at, line in tail.lines():
                if len(found) >= limit:
                    break
                tail.offset = at + len(line)
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text.strip() or not self._skip_empty:
                    found.append({"text": text, "file": shown, "offset": at})
            self._known[shown] = (tail.inode, tail.offset)
        return found

    def position(self) -> Position:
        """Where every file is."""
        return dict(self._known)

    def close(self) -> None:
        """Close the files."""
        for tail in self._open.values():
            tail.file.close()
        self._open.clear()

    def _look(self, *, to_end: bool = False) -> None:
        self._next_look = time.monotonic() + _LOOK_S
        for shown, path in self._files():
            tail = self._open.get(shown)
            with suppress(FileNotFoundError):
                found = path.stat()
                if tail is not None and tail.inode == found.st_ino:
                    continue
                if tail is not None and tail.lines():
                    continue  # what was written before it was moved away comes first
                inode, offset = self._known.get(shown, (found.st_ino, 0))
                if to_end and shown not in self._known:
                    offset = found.st_size
                self._open[shown] = _Tail(shown, path, inode, offset)
                if tail is not None:
                    tail.file.close()

    def _files(self) -> list[tuple[str, Path]]:
        folder, name = PurePosixPath(self._path).parent, PurePosixPath(self._path).name
        if not _WILD & set(name):
            try:
                return [(self._path, to_read(self._path, self._ctx))]
            except WeftError as error:
                if error.code != "file.not_found":
                    raise
            except FileNotFoundError:
                pass
            return []
        try:
            base = self._ctx.files.open_read(str(folder)) if self._ctx else Path(folder)
            names = sorted(fnmatch.filter((path.name for path in base.iterdir()), name))
        except (WeftError, FileNotFoundError):
            return []
        shown = [str(folder / each) for each in names if not (base / each).is_dir()]
        return [(each, to_read(each, self._ctx)) for each in shown]
