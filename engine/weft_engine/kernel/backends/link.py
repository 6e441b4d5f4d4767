"""The coordinator's end of the control connections of its workers."""

import contextlib
import pickle
import socket
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from weft_engine.errors import KernelError, WeftError, said
from weft_engine.kernel.backends.control import Hello, Output, Ping, Pong
from weft_engine.kernel.backends.log_forwarding import Logged
from weft_engine.kernel.transport.address import Address, listen, tune
from weft_engine.kernel.transport.codec import dumps
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.frames import MAX_CONTROL, Kind, malformed
from weft_engine.kernel.transport.handshake import new_token, prove_listening

HEARTBEAT_S: Final = 5.0
SILENCE_S: Final = 60.0
"""How long a worker may say nothing before it counts as hung. Generous: a long call into C keeps
its threads from answering too."""

_PING: Final = dumps(Ping())


class WorkerLink:
    """One worker that has connected."""

    def __init__(self, connection: Connection, hello: Hello) -> None:
        self.name = hello.worker
        self.pid = hello.pid
        self.lost: str | None = None
        """Why it is gone; None while it is there."""
        self.guessed = False
        """Whether all that is known is that its connection has ended."""
        self.heard = monotonic()
        """When it last said something."""
        self._connection = connection
        self._lock = threading.Lock()
        self._on_message: Callable[[Any], None] | None = None
        self._on_lost: Callable[[str], None] | None = None

    def attach(self, on_message: Callable[[Any], None], on_lost: Callable[[str], None]) -> None:
        """Hand on what it says from now on, and that it is gone, even if it is already."""
        with self._lock:
            self._on_message, self._on_lost = on_message, on_lost
            lost = self.lost
        if lost is not None:
            on_lost(lost)

    def detach(self) -> None:
        """Hand on nothing more."""
        with self._lock:
            self._on_message = self._on_lost = None

    def send(self, message: Any) -> None:
        """Tell it something; nothing happens if it is gone, which `on_lost` is told."""
        body = dumps(message)
        with contextlib.suppress(OSError):
            self._connection.send(Kind.CONTROL, 0, body)

    def ping(self) -> None:
        """Ask whether it is there. Never waits: if it does not read, its silence says enough."""
        with contextlib.suppress(OSError, ValueError):
            self._connection.send_if_free(Kind.CONTROL, 0, _PING)

    def drop(self, reason: str, *, guessed: bool = False) -> None:
        """Give it up; `guessed` if how its process has ended would say more."""
        with self._lock:
            if self.lost is not None:
                return
            self.lost, self.guessed = reason, guessed
            on_lost = self._on_lost
        self._connection.shutdown()
        if on_lost is not None:
            on_lost(reason)

    def serve(self) -> None:
        """Hear what it says until it is gone; in a thread of its own."""
        reason, guessed = "its connection was closed", True
        try:
            while self._connection.receive(self._frame):
                self.heard = monotonic()
        except WeftError as error:
            reason, guessed = error.message, False
        except OSError as error:
            reason = f"its connection failed: {error}"
        except Exception as error:  # noqa: BLE001 - what comes out of a pickle may do anything
            reason = f"what it reports cannot be read: {type(error).__qualname__}: {said(error)}"
            guessed = False
        self.drop(reason, guessed=guessed)
        self._connection.close()

    def _frame(self, kind: int, _: int, body: memoryview) -> None:
        if kind != Kind.CONTROL:
            raise malformed(f"a frame of kind {kind} where messages belong", self.name)
        message = pickle.loads(body)  # noqa: S301 - it has proved to know the token
        if isinstance(message, Pong):
            return
        if isinstance(message, Logged):
            message.log()
            return
        if isinstance(message, Output):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it: no reason to stop
                sys.stdout.write(message.text)
                sys.stdout.flush()
            return
        with self._lock:
            on_message = self._on_message
        if on_message is not None:
            on_message(message)


class Hub:
    """Where workers connect to, and whether they are still alive."""

    def __init__(self, at: Address, joined: Callable[[WorkerLink], None]) -> None:
        self.token = new_token()
        """What workers must know."""
        self._joined = joined
        self._links: set[WorkerLink] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener, self.address = listen(at)
        threading.Thread(target=self._accept, name="weft-hub", daemon=True).start()
        threading.Thread(target=self._beat, name="weft-heartbeat", daemon=True).start()

    def close(self) -> None:
        """Take nobody in any more and let go of everybody."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.drop("its coordinator has ended")

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(sock,), name="weft-control", daemon=True
            ).start()

    def _serve(self, sock: socket.socket) -> None:
        tune(sock)
        connection = Connection(sock, "a worker", MAX_CONTROL)
        try:
            prove_listening(sock, self.token, "a process that wants to be a worker")
            link = WorkerLink(connection, _hello(connection))
        except (KernelError, OSError):
            # Anybody can knock. A worker that fails to join is missed by whoever started it.
            connection.close()
            return
        connection.peer = f"worker {link.name}"
        with self._lock:
            self._links.add(link)
        self._joined(link)
        link.serve()
        with self._lock:
            self._links.discard(link)

    def _beat(self) -> None:
        while not self._closing.wait(HEARTBEAT_S):
            with self._lock:
                links = list(self._links)
            for link in links:
                silent = monotonic() - link.heard
                if silent > SILENCE_S:
                    link.drop(f"it has said nothing for {silent:.0f} seconds")
                else:
                    link.ping()


def _hello(connection: Connection) -> Hello:
    found: list[Hello] = []

    def frame(kind: int, _: int, body: memoryview) -> None:
        message = pickle.loads(body) if kind == Kind.HELLO else None  # noqa: S301 - has proved
        if not isinstance(message, Hello) or found:
            raise malformed("no name at its beginning", "a worker")
        found.append(message)

    while not found:
        if not connection.receive(frame):
            raise malformed("nothing", "a worker")
    return found[0]
