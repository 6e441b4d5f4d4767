"""One socket that several threads write frames to and one reads frames from."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from weft_engine.kernel.transport.frames import HEADER, MAX_FRAME, FrameReader, Kind, pack

_JOIN = 16 * 1024
"""Up to this many bytes, copying is cheaper than handing over two buffers."""

Body = bytes | bytearray | memoryview


class Connection:
    """A socket with whole frames in both directions. Writing blocks; nothing is queued."""

    def __init__(self, sock: socket.socket, peer: str, limit: int = MAX_FRAME) -> None:
        self.peer = peer
        """Who is at the other end, for errors."""
        self._socket = sock
        self._writing = threading.Lock()
        self._reader = FrameReader(peer, limit)

    def fileno(self) -> int:
        """For selectors; -1 once closed."""
        return self._socket.fileno()

    def send(self, kind: Kind, channel: int, body: Body) -> None:
        """Write one frame; waits while the socket is full.

        Raises:
            OSError: when the connection is gone.
        """
        header = pack(kind, channel, len(body))
        with self._writing:
            if len(body) <= _JOIN:
                self._socket.sendall(header + bytes(body))
                return
            sent = self._socket.sendmsg((header, body))
            if sent < HEADER.size:
                self._socket.sendall(header[sent:])
                sent = HEADER.size
            with memoryview(body) as view:
                self._socket.sendall(view[sent - HEADER.size :])

    def send_if_free(self, kind: Kind, channel: int, body: Body) -> bool:
        """Write a small frame unless that would have to wait; whether it was written."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            ready = select.poll()
            ready.register(self._socket, select.POLLOUT)
            writable = ready.poll(0)
            if writable:
                self._socket.sendall(pack(kind, channel, len(body)) + bytes(body))
            return bool(writable)
        finally:
            self._writing.release()

    def receive(self, frame: Callable[[int, int, memoryview], None]) -> bool:
        """Receive once and hand on what frames are complete; False at the end."""
        return self._reader.receive(self._socket, frame)

    def shutdown(self) -> None:
        """Wake everybody who waits for the socket, in both directions."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket."""
        self.shutdown()
        self._socket.close()
