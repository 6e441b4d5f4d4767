"""The engine's own process: takes runs from the server over a unix socket, and tells of them.

    python -m weft_engine.runs.supervisor --socket PATH --data DIR [--journal ADDRESS]
        [--workers N] [--per-tenant N]

It says `ready` on its output once the socket is there, serves one connection, and ends with it.
"""

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from weft_engine.errors import Failure, KernelError, WeftError
from weft_engine.runs import protocol
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.link import JOURNAL_VARIABLE
from weft_engine.runs.outbox import Outbox
from weft_engine.runs.ownership import alone, open_journal
from weft_engine.runs.queue import Job

log = logging.getLogger(__name__)

WORKERS: Final = 32
"""How many runs may be under way."""
PER_TENANT: Final = 24
"""How many of them may be of one tenant, so that there is always room for another's."""
_ACCEPT_S: Final = 30.0
_CHECK_S: Final = 0.5
_CHUNK: Final = 256 * 1024
_DIGESTS: Final = 50_000
"""How many digests of blobs fit into a frame."""
_NICE: Final = 5
"""Where processors are scarce, people's requests to the server go before runs."""
_SWITCH_S: Final = 0.001
_GC_THRESHOLD: Final = 20_000
"""Records make many objects and few circles, so looking for these less often costs nothing."""


class Options(argparse.Namespace):
    """How the process was started."""

    socket: Path
    data: Path
    journal: str = ""
    workers: int = WORKERS
    per_tenant: int = PER_TENANT


class Supervisor:
    """Does what the server asks, and tells it of its runs."""

    def __init__(
        self, connection: socket.socket, options: Options, store: JournalStore, owner: str
    ) -> None:
        self._connection = connection
        self._outbox = Outbox(connection)
        self._ingress = ThreadPoolExecutor(1, "weft-ingress")  # the disk holds up nobody else
        self._looks = ThreadPoolExecutor(1, "weft-looks")
        self._executor = Executor(options.data, self._outbox.events, store, owner)
        self._runs = Dispatcher(
            self._executor,
            store,
            self._outbox.event,
            owner=owner,
            workers=options.workers,
            per_tenant=options.per_tenant,
        )

    def serve(self) -> None:
        """Serve the connection until it closes."""
        threading.Thread(target=self._warm_up, name="weft-warm-up", daemon=True).start()
        frames = protocol.FrameReader()
        try:
            while data := self._connection.recv(_CHUNK):
                for body in frames.feed(data):
                    self._handle(protocol.decode_request(body))
        except OSError:
            pass
        except KernelError:
            log.exception("the server sent something that cannot be read")
        self._outbox.close()
        self._runs.leave()

    def _warm_up(self) -> None:
        """Load the node types before the first run needs them."""
        self._executor.warm_up()
        gc.collect()
        gc.freeze()

    def _handle(self, request: protocol.Request) -> None:
        if isinstance(request, protocol.Run):
            self._runs.submit(Job(request.request, request.request.last_seq))
        elif isinstance(request, protocol.Resume):
            self._runs.resume(request.run_id, request.last_seq, request.commands, request.request)
        elif isinstance(request, protocol.Tell):
            self._tell(request)
        elif isinstance(request, protocol.Cancel):
            self._runs.cancel(request.run_id)
        elif isinstance(request, protocol.Append):
            self._ingress.submit(self._append, request)
        elif isinstance(request, protocol.Look):
            self._looks.submit(self._look, request)
        elif isinstance(request, protocol.Forget):
            self._runs.forget(request.run_ids)
        elif isinstance(request, protocol.References):
            self._refer(request.id)
        else:
            runs = self._runs
            pong = protocol.Pong(request.id, runs.running, runs.waiting, runs.parked)
            self._outbox.frame(protocol.encode(pong))

    def _append(self, request: protocol.Append) -> None:
        try:
            fresh = self._executor.append(request.stream, request.events)
            answer = protocol.Told(request.id, accepted=any(fresh))
        except WeftError as error:
            failure = Failure.of(error).model_dump(mode="json")
            answer = protocol.Told(request.id, accepted=False, failure=failure)
        except Exception:
            log.exception("events of the stream %s cannot be written", request.stream)
            failure = Failure.of(KernelError("Events cannot be written.")).model_dump(mode="json")
            answer = protocol.Told(request.id, accepted=False, failure=failure)
        self._outbox.frame(protocol.encode(answer))

    def _look(self, request: protocol.Look) -> None:
        try:
            answer = protocol.Looked(request.id, self._executor.survey(request.request))
            frame = protocol.encode(answer)
        except Exception as error:
            if not isinstance(error, WeftError):
                log.exception("the run %s cannot be compared", request.request.forked_from)
                error = KernelError("The runs cannot be compared.")
            failure = Failure.of(error).model_dump(mode="json")
            frame = protocol.encode(protocol.Looked(request.id, failure=failure))
        self._outbox.frame(frame)

    def _refer(self, number: int) -> None:
        digests = self._runs.references()
        for start in range(0, len(digests) + 1, _DIGESTS):
            part, last = digests[start : start + _DIGESTS], start + _DIGESTS > len(digests)
            self._outbox.frame(protocol.encode(protocol.Referred(number, part, last)))

    def _tell(self, request: protocol.Tell) -> None:
        try:
            answer = protocol.Told(request.id, self._runs.tell(request.run_id, request.command))
        except WeftError as error:
            failure = Failure.of(error).model_dump(mode="json")
            answer = protocol.Told(request.id, accepted=False, failure=failure)
        self._outbox.frame(protocol.encode(answer))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the one connection that comes, then end."""
    parser = argparse.ArgumentParser(prog="weft_engine.runs.supervisor")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--journal", default="", help="path, or an address of PostgreSQL")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--per-tenant", type=int, default=PER_TENANT)
    options = parser.parse_args(arguments, Options())
    logging.basicConfig(format="%(asctime)s engine %(levelname)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl+C is the server's to handle
    os.nice(_NICE)
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    connection = _connect(options.socket)
    if connection is not None:
        _serve(connection, options)
    sys.stderr.flush()
    os._exit(0)  # threads that were left behind must not keep the process alive


def _serve(connection: socket.socket, options: Options) -> None:
    address = os.environ.pop(JOURNAL_VARIABLE, "") or options.journal
    with alone(options.data) as owner:
        store = open_journal(address, options.data)
        Supervisor(connection, options, store, owner).serve()
        store.close()


def _connect(path: Path) -> socket.socket | None:
    """Wait for the server; give up when it is gone or does not come."""
    parent = os.getppid()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(1)
    listener.settimeout(_CHECK_S)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the output from here on
    deadline = time.monotonic() + _ACCEPT_S
    try:
        while time.monotonic() < deadline and os.getppid() == parent:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            return connection
    finally:
        listener.close()
        path.unlink(missing_ok=True)
    return None


if __name__ == "__main__":
    main()
