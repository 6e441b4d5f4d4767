"""The engine's own process: takes runs from the server over a unix socket, and tells of them.

    python -m weft_engine.runs.supervisor --socket PATH --data DIR [--workers N]

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

from weft_engine.errors import Failure, FlowError, KernelError, WeftError
from weft_engine.runs import protocol
from weft_engine.runs.events import RunEvent, now_text
from weft_engine.runs.executor import Executor
from weft_engine.runs.outbox import Outbox
from weft_engine.runs.queue import FairQueue, Job
from weft_engine.runs.runner import mistake

log = logging.getLogger(__name__)

WORKERS: Final = 4
_ACCEPT_S: Final = 30.0
_CHECK_S: Final = 0.5
_LEAVE_S: Final = 2.0
_CHUNK: Final = 256 * 1024
_SWITCH_S: Final = 0.001
_GC_THRESHOLD: Final = 20_000
"""Records make many objects and few circles, so looking for these less often costs nothing."""


class Supervisor:
    """Runs what it is asked to, a few at a time."""

    def __init__(self, connection: socket.socket, data: Path, workers: int) -> None:
        self._connection = connection
        self._outbox = Outbox(connection)
        self._queue = FairQueue()
        self._executor = Executor(data, self._outbox.event)
        self._running: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._workers = [
            threading.Thread(target=self._work, name=f"weft-run-{number}", daemon=True)
            for number in range(max(workers, 1))
        ]

    def serve(self) -> None:
        """Serve the connection until it closes."""
        threading.Thread(target=self._warm_up, name="weft-warm-up", daemon=True).start()
        for worker in self._workers:
            worker.start()
        frames = protocol.FrameReader()
        try:
            while data := self._connection.recv(_CHUNK):
                for body in frames.feed(data):
                    self._handle(protocol.decode_request(body))
        except OSError:
            pass
        except KernelError:
            log.exception("the server sent something that cannot be read")
        self._leave()

    def _warm_up(self) -> None:
        """Load the node types before the first run needs them."""
        self._executor.warm_up()
        gc.collect()
        gc.freeze()

    def _handle(self, request: protocol.Request) -> None:
        if isinstance(request, protocol.Run):
            self._submit(Job(request.request))
        elif isinstance(request, protocol.Cancel):
            self._cancel(request.run_id)
        else:
            pong = protocol.Pong(request.id, len(self._running), len(self._queue))
            self._outbox.frame(protocol.encode(pong))

    def _submit(self, job: Job) -> None:
        run_id = job.request.run_id
        with self._lock:
            twice = run_id in self._running
            if not twice:
                self._running[run_id] = job
        if twice:
            log.error("the run %s was sent twice", run_id)
            return
        position = self._queue.put(job)
        if position is None:
            self._refuse(job, _too_many())
        elif position > 0:
            with job.lock:
                if not job.started:
                    self._say(job, "run_queued", position=position)

    def _cancel(self, run_id: str) -> None:
        waiting = self._queue.remove(run_id)
        with self._lock:
            job = self._running.get(run_id)
            if waiting is not None:
                self._running.pop(run_id, None)
        if waiting is not None:
            self._say(waiting, "run_cancelled", duration_ms=0.0)
        elif job is not None:
            job.cancel.set()

    def _work(self) -> None:
        while (job := self._queue.take()) is not None:
            try:
                self._executor.run(job)
            except BaseException as error:  # a worker that ended would be missed by all later runs
                log.exception("the run %s failed inside the engine", job.request.run_id)
                self._refuse(job, error)
            finally:
                with self._lock:
                    self._running.pop(job.request.run_id, None)

    def _refuse(self, job: Job, error: BaseException) -> None:
        known = error if isinstance(error, WeftError) else mistake(error)
        failure = Failure.of(known).model_dump(mode="json")
        self._say(job, "run_failed", failure=failure, never_ran=[], duration_ms=0.0)
        with self._lock:
            self._running.pop(job.request.run_id, None)

    def _say(self, job: Job, kind: str, **data: object) -> None:
        with job.lock:
            job.last_seq += 1
            self._outbox.event(
                RunEvent(
                    seq=job.last_seq,
                    at=now_text(),
                    type=kind,
                    run=job.request.run_id,
                    data=data,
                )
            )

    def _leave(self) -> None:
        """Stop all runs, give them a moment to close what they have open."""
        self._outbox.close()
        self._queue.close()
        with self._lock:
            for job in self._running.values():
                job.cancel.set()
        deadline = time.monotonic() + _LEAVE_S
        for worker in self._workers:
            worker.join(max(deadline - time.monotonic(), 0.0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the one connection that comes, then end."""
    parser = argparse.ArgumentParser(prog="weft_engine.runs.supervisor")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=WORKERS)
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s engine %(levelname)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl+C is the server's to handle
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    connection = _connect(options.socket)
    if connection is not None:
        Supervisor(connection, options.data, options.workers).serve()
    sys.stderr.flush()
    os._exit(0)  # threads that were left behind must not keep the process alive


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


def _too_many() -> WeftError:
    return FlowError(
        "Too many runs are waiting.",
        code="run.too_many",
        hint="Wait until some of them have ended.",
    )


if __name__ == "__main__":
    main()
