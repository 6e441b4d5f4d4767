"""Metrics of a live job over HTTP, for Prometheus on the same machine."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from weft_engine.kernel.metrics.prometheus import CONTENT_TYPE

_HOST: Final = "127.0.0.1"


class Endpoint:
    """Answers `GET /metrics`, to this machine only."""

    def __init__(self, port: int, text: Callable[[], str]) -> None:
        """Listen.

        Args:
            port: where; 0 for any that is free.
            text: gives the answer.

        Raises:
            OSError: when the port is taken.
        """
        self._server = _Server((_HOST, port), _handler(text))
        self.port: int = self._server.server_address[1]
        """Where it listens."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="weft-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(text: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = text().encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
