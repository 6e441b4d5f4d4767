"""Does what the server asks. A request that fails, fails alone: it is answered, and logged."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

from weft_engine.errors import Failure, KernelError, WeftError
from weft_engine.runs import protocol
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.executor import Executor
from weft_engine.runs.queue import Job
from weft_engine.runs.runner import mistake

log = logging.getLogger(__name__)

_DIGESTS: Final = 50_000
"""How many digests of blobs fit into a frame."""


class Requests:
    """The supervisor's ear: takes frames, gives them to who can do what they ask."""

    def __init__(
        self, runs: Dispatcher, executor: Executor, answer: Callable[[bytes], None]
    ) -> None:
        """Begin to listen.

        Args:
            runs: Runs, wherever they are.
            executor: What else is asked of the engine.
            answer: Sends a frame.
        """
        self._runs = runs
        self._executor = executor
        self._answer = answer
        self._ingress = ThreadPoolExecutor(1, "weft-ingress")  # the disk holds up nobody else
        self._looks = ThreadPoolExecutor(1, "weft-looks")

    def take(self, body: bytes) -> None:
        """Do what a frame asks; whatever comes of it, the next frame is heard."""
        try:
            request = protocol.decode_request(body)
        except KernelError as error:
            self._unreadable(body, error)
            return
        self._guarded(self._handle, request)

    def _guarded(self, work: Callable[[Any], None], request: protocol.Request) -> None:
        try:
            work(request)
        except Exception as error:  # noqa: BLE001 - told and logged
            try:
                self._failed(request, error)
            except Exception:
                log.exception("that a request failed cannot be told")

    def _handle(self, request: protocol.Request) -> None:
        if isinstance(request, protocol.Run):
            self._runs.submit(Job(request.request, request.request.last_seq))
        elif isinstance(request, protocol.Resume):
            self._runs.resume(request.run_id, request.last_seq, request.commands, request.request)
        elif isinstance(request, protocol.Tell):
            self._say(protocol.Told(request.id, self._runs.tell(request.run_id, request.command)))
        elif isinstance(request, protocol.Cancel):
            self._runs.cancel(request.run_id)
        elif isinstance(request, protocol.Append):
            self._ingress.submit(self._guarded, self._append, request)
        elif isinstance(request, protocol.Look):
            self._looks.submit(self._guarded, self._look, request)
        elif isinstance(request, protocol.Forget):
            self._runs.forget(request.run_ids)
        elif isinstance(request, protocol.References):
            self._refer(request.id)
        else:
            runs = self._runs
            self._say(protocol.Pong(request.id, runs.running, runs.waiting, runs.parked))

    def _append(self, request: protocol.Append) -> None:
        fresh = self._executor.append(request.stream, request.events)
        self._say(protocol.Told(request.id, accepted=any(fresh)))

    def _look(self, request: protocol.Look) -> None:
        self._say(protocol.Looked(request.id, self._executor.survey(request.request)))

    def _refer(self, number: int) -> None:
        digests = self._runs.references()
        for start in range(0, len(digests) + 1, _DIGESTS):
            part, last = digests[start : start + _DIGESTS], start + _DIGESTS > len(digests)
            self._say(protocol.Referred(number, part, last))

    def _say(self, push: protocol.Push) -> None:
        self._answer(protocol.encode(push))

    # What goes wrong

    def _failed(self, request: protocol.Request, error: Exception) -> None:
        """Tell whoever asked why it cannot be done."""
        if not isinstance(error, WeftError):
            log.error("a request of the server failed", exc_info=error)
            error = mistake(error)
        failure = Failure.of(error).model_dump(mode="json")
        if isinstance(request, protocol.Tell | protocol.Append):
            self._say(protocol.Told(request.id, accepted=False, failure=failure))
        elif isinstance(request, protocol.Look):
            self._say(protocol.Looked(request.id, failure=failure))
        elif isinstance(request, protocol.References):
            self._say(protocol.Referred(request.id, [], last=True, failure=failure))
        elif isinstance(request, protocol.Run):
            self._runs.refuse(request.request.run_id, request.request.last_seq, error)
        elif isinstance(request, protocol.Resume):
            self._runs.refuse(request.run_id, request.last_seq, error)
        else:
            log.error("the server's %s was not done: %s", type(request).__name__, error)

    def _unreadable(self, body: bytes, error: KernelError) -> None:
        """A frame that is none of the protocol's: what it is about can often be seen."""
        log.error("the server sent something that cannot be read: %s", error)
        try:
            plain = msgspec.json.decode(body, type=_Glance)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        failure = Failure.of(error).model_dump(mode="json")
        run_id = plain.request.run_id or plain.run_id
        if plain.op in ("run", "resume") and run_id:
            self._runs.refuse(run_id, plain.last_seq or plain.request.last_seq, error)
        elif plain.id and plain.op == "look":
            self._say(protocol.Looked(plain.id, failure=failure))
        elif plain.id:
            self._say(protocol.Told(plain.id, accepted=False, failure=failure))


class _GlanceRequest(msgspec.Struct):
    run_id: str = ""
    last_seq: int = 0


class _Glance(msgspec.Struct):
    """What a frame is about, as far as it can be read."""

    op: str = ""
    id: int = 0
    run_id: str = ""
    last_seq: int = 0
    request: _GlanceRequest = msgspec.field(default_factory=_GlanceRequest)
