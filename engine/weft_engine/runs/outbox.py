"""Events on their way to the server: sent together when several are waiting."""

import logging
import socket
import threading
from typing import Any, Final

import msgspec

from weft_engine.runs.events import RunEvent
from weft_engine.runs.protocol import HEADER

log = logging.getLogger(__name__)

FRAME_BYTES: Final = 64 * 1024
"""A frame is closed when it is about this long: who reads it does nothing else meanwhile."""
MOST_WAITING: Final = 64 * 1024 * 1024
"""How many bytes may wait; runs are held up while there are more."""

LONGEST_EVENT: Final = 8 * 1024 * 1024
"""An event of more bytes loses its data: a frame has room for twice as much."""
_ALWAYS: Final = ("scope", "attempt", "reason", "duration_ms", "failure")
_LONGEST_TEXT: Final = 64 * 1024
_DEEPEST: Final = 20

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
        data = self._encoded(event)
        with self._changed:
            while self._size > MOST_WAITING and not self._closed:
                self._changed.wait()
            self._events.append(data)
            self._size += len(data)
            self._changed.notify()

    def events(self, events: list[RunEvent]) -> None:
        """Send events together; waits while too much is on its way."""
        encoded = [self._encoded(event) for event in events]
        with self._changed:
            while self._size > MOST_WAITING and not self._closed:
                self._changed.wait()
            self._events += encoded
            self._size += sum(map(len, encoded))
            self._changed.notify()

    def _encoded(self, event: RunEvent) -> bytes:
        """An event as bytes; what it has that cannot be sent is left out, but not the event."""
        try:
            data = self._encoder.encode(event)
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
            log.warning("%s of the run %s has data that cannot be sent", event.type, event.run)
            data = self._encoder.encode(msgspec.structs.replace(event, data=_sent(event.data)))
        if len(data) > LONGEST_EVENT:
            log.warning("%s of the run %s is too long to be sent", event.type, event.run)
            known = {name: event.data[name] for name in _ALWAYS if name in event.data}
            cut = {**_sent(known), "cut": len(data)}
            data = self._encoder.encode(msgspec.structs.replace(event, data=cut))
        return data

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


def _sent(value: Any, depth: int = 0) -> Any:
    """The part of a value that can be sent, the rest as text."""
    if isinstance(value, str):
        return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < _DEEPEST and isinstance(value, dict):
        return {_sent(str(key)): _sent(one, depth + 1) for key, one in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_sent(one, depth + 1) for one in value]
    return f"<{type(value).__name__}>"


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
