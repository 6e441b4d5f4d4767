"""A Yjs client for tests: a real socket, a real document, nothing in between."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Self

from pycrdt import Doc, Map
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.server.support import Person, Server
from weft_server.rooms import codec, protocol
from weft_server.rooms.codec import Reader
from weft_server.rooms.protocol import Presence

ROOTS = ("meta", "nodes", "edges", "notes", "comments")
PATIENCE = 60.0


def new_doc(client_id: int | None = None) -> "Doc[Map[Any]]":
    return Doc({name: Map() for name in ROOTS}, client_id=client_id)


class Client:
    """Speaks the y-websocket protocol as an honest provider does, unless a test says otherwise."""

    def __init__(
        self,
        server: Server,
        flow_id: str,
        person: Person | None,
        *,
        doc: "Doc[Map[Any]] | None" = None,
        headers: dict[str, str] | None = None,
        query: str = "",
        greet: bool = True,
        receive_buffer: int | None = None,
    ) -> None:
        self.doc = new_doc() if doc is None else doc
        self.states: dict[int, dict[str, Any]] = {}
        self.clocks: dict[int, int] = {}
        self.synced = False
        self.asked = 0
        self.answered = 0
        self.updates = 0
        self.frames: list[int] = []
        self.saved: int | None = None
        self.refused: list[str] = []
        self._clock = 0
        self._mark = 0
        self._answer_requests = True
        self._left = False
        given = {"Origin": server.url} if headers is None else headers
        if person is not None:
            given = {"Cookie": person.cookie_header, **given}
        self._stack = ExitStack()
        self.socket: ClientConnection = self._stack.enter_context(
            connect(
                f"{server.ws_url}/ws/flows/{flow_id}{query}",
                additional_headers=given,
                sock=_socket(server.port, receive_buffer),
                max_size=None,
                ping_interval=None,
                compression=None,
            )
        )
        self._subscription = self.doc.observe(self._on_change)
        self._applying = False
        if greet:
            self.greet()

    def greet(self) -> None:
        """Say what we know and ask for the rest."""
        self.send(protocol.state_request(self.doc.get_state()))

    def join(self) -> Self:
        """Wait for the document."""
        self.until(lambda: self.synced)
        return self

    # Sending

    def send(self, frame: bytes) -> None:
        """Send, or drop it when the server has closed the connection already."""
        with suppress(ConnectionClosed):
            self.socket.send(frame)

    def _on_change(self, event: Any) -> None:
        if not self._applying:
            self.send(protocol.update_frame(event.update))

    def show(self, state: dict[str, Any] | None, *, client: int | None = None) -> None:
        """Say something of oneself."""
        self._clock += 1
        text = None if state is None else json.dumps(state)
        presence = Presence(self.doc.client_id if client is None else client, self._clock, text)
        self.send(protocol.awareness_frame([presence]))

    def mark(self) -> int:
        """Ask to be told when everything up to here is on disk."""
        self._mark += 1
        self.send(bytes((protocol.MARK,)) + codec.uint(self._mark))
        return self._mark

    def save(self) -> None:
        """Wait until everything sent so far is on disk."""
        mark = self.mark()
        self.until(lambda: self.saved is not None and self.saved >= mark)

    def add_node(self, id_: str, type_: str = "data.filter", **fields: Any) -> None:
        with self.doc.transaction():
            self.doc["nodes"][id_] = Map(
                {"type": type_, "settings": Map(), "texts": Map(), **fields}
            )

    # Receiving

    def until(self, happened: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Read frames until something has happened."""
        deadline = time.monotonic() + patience
        while not happened():
            self.read(max(0.0, deadline - time.monotonic()))

    def read(self, patience: float = PATIENCE) -> None:
        """Read and handle one frame."""
        data = self.socket.recv(timeout=patience, decode=False)
        assert isinstance(data, bytes)
        self._handle(data)

    def settle(self) -> None:
        """Read until the server has answered everything sent so far."""
        answered = self.answered
        self.greet()
        self.until(lambda: self.answered > answered)

    def closed(self, patience: float = PATIENCE) -> int:
        """Read until the server closes; the code it closed with."""
        deadline = time.monotonic() + patience
        try:
            while True:
                self.read(max(0.0, deadline - time.monotonic()))
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006

    def _handle(self, data: bytes) -> None:
        reader = Reader(data)
        kind = reader.uint()
        self.frames.append(kind)
        if kind == protocol.SYNC:
            self._sync(reader.uint(), reader.block())
        elif kind == protocol.AWARENESS:
            self._hear(Reader(reader.block()))
        elif kind == protocol.SAVED:
            self.saved = reader.uint()
        elif kind == protocol.REFUSED:
            self.refused.append(reader.string(100))
        else:
            raise AssertionError(f"the server sent a message of type {kind}")

    def _sync(self, step: int, body: bytes) -> None:
        if step == 0:
            self.asked += 1
            if self._answer_requests:
                self.send(protocol.state_answer(self.doc.get_update(body)))
            return
        self._apply(body)
        if step == 1:
            self.synced = True
            self.answered += 1
        else:
            self.updates += 1

    def _apply(self, update: bytes) -> None:
        self._applying = True
        try:
            self.doc.apply_update(update)
        finally:
            self._applying = False

    def _hear(self, reader: Reader) -> None:
        for _ in range(reader.uint()):
            client, clock, text = reader.client(), reader.clock(), reader.string(1 << 20)
            self.clocks[client] = clock
            if text == "null":
                self.states.pop(client, None)
            else:
                self.states[client] = json.loads(text)

    def answers_no_requests(self) -> None:
        """From now on leave the server's requests unanswered."""
        self._answer_requests = False

    # Looking

    @property
    def nodes(self) -> dict[str, Any]:
        return json.loads(str(self.doc["nodes"]))

    def people(self) -> list[str]:
        return sorted(state["user"]["name"] for state in self.states.values())

    def close(self) -> None:
        """Leave politely; once is enough."""
        if not self._left:
            self._left = True
            self.doc.unobserve(self._subscription)
            self._stack.close()

    def drop(self) -> None:
        """Vanish, as when a laptop is closed."""
        self.socket.socket.shutdown(socket.SHUT_RDWR)
        self.close()


def _socket(port: int, receive_buffer: int | None) -> socket.socket:
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.connect(("127.0.0.1", port))
    return made
