"""The environment `ray`: units on actors of a Ray cluster, which are shared by all runs.

The cluster is the one at `WEFT_RAY_ADDRESS`, or one of our own on this machine. Ray only places
the workers; what they are given and give goes over sockets (`docs/decisions/0011`). Workers of
another machine share no files with this one.
"""

import atexit
import os
import threading
from collections.abc import Callable
from typing import Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.on_ray import RayPlaces
from weft_engine.kernel.transport.address import Address
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.remote_crew import Crew

ADDRESS: Final = "WEFT_RAY_ADDRESS"
_IDLE_S: Final = 20.0


class RayRoom:
    """Starts actors."""

    name = "ray"
    holds = True
    near = False
    idle_s = _IDLE_S
    join_s: float | None = None

    def __init__(self, places: RayPlaces | None = None) -> None:
        """`places` is the cluster; the one that the environment names when None."""
        self._places = places or RayPlaces(os.environ.get(ADDRESS) or None)

    def hub(self) -> Address:
        """Where the cluster's machines reach this one; connects to the cluster, or starts one.

        Raises:
            ResourceError: `run.env_unavailable`.
        """
        try:
            return self._places.hub()
        except ImportError as error:
            raise ResourceError(
                "Ray is not installed here.",
                code="run.env_unavailable",
                hint="Install it (pip install ray), or run in the environment processes or local.",
                params={"env": self.name},
            ) from error
        except ResourceError as error:
            raise ResourceError(
                f"The environment ray cannot be used: {error.message}",
                code="run.env_unavailable",
                hint=error.hint,
                params={"env": self.name, "reason": error.code, **error.params},
                retryable=error.retryable,
            ) from error

    def machines(self) -> list[Resources]:
        """What every machine of the cluster has."""
        return [
            Resources(cpu=cpu, gpu=gpu, memory_mb=int(memory // 2**20))
            for cpu, gpu, memory in self._places.machines()
        ]

    def launch(
        self,
        name: str,
        hub: Address,
        token: bytes,
        needs: Resources,
        ended: Callable[[str], None],
    ) -> None:
        """Ask Ray for an actor with so much for itself."""
        memory = needs.memory_mb * 2**20 if needs.memory_mb is not None else None
        self._places.start(name, hub, token, ended, cpus=needs.cpu, gpus=needs.gpu, memory=memory)

    def kill(self, name: str) -> None:
        """End an actor at once."""
        self._places.kill(name)

    def close(self) -> None:
        """End all actors, and leave the cluster."""
        self._places.close()


_shared: Crew | None = None
_owner = 0
_lock = threading.Lock()


def shared() -> Crew:
    """The workers of this process."""
    global _shared, _owner
    with _lock:
        if _shared is None or _owner != os.getpid():
            _shared, _owner = Crew(RayRoom()), os.getpid()
            atexit.register(_shared.close)  # a cluster of our own has a folder and processes
        return _shared
