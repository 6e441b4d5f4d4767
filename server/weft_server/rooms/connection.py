"""One client in a room: its socket, its one writer, and what it has been promised."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.rooms import protocol, transport
from weft_server.rooms.awareness import Speaker
from weft_server.rooms.codec import ProtocolError
from weft_server.rooms.limits import Limits

MOST_QUEUED: Final = 8_000_000
MOST_ANSWERS: Final = 64_000_000
KEEP_ALIVE_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0

logger = logging.getLogger("weft.rooms")
Socket = WebSocket[Any, Any, Any]
OnFrame = Callable[["Connection", bytes], Awaitable[None]]


class Connection(Speaker):
    """A client in a room.

    Frames are queued here and sent by one task, so that nobody waits for a slow client; one that
    falls too far behind is cut off and comes back when it can.
    """

    def __init__(self, socket: Socket, principal: Principal, role: Role) -> None:
        super().__init__(principal)
        self.role = role
        self.limits = Limits()
        self.promises = Promises(self.push)
        self.requests = Requests()
        self.is_synced = False
        """Whether it was given the document; updates make no sense to it before."""
        self._socket = socket
        self._queue: deque[tuple[bytes, bool]] = deque()
        self._queued = {False: 0, True: 0}
        self._ready = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def can_edit(self) -> bool:
        """Whether what it writes is taken."""
        return self.role.at_least(Role.EDITOR)

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is said to it."""
        return self._closing is not None

    def push(self, frame: bytes, *, is_answer: bool = False) -> None:
        """Queue a frame; an answer to a sync request may be much larger than what follows it."""
        if self._closing is not None:
            return
        if self._queued[is_answer] > (MOST_ANSWERS if is_answer else MOST_QUEUED):
            self._cut()
            return
        self._queued[is_answer] += len(frame)
        self._queue.append((frame, is_answer))
        self._ready.set()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye with a code that the client understands."""
        if self._closing is None:
            self._closing = (code, reason)
            self._queue.clear()
            self._ready.set()

    def _cut(self) -> None:
        # The writer hangs in a send that may never end, so no goodbye can reach the client.
        logger.warning("cut off a slow reader: %s", self.principal.user_id)
        self._closing = (protocol.CLOSE_TRY_LATER, "slow")
        self._queue.clear()
        for task in self._tasks:
            task.cancel()
        transport.abort(self._socket.scope)

    async def serve(self, on_frame: OnFrame) -> None:
        """Carry frames both ways until the connection ends."""
        reader = asyncio.create_task(self._read(on_frame))
        writer = asyncio.create_task(self._write())
        self._tasks = (reader, writer)
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            # What the client sent before it left is still taken in, and a goodbye still sent.
            last = reader if self._closing is None else writer
            _, hanging = await asyncio.wait({last}, timeout=CLOSE_SECONDS)
            if hanging:
                transport.abort(self._socket.scope)
        finally:
            transport.abort_later(self._socket.scope)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, on_frame: OnFrame) -> None:
        try:
            while self._closing is None:
                await on_frame(self, await self._socket.receive_bytes())
        except (WebSocketDisconnect, OSError):
            return
        except ProtocolError as error:
            logger.info("closed %s: %s", self.principal.user_id, error.reason)
            self.close(error.close_code, error.reason)
        except Exception:
            logger.exception("a frame of %s could not be handled", self.principal.user_id)
            self.close(protocol.CLOSE_INTERNAL, "internal")

    async def _write(self) -> None:
        try:
            while True:
                await self._wait()
                if self._closing is not None:
                    await self._socket.close(*self._closing)
                    return
                while self._queue:
                    frame, is_answer = self._queue.popleft()
                    await self._socket.send_bytes(frame)
                    self._queued[is_answer] -= len(frame)
        except (WebSocketDisconnect, OSError):
            return

    async def _wait(self) -> None:
        """Wait for something to send; after a silence, that is a sign of life."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            self.push(protocol.KEEP_ALIVE)
        self._ready.clear()


class Promises:
    """The marks of a client, each answered once all that it sent before is on disk."""

    def __init__(self, push: Callable[[bytes], None]) -> None:
        self._push = push
        self._marks: deque[tuple[int, int]] = deque()
        self._held: int | None = None
        self._speaks = False
        self._refusal: str | None = None
        self.is_missing = False
        """Whether something it sent was dropped and has not come again."""

    def mark(self, mark: int, number: int, durable: int) -> None:
        """Take a mark, when `number` changes were made and `durable` of them are on disk."""
        self._speaks = True
        self._tell()
        if self.is_missing:
            self._held = mark
            return
        if self._marks and self._marks[-1][0] == number:
            self._marks.pop()
        self._marks.append((number, mark))
        self.settle(durable)

    def settle(self, durable: int) -> None:
        """Answer the marks that are covered now."""
        covered = None
        while self._marks and self._marks[0][0] <= durable:
            covered = self._marks.popleft()[1]
        if covered is not None:
            self._push(protocol.saved_frame(covered))

    def lose(self, refusal: str | None = None) -> None:
        """Something it sent was dropped; later marks wait until it came again."""
        self.is_missing = True
        if refusal is not None:
            self.warn(refusal)

    def warn(self, refusal: str) -> None:
        """Tell why something is not saved, once the client has shown that it understands."""
        self._refusal = refusal
        if self._speaks:
            self._tell()

    def regain(self, number: int, durable: int) -> None:
        """Everything it has is here now."""
        self.is_missing = False
        self._refusal = None
        if self._held is not None:
            held, self._held = self._held, None
            self.mark(held, number, durable)

    def _tell(self) -> None:
        if self._refusal is not None:
            self._push(protocol.refused_frame(self._refusal))
            self._refusal = None


class Requests:
    """When to ask a client again for what is missing: at once, then ever more patiently."""

    FIRST_SECONDS: Final = 0.25
    LAST_SECONDS: Final = 5.0

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._patience = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer is on its way; it will hold all that was sent before it."""
        if self._asked_at is None:
            return False
        return asyncio.get_running_loop().time() < self._asked_at + self.LAST_SECONDS

    def ask(self, send: Callable[[], None]) -> None:
        """Ask unless an answer is on its way."""
        if self.is_open or self._timer is not None:
            return
        if self._patience == 0:
            self._send(send)
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._patience, self._send, send)

    def _send(self, send: Callable[[], None]) -> None:
        self._timer = None
        self._asked_at = asyncio.get_running_loop().time()
        send()

    def answered(self, *, complete: bool) -> None:
        """Note an answer; one that did not help makes the next request wait longer."""
        self._asked_at = None
        longer = min(max(self._patience * 2, self.FIRST_SECONDS), self.LAST_SECONDS)
        self._patience = 0.0 if complete else longer

    def cancel(self) -> None:
        """Stop asking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
