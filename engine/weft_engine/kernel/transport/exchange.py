"""The data connections of one worker in one attempt of a job.

Between two workers there is one connection for each direction in which records flow, shared by
all channels; credits come back on it the other way. A shared connection does not make channels
wait for each other: what is under way is bounded by credits, so the reading thread always has
somewhere to put it.
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from weft_engine.errors import KernelError, said
from weft_engine.kernel.batch import Batch, Event
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.transport.address import Address, connect, listen, tune
from weft_engine.kernel.transport.codec import decode
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.credits import Account, first_window
from weft_engine.kernel.transport.frames import Kind, malformed
from weft_engine.kernel.transport.handshake import prove_connecting, prove_listening
from weft_engine.kernel.transport.reader import Reader
from weft_engine.kernel.transport.sender import RemoteChannel


class Receiver(Protocol):
    """The receiving end of channels: a gate of the runtime."""

    bound: int
    """How many records of a channel may be under way, or wait."""

    def feed(self, channel: int, event: Event, /, size: int | None = None) -> None:
        """Take an event of so many bytes; must not wait."""

    def on_taken(self, channel: int, callback: Callable[[int, int], None], /) -> None:
        """Have `callback(records, bytes)` called when the consumer has taken records."""

    def on_closed(self, channel: int, callback: Callable[[], None], /) -> None:
        """Have it called once the consumer wants nothing more."""


@dataclass(frozen=True, slots=True)
class Events:
    """Whom an exchange tells what has gone wrong; called from its threads."""

    lost: Callable[[str, str], None]
    """A connection is gone: the other worker's name, and why."""
    failed: Callable[[Exception], None]
    """Something could not be sent or understood."""


@dataclass(slots=True)
class _Incoming:
    """The receiver's end of a channel."""

    receiver: Receiver
    index: int
    account: Account


class Exchange:
    """Connects the channels of this worker with those of others."""

    def __init__(self, name: str, token: bytes, settings: Settings, events: Events) -> None:
        """`name` is this worker's; every connection must prove to know the token."""
        self._name = name
        self._token = token
        self._settings = settings
        self._events = events
        self._incoming: dict[int, _Incoming] = {}
        self._outgoing: dict[int, RemoteChannel] = {}
        self._connections: list[Connection] = []
        self._to: dict[str, Connection] = {}
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._reader = Reader(f"weft-data-{name}")
        self._due: queue.SimpleQueue[RemoteChannel | None] = queue.SimpleQueue()
        self._flusher = threading.Thread(target=self._flush, name=f"weft-flush-{name}", daemon=True)
        self._flusher.start()

    def listen(self, at: Address) -> Address:
        """Let other workers connect; where to, for them."""
        self._listener, address = listen(at)
        threading.Thread(target=self._accept, name=f"weft-accept-{self._name}", daemon=True).start()
        return address

    def receive(self, number: int, receiver: Receiver, index: int) -> None:
        """Feed what comes for a channel to a gate."""
        settings = self._settings
        account = Account(first_window(settings), settings.queue_bytes)
        self._incoming[number] = _Incoming(receiver, index, account)

    def connect(self, peers: Mapping[str, Address]) -> None:
        """Connect to the workers that this one sends to.

        Raises:
            ResourceError: `kernel.peer_unreachable`.
            KernelError: `kernel.handshake_failed`.
        """
        for peer, address in peers.items():
            sock = connect(address, f"worker {peer}")
            try:
                prove_connecting(sock, self._token, f"worker {peer}")
            except BaseException:
                sock.close()
                raise
            connection = Connection(sock, f"worker {peer}")
            connection.send(Kind.HELLO, 0, self._name.encode())
            self._to[peer] = connection
            if not self._add(connection, _Outgoing(self, peer)):
                raise Stopped

    def channel(self, number: int, peer: str, *, unbounded: bool = False) -> RemoteChannel:
        """The sender's end of a channel to a worker that is connected.

        Args:
            number: The same at both ends.
            peer: The worker.
            unbounded: Whether it leads back and so must never wait.
        """
        channel = RemoteChannel(
            number, self._to[peer], self._settings, self._due.put, unbounded=unbounded
        )
        self._outgoing[number] = channel
        channel.announce()
        return channel

    def cancel(self) -> None:
        """Have all senders raise `Stopped`, and say nothing of connections lost from now on."""
        self._closed = True
        for channel in list(self._outgoing.values()):
            channel.cancel()

    def close(self) -> None:
        """Cancel and let go of all connections and threads."""
        with self._lock:
            self._closed = True
            connections, self._connections = self._connections, []
        self.cancel()
        if self._listener is not None:
            # Closing alone would leave the accepting thread waiting.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for connection in connections:
            connection.shutdown()
        self._due.put(None)
        self._flusher.join()
        self._reader.close()
        for connection in connections:
            connection.close()

    def _add(self, connection: Connection, handler: "_Outgoing | _Sender") -> bool:
        with self._lock:
            if self._closed:
                connection.close()
                return False
            self._connections.append(connection)
            self._reader.add(connection, handler)
            return True

    def _accept(self) -> None:
        listener = self._listener
        assert listener is not None
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            # A thread each, so that somebody who says nothing keeps nobody waiting.
            threading.Thread(target=self._welcome, args=(sock,), daemon=True).start()

    def _welcome(self, sock: socket.socket) -> None:
        tune(sock)
        try:
            prove_listening(sock, self._token, "a process that wants to send")
        except KernelError:
            # Anybody can knock; the job goes on without them.
            sock.close()
            return
        connection = Connection(sock, "a worker")
        self._add(connection, _Sender(self, connection))

    def _flush(self) -> None:
        while (channel := self._due.get()) is not None:
            try:
                channel.flush()
            except Stopped:
                continue
            except Exception as error:  # noqa: BLE001 - it ends the attempt, whatever it is
                self.fail(error)

    # Called by the handlers of connections

    def fail(self, error: Exception) -> None:
        """Something is wrong with what is sent."""
        if not self._closed:
            self._events.failed(error)

    def lost(self, peer: str, reason: str) -> None:
        """A connection is gone."""
        if not self._closed:
            self._events.lost(peer, reason)

    def refill(self, number: int, body: memoryview) -> None:
        """Credits have come."""
        channel = self._outgoing.get(number)
        if channel is not None:
            channel.refill(body)

    def shut(self, number: int) -> None:
        """The receiver of a channel wants nothing more."""
        channel = self._outgoing.get(number)
        if channel is not None:
            channel.close()

    def feed(self, number: int, body: memoryview) -> None:
        """Events have come for a channel that `owe` was called for."""
        incoming = self._incoming[number]
        events = decode(body)
        records = sum(len(event.values) for event in events if isinstance(event, Batch))
        if records:
            incoming.account.fed(records, len(body))
        for event in events:
            size = len(event.values) * len(body) // records if isinstance(event, Batch) else None
            incoming.receiver.feed(incoming.index, event, size=size)

    def owe(self, number: int, connection: Connection) -> None:
        """Answer for a channel over the connection that it uses: give credits, say that it ends.

        Raises:
            KernelError: when the channel does not lead here.
        """
        incoming = self._incoming.get(number)
        if incoming is None:
            raise malformed(f"channel {number}, which does not lead here", connection.peer)

        def taken(records: int, _: int) -> None:
            credit = incoming.account.taken(records, incoming.receiver.bound)
            if credit is not None:
                with contextlib.suppress(OSError):
                    connection.send(Kind.CREDIT, number, credit)

        def closed() -> None:
            with contextlib.suppress(OSError):
                connection.send(Kind.CLOSE, number, b"")

        incoming.receiver.on_taken(incoming.index, taken)
        incoming.receiver.on_closed(incoming.index, closed)


