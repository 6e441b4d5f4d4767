"""The frames of a room: the y-websocket protocol, and three messages of our own.

Sync (0) and awareness (1) are what every Yjs provider speaks. A client that sends a mark (101)
is answered with saved (100) once everything it sent before is on disk, and with refused (102)
when something it sent was dropped; clients that never send a mark never see these.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from weft_server.rooms import codec
from weft_server.rooms.codec import ProtocolError, Reader
from weft_server.rooms.guard import LIVE, WHOLE

SYNC, AWARENESS, QUERY_AWARENESS = 0, 1, 3
SAVED, MARK, REFUSED = 100, 101, 102
_STEP_1, _STEP_2, _UPDATE = 0, 1, 2

CLOSE_MALFORMED: Final = 4400
CLOSE_SIGNED_OUT: Final = 4401
CLOSE_NO_ACCESS: Final = 4403
CLOSE_NOT_FOUND: Final = 4404
CLOSE_RELOAD: Final = 4409
CLOSE_TOO_FAST: Final = 4429
CLOSE_TOO_BIG: Final = 1009
CLOSE_INTERNAL: Final = 1011
CLOSE_RESTART: Final = 1012
CLOSE_TRY_LATER: Final = 1013

MOST_PRESENCES: Final = 2_000
LARGEST_PRESENCE: Final = 4096
_LARGEST_AWARENESS: Final = 512 << 10
_LARGEST_STATE: Final = 512 << 10


@dataclass(frozen=True, slots=True)
class StateRequest:
    """SyncStep1: the client tells what it knows and asks for the rest."""

    state: bytes


@dataclass(frozen=True, slots=True)
class UpdateFrame:
    """SyncStep2 or Update: changes to the document."""

    update: bytes
    answers_request: bool
    """A SyncStep2: everything the client has and we had not."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What one client shows of itself; no state means that it is gone."""

    client: int
    clock: int
    state: str | None


@dataclass(frozen=True, slots=True)
class AwarenessFrame:
    """The presences of clients, which may include some the sender only heard of."""

    presences: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class AwarenessRequest:
    """The client asks for all presences."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The client asks to be told when everything before this is on disk."""

    number: int


Frame: TypeAlias = StateRequest | UpdateFrame | AwarenessFrame | AwarenessRequest | Mark


def parse_frame(data: bytes) -> Frame:
    """Read a frame of a client; the update inside is still unread.

    Raises:
        ProtocolError: it is none of ours, malformed or too large.
    """
    reader = Reader(data)
    kind = reader.uint()
    if kind == SYNC:
        return _sync(reader)
    if kind == AWARENESS:
        frame: Frame = _awareness(reader)
    elif kind == MARK:
        frame = Mark(reader.uint())
    elif kind == QUERY_AWARENESS:
        frame = AwarenessRequest()
    else:
        raise ProtocolError("the type of a message is unknown")
    reader.finish()
    return frame


def _sync(reader: Reader) -> StateRequest | UpdateFrame:
    step = reader.uint()
    if step not in {_STEP_1, _STEP_2, _UPDATE}:
        raise ProtocolError("a sync message is of an unknown kind")
    largest = {_STEP_1: _LARGEST_STATE, _STEP_2: WHOLE.size, _UPDATE: LIVE.size}[step]
    body = reader.block()
    reader.finish()
    if len(body) > largest:
        raise ProtocolError("the frame is too large", CLOSE_TOO_BIG)
    if step == _STEP_1:
        codec.read_state(body)
        return StateRequest(body)
    return UpdateFrame(body, step == _STEP_2)


def _awareness(reader: Reader) -> AwarenessFrame:
    if reader.left > _LARGEST_AWARENESS:
        raise ProtocolError("the frame is too large", CLOSE_TOO_BIG)
    inner = Reader(reader.block())
    count = inner.uint()
    if count > MOST_PRESENCES or count > inner.left // 3:
        raise ProtocolError("an awareness message counts too many clients")
    presences = tuple(_presence(inner) for _ in range(count))
    inner.finish()
    return AwarenessFrame(presences)


def _presence(reader: Reader) -> Presence:
    client, clock = reader.client(), reader.clock()
    state = reader.string(_LARGEST_AWARENESS)
    return Presence(client, clock, None if state == "null" else state)


def rewrite_presence(text: str, user: Mapping[str, str]) -> str:
    """What a client shows of itself, with what the server knows of its user.

    Raises:
        ProtocolError: it is too large, or not an object in JSON that every browser reads.
    """
    if len(text) > LARGEST_PRESENCE:
        raise ProtocolError("a presence is too large")
    try:
        state = json.loads(text)
        if not isinstance(state, dict):
            raise ProtocolError("a presence is not an object")
        state["user"] = dict(user)
        return json.dumps(state, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise ProtocolError("a presence is not JSON") from None


def state_request(state: bytes) -> bytes:
    """SyncStep1: tell a client what we know and ask for the rest."""
    return bytes((SYNC, _STEP_1)) + codec.block(state)


def state_answer(update: bytes) -> bytes:
    """SyncStep2: all that a client asked for."""
    return bytes((SYNC, _STEP_2)) + codec.block(update)


def update_frame(update: bytes) -> bytes:
    """A change to the document."""
    return bytes((SYNC, _UPDATE)) + codec.block(update)


def awareness_frame(presences: Iterable[Presence]) -> bytes:
    """The presences of some clients."""
    entries = [
        codec.uint(one.client) + codec.uint(one.clock) + codec.string(one.state or "null")
        for one in presences
    ]
    return bytes((AWARENESS,)) + codec.block(codec.uint(len(entries)) + b"".join(entries))


KEEP_ALIVE: Final = awareness_frame(())
"""y-websocket drops a connection on which it hears nothing for 30 seconds."""


def saved_frame(number: int) -> bytes:
    """Everything the client sent before this mark is on disk."""
    return bytes((SAVED,)) + codec.uint(number)


def refused_frame(code: str) -> bytes:
    """Something the client sent was dropped."""
    return bytes((REFUSED,)) + codec.string(code)
