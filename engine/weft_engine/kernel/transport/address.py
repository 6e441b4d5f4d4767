"""Where to listen and how to connect: unix sockets on one machine, TCP between machines."""

import socket
from pathlib import Path

from weft_engine.errors import ResourceError
from weft_engine.kernel.transport.handshake import TIMEOUT_S

Address = str | tuple[str, int]
"""The path of a unix socket, or host and port."""


def listen(at: Address) -> tuple[socket.socket, Address]:
    """Listen at a path, or at a host and port; port 0 takes a free one."""
    if isinstance(at, str):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(at)
            Path(at).chmod(0o600)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        return listener, at
    family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
    listener = socket.create_server(at, family=family, backlog=128)
    return listener, (at[0], listener.getsockname()[1])


def connect(to: Address, peer: str) -> socket.socket:
    """Connect to where somebody listens.

    Raises:
        ResourceError: `kernel.peer_unreachable`.
    """
    try:
        if isinstance(to, str):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(TIMEOUT_S)
                connection.connect(to)
            except OSError:
                connection.close()
                raise
        else:
            connection = socket.create_connection(to, timeout=TIMEOUT_S)
        connection.settimeout(None)
    except OSError as error:
        raise ResourceError(
            f"{peer} cannot be reached at {to}: {error}",
            code="kernel.peer_unreachable",
            hint="Check that the machines of the job can open connections to each other.",
            params={"peer": peer},
            retryable=True,
        ) from error
    tune(connection)
    return connection


def tune(connection: socket.socket) -> None:
    """Send small frames at once, and notice when the other machine is gone."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, seconds in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
