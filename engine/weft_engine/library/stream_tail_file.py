"""Reading on in one file that somebody else writes, and telling whether it is still the same."""

import os
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 10_000_000
_PRINT: Final = 256
"""How many bytes of the beginning, and of what was read last, tell a file from another."""


class Mark(NamedTuple):
    """How far a file was read, and which file that was."""

    inode: int
    offset: int
    """In bytes."""
    print: str = ""
    """Of its first bytes and of those before the offset; empty in marks of earlier versions."""


class Tail:
    """One file."""

    def __init__(self, shown: str, path: Path, offset: int = 0) -> None:
        """Open it; `shown` is what records call it.

        Raises:
            FileNotFoundError: it is gone.
        """
        self.shown = shown
        self.file: BinaryIO = path.open("rb")
        self.inode = os.fstat(self.file.fileno()).st_ino
        self.offset = offset
        self.mark = self._mark()
        self.quiet_since = time.monotonic()
        """When it was last found to have grown."""

    def lines(self, *, whole: bool = False) -> list[tuple[int, bytes]]:
        """The lines that are complete now, each with its place; the rest too if `whole`."""
        self.file.seek(self.offset)
        data = self.file.read(_CHUNK)
        end = data.rfind(b"\n") + 1
        while not end and len(data) < _LONGEST and (more := self.file.read(_CHUNK)):
            data += more
            end = data.rfind(b"\n") + 1
        if not end and (whole or len(data) >= _LONGEST):
            end = len(data)  # without an end of line: let it pass as it is
        found: list[tuple[int, bytes]] = []
        at = self.offset
        for line in _cut(data[:end]):
            found.append((at, line))
            at += len(line)
        if found:
            self.quiet_since = time.monotonic()
        return found

    def read_to(self, offset: int) -> None:
        """So far it was read now."""
        if offset != self.offset:
            self.offset = offset
            self.mark = self._mark()

    def is_same(self) -> bool:
        """Whether what was read is still there: it was neither emptied nor written anew."""
        return _print(self.file, self.offset) == self.mark.print

    def close(self) -> None:
        """Let go of it."""
        self.file.close()

    def _mark(self) -> Mark:
        return Mark(self.inode, self.offset, _print(self.file, self.offset) or "")


def fits(path: Path, mark: Mark) -> bool:
    """Whether a file begins with what was read of the marked one: that file, or a copy of it."""
    try:
        with path.open("rb") as file:
            if not mark.print:
                found = os.fstat(file.fileno())
                return found.st_ino == mark.inode and found.st_size >= mark.offset
            return _print(file, mark.offset) == mark.print
    except OSError:
        return False


def _print(file: BinaryIO, offset: int) -> str | None:
    """Tells what was read; None where the file is shorter."""
    number = file.fileno()
    if os.fstat(number).st_size < offset:
        return None
    first = os.pread(number, min(_PRINT, offset), 0)
    last = os.pread(number, min(_PRINT, offset), max(0, offset - _PRINT))
    return blake2b(first + last, digest_size=12).hexdigest()


def _cut(data: bytes) -> Iterator[bytes]:
    """Lines by line feeds only: a carriage return may stand anywhere."""
    rest = data.split(b"\n")
    for number, part in enumerate(rest):
        if number < len(rest) - 1:
            yield part + b"\n"
        elif part:
            yield part
