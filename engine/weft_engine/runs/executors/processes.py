"""The environment `processes`: units in worker processes of this machine, shared by all runs."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from weft_engine.kernel.backends.processes import ForkLauncher
from weft_engine.kernel.transport.address import Address
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.remote_crew import Crew

_PRELOAD: Final = "weft_engine.runs.executors.worker_preload"
_IDLE_S: Final = 60.0
_JOIN_S: Final = 60.0


class ProcessRoom:
    """Forks workers from the kernel's fork server."""

    name = "processes"
    holds = False
    near = True
    idle_s = _IDLE_S
    join_s: float | None = _JOIN_S

    def __init__(self, machine: Resources | None = None) -> None:
        """`machine` is what there is to share out; all of this machine when None."""
        self._machine = machine or this_machine()
        self._launcher = ForkLauncher(load=_PRELOAD)

    def hub(self) -> Address:
        """A unix socket that only this user can reach."""
        return self._launcher.hub()

    def machines(self) -> list[Resources]:
        """This one."""
        return [self._machine]

    def launch(
        self,
        name: str,
        hub: Address,
        token: bytes,
        needs: Resources,
        ended: Callable[[str], None],
    ) -> None:
        """Start a worker; what it needs is counted, not enforced."""
        self._launcher.launch(name, hub, token, ended)

    def kill(self, name: str) -> None:
        """End a worker at once."""
        self._launcher.kill(name)

    def close(self) -> None:
        """Wait for the workers to go."""
        self._launcher.close()


def this_machine() -> Resources:
    """What this machine has, as far as this process may use it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Resources(
        cpu=float(len(os.sched_getaffinity(0))),
        gpu=float(len(list(Path("/dev").glob("nvidia[0-9]*")))),
        memory_mb=pages // 2**20,
    )


_shared: Crew | None = None
_owner = 0
_lock = threading.Lock()


def shared() -> Crew:
    """The workers of this process."""
    global _shared, _owner
    with _lock:
        if _shared is None or _owner != os.getpid():
            _shared, _owner = Crew(ProcessRoom()), os.getpid()
        return _shared
