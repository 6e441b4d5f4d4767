"""Where a live run works: on threads, in processes of this machine, on a cluster beside those."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.streaming_lowered import Live
from weft_engine.compiler.streaming_placing import place
from weft_engine.flow.model import NodeResources
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.cluster import ClusterBackend
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.backends.processes import ForkLauncher
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.transport.address import Address
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.environments import require_known
from weft_engine.runs.executors.processes import this_machine
from weft_engine.runs.executors.remote_room import Room
from weft_engine.runs.executors.remote_stock import fits, unavailable

_PRELOAD: Final = "weft_engine.runs.executors.worker_preload"
_HERE: Final = "here"


def backend_of(env: str, live: Live, compiled: Compiled) -> Backend:
    """Where a live run works; nothing is started yet, but a cluster is reached.

    On a cluster, operators are labelled by what they ask for; see `streaming_placing`.

    Raises:
        FlowError: `run.unknown_env`.
        ResourceError: `run.env_unavailable`, `run.resources_unavailable`.
    """
    require_known(env)
    if env == "local":
        return Threads()
    if env == "processes":
        asked = (compiled.flow.nodes[name].resources for name in live.nodes)
        _require_room(env, [needs for needs in asked if needs is not None], [this_machine()])
        return ClusterBackend(env, {"": Pool(ForkLauncher(load=_PRELOAD), "process")})
    module: Any = importlib.import_module("weft_engine.runs.executors.on_ray")
    return beside(module.shared().room, place(live, compiled))


def beside(room: Room, labels: Mapping[str, NodeResources]) -> ClusterBackend:
    """Worker processes of this machine, and workers of a cluster beside them.

    Args:
        room: Starts the cluster's workers; it stays when the backend is closed.
        labels: What the workers of each label ask for.

    Raises:
        ResourceError: `run.env_unavailable`, `run.resources_unavailable`.
    """
    host = str(room.hub()[0])
    _require_room(room.name, labels.values(), room.machines())
    here = Pool(ForkLauncher(lambda: host, load=_PRELOAD), "process")
    away = {
        label: Pool(_Launcher(room, _resources(needs)), room.name)
        for label, needs in labels.items()
    }
    return ClusterBackend(room.name, {_HERE: here, **away}, label=_HERE)


class _Launcher:
    """Starts workers of one kind in a room that others use as well."""

    def __init__(self, room: Room, needs: Resources) -> None:
        self._room = room
        self._needs = needs
        self._names: list[str] = []

    def hub(self) -> Address:
        """Where the cluster's machines reach this one."""
        return self._room.hub()

    def capacity(self) -> int | None:
        """How many of them the cluster has room for, when it has nothing else to do."""
        return max(1, sum(_times(self._needs, machine) for machine in self._room.machines()))

    def launch(self, name: str, hub: Address, token: bytes, ended: Callable[[str], None]) -> None:
        """Start a worker."""
        self._names.append(name)
        self._room.launch(name, hub, token, self._needs, ended)

    def kill(self, name: str) -> None:
        """End a worker at once."""
        self._room.kill(name)

    def close(self) -> None:
        """End all of them: what they did is over, and their processes stay without that."""
        for name in self._names:
            self._room.kill(name)


def _times(needs: Resources, machine: Resources) -> int:
    """How often a machine has so much."""
    found = [machine.cpu / needs.cpu]
    if needs.gpu:
        found.append(machine.gpu / needs.gpu)
    if needs.memory_mb:
        found.append((machine.memory_mb or 0) / needs.memory_mb)
    return int(min(found) + 1e-6)


def _require_room(env: str, asked: Iterable[NodeResources], machines: list[Resources]) -> None:
    for needs in map(_resources, asked):
        if not fits(needs, machines):
            raise unavailable(env, needs, machines)


def _resources(needs: NodeResources) -> Resources:
    return Resources(needs.cpu, needs.gpu, needs.memory_mb)
