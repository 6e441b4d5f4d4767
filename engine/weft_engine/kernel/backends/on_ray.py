"""Subtasks in actors of a Ray cluster: one that is there, or one of our own on this machine.

Ray places the workers and ends them. Records never pass through it: an actor is a worker like any
other, with sockets of its own. Actors are not restarted by Ray, which would bring them back
without their state; that is the coordinator's decision.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.backends import worker
from weft_engine.kernel.backends.cluster import ClusterBackend
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.backends.ray_cluster import OBJECT_STORE, RayCluster, ray_module, short
from weft_engine.kernel.transport.address import Address

_END_S: Final = 5.0


class RayWorker:
    """The actor: a worker, in a process that Ray has started."""

    def run(self, name: str, hub: Address, token: bytes) -> None:
        """Be a worker until the coordinator has enough, or is gone."""
        host = ray_module().util.get_node_ip_address()
        if not worker.work(name, hub, token, (host, 0), forward_output=True):
            os._exit(1)


class OnRay(ClusterBackend):
    """Runs every job on actors of a Ray cluster, which are kept for the next one.

    Placement labels are ignored: every worker takes every stage.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        *,
        num_cpus: float = 1.0,
        resources: Mapping[str, float] | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        local_cpus: int | None = None,
        object_store_memory: int = OBJECT_STORE,
    ) -> None:
        """Make the backend; nothing is started or reached yet.

        Args:
            address: Host and port of a cluster, or "auto" to find the one of this machine. A
                cluster of our own is started when there is none, and ended by `close`.
            workers: How many actors a job gets; `Settings.workers` when None, else as many as it
                has use for and as the cluster has processors for.
            num_cpus: What an actor asks of the cluster; may be a fraction.
            resources: What else it asks, by name; "GPU" for graphics processors.
            runtime_env: Ray's description of what the actors' processes need.
            local_cpus: How many processors a cluster of our own has; those of the machine if None.
            object_store_memory: How many bytes of shared memory a cluster of our own takes.
        """
        self.cluster = RayCluster(address, local_cpus, object_store_memory)
        launcher = _RayLauncher(self.cluster, num_cpus, dict(resources or {}), runtime_env or {})
        super().__init__("ray", {"": Pool(launcher, "ray")}, workers=workers)

    @property
    def host(self) -> str:
        """The address by which the cluster's machines reach this one; connects to the cluster.

        Raises:
            ResourceError: `kernel.ray_unreachable` or `kernel.ray_version`.
        """
        return self.cluster.connect()


class _RayLauncher:
    """Starts actors."""

    def __init__(
        self,
        cluster: RayCluster,
        num_cpus: float,
        resources: dict[str, float],
        runtime_env: Mapping[str, Any],
    ) -> None:
        self._cluster = cluster
        self._num_cpus = num_cpus
        self._resources = resources
        self._runtime_env = runtime_env
        self._actors: dict[str, tuple[Any, Future[None]]] = {}
        self._lock = threading.Lock()

    def hub(self) -> Address:
        """Where the cluster's machines reach this one."""
        return (self._cluster.connect(), 0)

    def capacity(self) -> int | None:
        """How many workers the cluster has processors for."""
        self._cluster.connect()
        cpus = float(ray_module().cluster_resources().get("CPU", 0.0))
        return max(1, int(cpus / self._num_cpus + 1e-6)) if self._num_cpus else None

    def launch(self, name: str, hub: Address, token: bytes, ended: Callable[[str], None]) -> None:
        """Start an actor."""
        resources = dict(self._resources)
        self._start(
            name,
            hub,
            token,
            ended,
            num_cpus=self._num_cpus,
            num_gpus=resources.pop("GPU", 0),
            resources=resources,
        )

    def _start(
        self, name: str, hub: Address, token: bytes, ended: Callable[[str], None], **asked: Any
    ) -> None:
        options: dict[str, Any] = {
            **asked,
            "max_restarts": 0,
            "max_concurrency": 2,
            "enable_task_events": False,
            "runtime_env": self._environment(),
        }
        try:
            actor = ray_module().remote(RayWorker).options(**options).remote()
            future = actor.run.remote(name, hub, token).future()
        except Exception as error:
            raise ResourceError(
                f"The worker {name} cannot be started on Ray: {short(error)}",
                code="kernel.no_workers",
                hint="Look into the logs of the Ray cluster.",
                retryable=True,
            ) from error
        with self._lock:
            self._actors[name] = actor, future
        future.add_done_callback(lambda done: ended(_reason(done)))

    def kill(self, name: str) -> None:
        """End an actor at once."""
        with self._lock:
            found = self._actors.pop(name, None)
        if found is not None:
            with contextlib.suppress(Exception):  # it may be gone, or the cluster
                ray_module().kill(found[0], no_restart=True)

    def close(self) -> None:
        """Wait for the actors to end, kill those that do not, and leave the cluster."""
        with self._lock:
            actors = dict(self._actors)
        for name, (_, future) in actors.items():
            with contextlib.suppress(Exception):  # how it has ended is of no interest any more
                future.result(_END_S)
            # An actor whose work has ended still has its process.
            self.kill(name)
        self._leave()

    def _leave(self) -> None:
        self._cluster.leave()

    def _environment(self) -> dict[str, Any]:
        """The actors' environment: what was asked for, and where our code is."""
        given = dict(self._runtime_env)
        variables = dict(given.get("env_vars", {}))
        path = [variables["PYTHONPATH"]] if "PYTHONPATH" in variables else []
        if self._cluster.own:
            path += [str(Path(entry).absolute()) for entry in sys.path]
        else:
            source = Path(__file__).parents[3]
            if source.name != "site-packages":
                path.append(str(source))
        if path:
            variables["PYTHONPATH"] = os.pathsep.join(path)
        return {**given, "env_vars": variables}


class RayPlaces(_RayLauncher):
    """Starts workers one by one, each with what it asks for, for whoever wants them as guests."""

    def __init__(self, address: str | None = None, *, cluster: RayCluster | None = None) -> None:
        """`address` as in `OnRay`; or the `cluster` of a backend, which then stays its own."""
        self._borrowed = cluster is not None
        super().__init__(cluster or RayCluster(address, None, OBJECT_STORE), 1.0, {}, {})

    def machines(self) -> list[tuple[float, float, float]]:
        """Of every machine: processors, graphics processors, bytes of memory."""
        self._cluster.connect()
        have = [node["Resources"] for node in ray_module().nodes() if node["Alive"]]
        return [(m.get("CPU", 0.0), m.get("GPU", 0.0), m.get("memory", 0.0)) for m in have]

    def start(
        self,
        name: str,
        hub: Address,
        token: bytes,
        ended: Callable[[str], None],
        *,
        cpus: float,
        gpus: float = 0.0,
        memory: int | None = None,
    ) -> None:
        """Start an actor that has so much for itself; Ray lets it wait until that is there."""
        more = {"memory": memory} if memory is not None else {}
        self._start(name, hub, token, ended, num_cpus=cpus, num_gpus=gpus, **more)

    def _leave(self) -> None:
        if not self._borrowed:
            self._cluster.leave()


def _reason(done: "Future[None]") -> str:
    error = done.exception() if not done.cancelled() else None
    return "its actor has ended" if error is None else f"its actor has failed: {short(error)}"
