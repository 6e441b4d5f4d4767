"""Events on their way to the server: sent together when several are waiting."""

import socket
import threading
from typing import Final

import msgspec

from weft_engine.runs.events import RunEvent
from weft_engine.runs.protocol import HEADER

FRAME_BYTES: Final = 64 * 1024
"""A frame is closed when it is about this long: who reads it does nothing else meanwhile."""
MOST_WAITING: Final = 64 * 1024 * 1024
"""How many bytes may wait; runs are held up while there are more."""

_HEAD: Final = b'{"op":"events","events":['
_TAIL: Final = b"]}"


class Outbox:
    """Sends what threads put into it, in order, from a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._encoder = msgspec.json.Encoder()
        self._events: list[bytes] = []
        self._frames: list[bytes] = []
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="weft-outbox", daemon=True).start()

    def event(self, event: RunEvent) -> None:
        """Send an event; waits while too much is on its way."""
        data = self._encoder.encode(event)
        with self._changed:
            while self._size > MOST_WAITING and not self._closed:
                self._changed.wait()
            self._events.append(data)
            self._size += len(data)
            self._changed.notify()

    def events(self, events: list[RunEvent]) -> None:
        """Send events together; waits while too much is on its way."""
        encoded = [self._encoder.encode(event) for event in events]
        with self._changed:
            while self._size > MOST_WAITING and not self._closed:
                self._changed.wait()
            self._events += encoded
            self._size += sum(map(len, encoded))
            self._changed.notify()

    def frame(self, frame: bytes) -> None:
        """Send a frame as it is."""
        with self._changed:
            self._frames.append(frame)
            self._changed.notify()

    def close(self) -> None:
        """Nobody listens any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._events or self._frames or self._closed):
                    self._changed.wait()
                if self._closed:
                    return
                frames, self._frames = self._frames, []
                events, self._events = self._events, []
                self._size = 0
                self._changed.notify_all()
            try:
                for frame in [*frames, *pack(events)]:
                    self._connection.sendall(frame)
            except OSError:
                self.close()
                return


def pack(events: list[bytes]) -> list[bytes]:
    """Put encoded events into as few frames as may be."""
    frames: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for event in events:
        waiting.append(event)
        size += len(event) + 1
        if size >= FRAME_BYTES:
            frames.append(_frame(waiting))
            waiting, size = [], 0
    if waiting:
        frames.append(_frame(waiting))
    return frames


def _frame(events: list[bytes]) -> bytes:
    body = _HEAD + b",".join(events) + _TAIL
    return len(body).to_bytes(HEADER, "big") + body
