"""One attempt of a job on workers in other processes."""

import itertools
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from weft_engine.errors import KernelError, WeftError
from weft_engine.kernel.backends.control import (
    Command,
    Deploy,
    Disconnected,
    Gone,
    Place,
    Prepared,
    Refused,
    Start,
    Stop,
    Told,
    error_from_data,
)
from weft_engine.kernel.backends.link import WorkerLink
from weft_engine.kernel.backends.log_forwarding import levels
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.runtime.messages import Lost, Report, Restore
from weft_engine.kernel.transport.address import Address
from weft_engine.kernel.transport.handshake import new_token

PREPARE_S: Final = 120.0
"""How long workers may take to load a job."""
_BLAME_S: Final = 2.0
"""How long to wait, when two workers have lost each other, for one of them to turn out dead."""

_ids = itertools.count(1)


class WorkerDeployment:
    """Subtasks on workers; a `Deployment`."""

    def __init__(
        self,
        workers: list[tuple[Pool, WorkerLink]],
        attempt: int,
        report: Callable[[Report], None],
    ) -> None:
        self._id = next(_ids)
        self._attempt = attempt
        self._report = report
        self._pools = {link.name: pool for pool, link in workers}
        self._links = {link.name: link for _, link in workers}
        self._changed = threading.Condition()
        self._prepared: dict[str, Address | None] = {}
        self._refused: WeftError | None = None
        self._gone: dict[str, bool] = {}
        self._lost: set[str] = set()
        self._stopping = False
        self._ended = False

    def start(
        self, spec: bytes, placed: Mapping[Place, str], restore: Mapping[Place, Restore]
    ) -> None:
        """Have all workers prepare, and then run. One that dies meanwhile is reported as lost.

        Raises:
            WeftError: when a worker cannot do what it is asked to.
        """
        for name, link in self._links.items():
            link.attach(self._on_message(name), self._on_lost(name))
        token = new_token()
        for name, link in self._links.items():
            hosted = {
                place: restore[place]
                for place, worker in placed.items()
                if worker == name and place in restore
            }
            link.send(Deploy(self._id, self._attempt, token, spec, placed, hosted, levels()))
        with self._changed:
            done = self._changed.wait_for(self._all_prepared, PREPARE_S)
            if self._refused is not None:
                raise self._refused
            if self._lost:
                return
            if not done:
                raise KernelError(
                    f"Workers have not loaded the job within {PREPARE_S:.0f} seconds.",
                    code="kernel.no_workers",
                    retryable=True,
                )
            peers = {name: at for name, at in self._prepared.items() if at is not None}
        self._send(Start(self._id, peers))

    def step(self) -> bool:
        """Nothing to do: workers go on by themselves."""
        return False

    def trigger(self, barrier: Barrier) -> None:
        """Have all sources emit a barrier."""
        self._send(Command(self._id, "trigger", barrier))

    def committed(self, checkpoint: int) -> None:
        """Tell all subtasks that a checkpoint is durable."""
        self._send(Command(self._id, "committed", checkpoint))

    def pause(self) -> None:
        """Have sources stand still."""
        self._send(Command(self._id, "pause"))

    def resume(self) -> None:
        """Let sources go on."""
        self._send(Command(self._id, "resume"))

    def stop(self, grace_s: float) -> None:
        """End what still runs and wait until it is gone; kill what does not go in time."""
        with self._changed:
            if self._ended:
                return
            self._stopping = True
        self._send(Stop(self._id, grace_s))
        deadline = monotonic() + grace_s
        with self._changed:
            # A worker that cannot end its threads says so when the time is over.
            self._changed.wait_for(self._all_gone, max(0.0, deadline - monotonic()) + 1.0)
            clean = {name for name, clean in self._gone.items() if clean} - self._lost
            if not self._end():
                return
        for name, link in self._links.items():
            self._pools[name].release(link, clean=name in clean)

    def _end(self) -> bool:
        """Whether this is the first time; two threads may stop it at once."""
        ended, self._ended = self._ended, True
        return not ended

    def _send(self, message: Any) -> None:
        for name, link in self._links.items():
            if name not in self._lost:
                link.send(message)

    def _all_prepared(self) -> bool:
        return (
            bool(self._lost) or self._refused is not None or len(self._prepared) == len(self._links)
        )

    def _all_gone(self) -> bool:
        return self._lost | set(self._gone) >= set(self._links)

    def _on_message(self, name: str) -> Callable[[Any], None]:
        def handle(message: Any) -> None:
            if message.id != self._id:
                return
            match message:
                case Told(report=report):
                    self._report(report)
                case Disconnected(peer=peer, reason=reason):
                    threading.Thread(
                        target=self._blame, args=(name, peer, reason), daemon=True
                    ).start()
                case Prepared() | Refused() | Gone():
                    self._note(name, message)

        return handle

    def _note(self, name: str, message: Prepared | Refused | Gone) -> None:
        with self._changed:
            match message:
                case Prepared(address=address):
                    self._prepared[name] = address
                case Refused(error=error):
                    self._refused = error_from_data(error)
                case Gone(clean=clean):
                    self._gone[name] = clean
            self._changed.notify_all()

    def _on_lost(self, name: str) -> Callable[[str], None]:
        def lost(_: str) -> None:
            with self._changed:
                self._lost.add(name)
                self._changed.notify_all()
                if self._stopping:
                    return
            # Its connection often ends before it is known how the process did.
            threading.Thread(target=self._tell_lost, args=(name,), daemon=True).start()

        return lost

    def _tell_lost(self, name: str) -> None:
        reason = self._pools[name].why(self._links[name])
        self._report(Lost(name, reason, self._attempt))

    def _blame(self, name: str, peer: str, reason: str) -> None:
        """Two workers have lost each other: it is the connection's fault only if both are alive."""
        with self._changed:
            self._changed.wait_for(lambda: self._lost or self._stopping, _BLAME_S)
            if self._lost or self._stopping:
                return
        why = f"the data connection between the workers {name} and {peer} is gone: {reason}"
        self._report(Lost(peer, why, self._attempt))
