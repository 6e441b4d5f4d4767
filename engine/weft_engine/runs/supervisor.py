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
from pathlib import Path
from typing import Final

from weft_engine.errors import KernelError
from weft_engine.runs import protocol
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import JournalStore
from weft_engine.runs.outbox import Outbox
from weft_engine.runs.ownership import alone, open_journal
from weft_engine.runs.requests import Requests
from weft_engine.surroundings import wipe

log = logging.getLogger(__name__)

WORKERS: Final = 32
"""How many runs may be under way."""
PER_TENANT: Final = 24
"""How many of them may be of one tenant, so that there is always room for another's."""
STDIN: Final = "-"
"""The journal's address is the first line on the standard input."""
_ACCEPT_S: Final = 30.0
_CHECK_S: Final = 0.5
_CHUNK: Final = 256 * 1024
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
        self._executor = Executor(options.data, self._outbox.events, store, owner)
        self._runs = Dispatcher(
            self._executor,
            store,
            self._outbox.event,
            owner=owner,
            workers=options.workers,
            per_tenant=options.per_tenant,
        )
        self._requests = Requests(self._runs, self._executor, self._outbox.frame)

    def serve(self) -> None:
        """Serve the connection until it closes."""
        threading.Thread(target=self._warm_up, name="weft-warm-up", daemon=True).start()
        frames = protocol.FrameReader()
        try:
            while data := self._connection.recv(_CHUNK):
                for body in frames.feed(data):
                    self._requests.take(body)
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the one connection that comes, then end."""
    parser = argparse.ArgumentParser(prog="weft_engine.runs.supervisor")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--journal", default="", help="path or address of PostgreSQL; - on stdin")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--per-tenant", type=int, default=PER_TENANT)
    options = parser.parse_args(arguments, Options())
    wipe()
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
    address = options.journal
    if address == STDIN:
        address = sys.stdin.readline().strip()  # it may hold a password
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
