"""HTTP as uvicorn reads it, with bounds on what comes before a request can be refused."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST: Final = 512 * 1024
"""Bytes of a request besides its body: its address and its headers."""
HEAD_SECONDS: Final = 20.0
"""How long these may take."""
_CHUNK_OVERHEAD: Final = 16
"""Bytes around each chunk of a body; a chunk has at least one of its own."""
_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """Cuts off whoever sends headers without end; uvicorn would keep them all in memory."""

    _left: int = MOST
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it was too much."""
        super().data_received(data)
        self._left -= len(data)
        if self._left < 0 and not self.transport.is_closing():
            self._stop_waiting()
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._left = MOST
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Wait no more; bodies have a bound of their own."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count only what is not body."""
        self._left += (1 + _CHUNK_OVERHEAD) * len(body)
        super().on_body(body)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