class _Outgoing:
    """Handles what comes back on a connection that this worker sends on: credits, and ends."""

    def __init__(self, exchange: Exchange, peer: str) -> None:
        self._exchange = exchange
        self._peer = peer

    def frame(self, kind: int, channel: int, body: memoryview) -> None:
        """Take credits, or the news that a channel is wanted no more."""
        if kind == Kind.CLOSE:
            self._exchange.shut(channel)
        elif kind == Kind.CREDIT:
            self._exchange.refill(channel, body)
        else:
            raise malformed(f"a frame of kind {kind} instead of credits", f"worker {self._peer}")

    def ended(self, reason: str) -> None:
        """The receiver is gone."""
        self._exchange.lost(self._peer, reason)


class _Sender:
    """Handles what comes on a connection that another worker sends on."""

    def __init__(self, exchange: Exchange, connection: Connection) -> None:
        self._exchange = exchange
        self._connection = connection
        self._peer = ""
        self._known: set[int] = set()

    def frame(self, kind: int, channel: int, body: memoryview) -> None:
        """Take events."""
        if not self._peer:
            if kind != Kind.HELLO:
                raise malformed("no name at its beginning", self._connection.peer)
            self._peer = bytes(body).decode("utf-8", "replace")
            self._connection.peer = f"worker {self._peer}"
            return
        if kind != Kind.DATA:
            raise malformed(f"a frame of kind {kind} instead of data", self._connection.peer)
        try:
            self._take(channel, body)
        except KernelError:
            raise
        except Exception as error:  # noqa: BLE001 - unpickling may raise anything
            self._exchange.fail(_unreadable(error, self._peer))

    def _take(self, channel: int, body: memoryview) -> None:
        if channel not in self._known:
            self._known.add(channel)
            self._exchange.owe(channel, self._connection)
        self._exchange.feed(channel, body)

    def ended(self, reason: str) -> None:
        """The sender is gone."""
        if self._peer:
            self._exchange.lost(self._peer, reason)


def _unreadable(error: Exception, peer: str) -> KernelError:
    return KernelError(
        f"Records of worker {peer} cannot be read: {said(error)}",
        code="kernel.worker_import",
        hint="Make the modules that define the classes of the records importable on every worker.",
        params={"peer": peer},
    )
