"""What the server and the engine's supervisor say to each other.

Frames over a unix socket: four bytes of length, then JSON. The server asks, the supervisor pushes
the events of runs; a run has ended when one of `RUN_ENDS` was pushed.
"""

import logging
from typing import Any, Final, TypeVar

import msgspec

from weft_engine.errors import KernelError
from weft_engine.runs.debug import Command
from weft_engine.runs.events import RunEvent
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Survey

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_FRAME: Final = 16 * 1024 * 1024
"""Longest frame in bytes; more is a mistake or an attack."""
HEADER: Final = 4


class Run(msgspec.Struct, tag_field="op", tag="run"):
    """Run a flow."""

    request: RunRequest


class Resume(msgspec.Struct, tag_field="op", tag="resume"):
    """Go on with a run of an earlier engine, as far as the journal knows it.

    A run that is parked stays so; one that ended is told again; one that the journal does not hold
    fails with `run.interrupted`.
    """

    run_id: str
    last_seq: int
    """The number of the last of its events that the server has stored."""
    commands: list[Command] = []
    """What it was told and must not forget: breakpoints, a pause."""
    request: RunRequest | None = None
    """Run this where the journal does not know the run, as it had not begun."""


class Tell(msgspec.Struct, tag_field="op", tag="tell"):
    """Tell a run something, whether it waits, is under way or is parked; answered by `Told`."""

    id: int
    run_id: str
    command: Command


class Append(msgspec.Struct, tag_field="op", tag="append"):
    """Write events into the log of a live stream; answered by `Told` once they are on disk.

    Events that were written before (by `event_id`) are passed over.
    """

    id: int
    stream: str
    """As in `RunRequest.stream`."""
    events: list[dict[str, Any]]
    """Each `{node, event_id, payload, at}`."""


class Look(msgspec.Struct, tag_field="op", tag="look"):
    """What would a run take over of the one it is forked from? Answered by `Looked`."""

    id: int
    request: RunRequest


class Forget(msgspec.Struct, tag_field="op", tag="forget"):
    """Delete ended runs from the journal."""

    run_ids: list[str]


class References(msgspec.Struct, tag_field="op", tag="references"):
    """Which blobs does the journal name? Answered by `Referred`, in parts."""

    id: int


class Cancel(msgspec.Struct, tag_field="op", tag="cancel"):
    """Stop a run, waiting or under way."""

    run_id: str


class Ping(msgspec.Struct, tag_field="op", tag="ping"):
    """Are you there?"""

    id: int


class Events(msgspec.Struct, tag_field="op", tag="events"):
    """Events of runs, in order within each run."""

    events: list[RunEvent]


class Told(msgspec.Struct, tag_field="op", tag="told"):
    """The answer to `Tell`, and to `Append`."""

    id: int
    accepted: bool = True
    """False for a signal that was sent before, or where no event is new."""
    failure: dict[str, Any] | None = None
    """Why it cannot be done, as plain data of a `Failure`."""


class Looked(msgspec.Struct, tag_field="op", tag="looked"):
    """The answer to `Look`."""

    id: int
    survey: Survey | None = None
    failure: dict[str, Any] | None = None
    """Why it cannot be said, as plain data of a `Failure`."""


class Referred(msgspec.Struct, tag_field="op", tag="referred"):
    """A part of the answer to `References`."""

    id: int
    digests: list[str]
    last: bool
    failure: dict[str, Any] | None = None
    """Why it cannot be said, as plain data of a `Failure`."""


class Pong(msgspec.Struct, tag_field="op", tag="pong"):
    """The answer to a ping."""

    id: int
    running: int = 0
    waiting: int = 0
    parked: int = 0


Request = Run | Resume | Tell | Cancel | Append | Look | Forget | References | Ping
Push = Events | Told | Looked | Referred | Pong

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_pushes: msgspec.json.Decoder[Push] = msgspec.json.Decoder(Push)


def encode(message: Request | Push) -> bytes:
    """A message as a frame."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise KernelError(
            f"A message of {len(body)} bytes is longer than {MAX_FRAME}.",
            code="run.request_too_big",
            hint="Put large data into files and read them in the flow.",
            params={"size": len(body), "limit": MAX_FRAME},
        )
    return len(body).to_bytes(HEADER, "big") + body


def decode_request(body: bytes) -> Request:
    """Read what the server asks."""
    return _decode(_requests, body)


def decode_push(body: bytes) -> Push:
    """Read what the supervisor says."""
    return _decode(_pushes, body)


def readable_push(body: bytes) -> Push:
    """As `decode_push`; of events that cannot all be read, those that can."""
    try:
        return decode_push(body)
    except KernelError:
        events = [event for part in _raw_events(body) if (event := _event(part)) is not None]
        if not events:
            raise
        return Events(events)


def _raw_events(body: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=_RawEvents).events
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


def _event(part: msgspec.Raw) -> RunEvent | None:
    try:
        return msgspec.json.decode(part, type=RunEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.error("an event of a run cannot be read: %s", error)
        return None


class _RawEvents(msgspec.Struct):
    events: list[msgspec.Raw] = []


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, give back the frames that are complete."""
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= HEADER:
            size = int.from_bytes(self._buffer[start : start + HEADER], "big")
            if size > MAX_FRAME:
                raise KernelError(
                    f"A frame of {size} bytes was announced.", code="run.frame_malformed"
                )
            end = start + HEADER + size
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[start + HEADER : end]))
            start = end
        del self._buffer[:start]
        return frames


def _decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise KernelError(f"A frame cannot be read: {exc}", code="run.frame_malformed") from exc
