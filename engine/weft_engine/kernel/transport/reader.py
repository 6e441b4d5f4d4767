"""One thread that reads all data connections of a process."""

import contextlib
import os
import selectors
import threading
from typing import Protocol

from weft_engine.errors import WeftError
from weft_engine.kernel.transport.connection import Connection


class Handler(Protocol):
    """What becomes of the frames of one connection. Nothing of it may wait."""

    def frame(self, kind: int, channel: int, body: memoryview) -> None:
        """One frame has come."""

    def ended(self, reason: str) -> None:
        """The connection is gone; nothing more comes."""


class Reader:
    """Reads connections until it is closed. Frames of a connection are handled in order."""

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, connection: Connection, handler: Handler) -> None:
        """Read a connection too; from any thread."""
        self._selector.register(connection, selectors.EVENT_READ, (connection, handler))

    def close(self) -> None:
        """Stop reading and let the thread end; connections stay open."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake_write, b".")
        self._thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if key.data is not None and not self._closing:
                    self._read(*key.data)

    def _read(self, connection: Connection, handler: Handler) -> None:
        try:
            if connection.receive(handler.frame):
                return
            reason = "it was closed"
        except WeftError as error:
            reason = error.message
        except OSError as error:
            reason = str(error) or type(error).__name__
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        connection.shutdown()
        handler.ended(reason)
