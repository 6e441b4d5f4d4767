"""Frames: how messages are told apart on a socket.

A frame is nine bytes of header and a body: the length of the body (4 bytes), a channel (4 bytes)
and a kind (1 byte), little endian. `FrameReader` takes what a socket gives, in whatever pieces,
and calls back with whole frames. Neither side ever guesses: a frame that is too long or of an
unknown kind is an error, and the connection is closed.
"""

import socket
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from weft_engine.errors import KernelError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes

HEADER: Final = struct.Struct("<IIB")
MAX_FRAME: Final = 64 * 2**20
"""Longest body of a data frame in bytes; longer batches are split."""
MAX_CONTROL: Final = 2**31 - 1
"""Longest body of a control frame in bytes; they carry whole jobs and their state."""
_RECEIVE: Final = 256 * 1024
_LARGE: Final = 64 * 1024
"""From here on a body is received into memory of its own instead of being copied once more."""


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    """Who is speaking; the first on every connection."""
    CONTROL = 2
    """A message between coordinator and worker."""
    DATA = 3
    """Events of a channel."""
    CREDIT = 4
    """What the receiver of a channel has taken."""
    CLOSE = 5
    """The receiver of a channel wants nothing more."""


_KINDS: Final = frozenset(kind.value for kind in Kind)


def pack(kind: Kind, channel: int, size: int) -> bytes:
    """The header of a frame."""
    return HEADER.pack(size, channel, kind)


def malformed(detail: str, peer: str) -> KernelError:
    """A connection that does not follow the protocol."""
    return KernelError(
        f"The connection with {peer} carries something that is not a frame: {detail}.",
        code="kernel.frame_malformed",
        hint="Run the same version of Weft everywhere, and let nothing else talk to its ports.",
        params={"peer": peer, "detail": detail},
    )


class FrameReader:
    """Puts frames together from what a socket gives."""

    def __init__(self, peer: str, limit: int = MAX_FRAME) -> None:
        self._peer = peer
        self._limit = limit
        self._buffer = bytearray(_RECEIVE)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._stop = 0
        self._large: bytearray | None = None
        self._large_at = 0
        self._large_head = (0, 0)

    def receive(self, source: socket.socket, frame: Callable[[int, int, memoryview], None]) -> bool:
        """Receive once, and call `frame(kind, channel, body)` for every frame that is complete.

        The body is valid only during the call, unless it is copied.

        Returns:
            False at the end of the connection.

        Raises:
            KernelError: `kernel.frame_malformed`; also when it ends inside a frame.
            OSError: when the connection fails.
        """
        if self._large is not None:
            return self._receive_large(source, frame)
        count = source.recv_into(self._view[self._stop :])
        if count == 0:
            if self._stop > self._start:
                raise malformed("it ends in the middle of a frame", self._peer)
            return False
        self._stop += count
        self._take(frame)
        return True

    def _receive_large(
        self, source: socket.socket, frame: Callable[[int, int, memoryview], None]
    ) -> bool:
        large = self._large
        assert large is not None
        with memoryview(large) as view:
            count = source.recv_into(view[self._large_at :])
            if count == 0:
                raise malformed("it ends in the middle of a frame", self._peer)
            self._large_at += count
            if self._large_at == len(large):
                self._large = None
                frame(*self._large_head, view)
        return True

    def _take(self, frame: Callable[[int, int, memoryview], None]) -> None:
        start, stop, head = self._start, self._stop, HEADER.size
        while stop - start >= head:
            size, channel, kind = HEADER.unpack_from(self._buffer, start)
            if kind not in _KINDS:
                raise malformed(f"a frame of kind {kind}", self._peer)
            if size > self._limit:
                raise malformed(f"a frame of {size} bytes, at most {self._limit}", self._peer)
            if stop - start - head < size:
                if size > _LARGE:
                    self._begin_large(kind, channel, size, start + head, stop)
                    start = stop
                break
            body = start + head
            start = body + size
            frame(kind, channel, self._view[body:start])
        self._settle(start, stop)

    def _begin_large(self, kind: int, channel: int, size: int, body: int, stop: int) -> None:
        self._large = bytearray(size)
        self._large_at = stop - body
        self._large[: self._large_at] = self._view[body:stop]
        self._large_head = (kind, channel)

    def _settle(self, start: int, stop: int) -> None:
        """Make room for the rest of a frame that is not complete."""
        if start == stop:
            start = stop = 0
        elif start and len(self._buffer) - start < _LARGE + HEADER.size:
            self._view[: stop - start] = bytes(self._view[start:stop])
            start, stop = 0, stop - start
        self._start, self._stop = start, stop
