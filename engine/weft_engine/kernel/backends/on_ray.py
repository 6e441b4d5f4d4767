"""Subtasks in actors of a Ray cluster: one that is there, or one of our own on this machine.

Ray places the workers and ends them. Records never pass through it: an actor is a worker like any
other, with sockets of its own. Actors are not restarted by Ray, which would bring them back
without their state; that is the coordinator's decision.
"""

import contextlib
import importlib
import logging
import os
import secrets
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import ResourceError, said
from weft_engine.kernel.backends import worker
from weft_engine.kernel.backends.cluster import ClusterBackend
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.runtime.own_folder import OwnFolder
from weft_engine.kernel.transport.address import Address

OBJECT_STORE: Final = 128 * 2**20
"""Bytes of shared memory of a cluster of our own; next to nothing goes through it."""
_LONGEST_TEMP: Final = 30
"""Of the temporary folder's path: Ray puts sockets deep into it, whose paths have to be short."""
_REACH_S: Final = 10.0
_END_S: Final = 5.0


class RayWorker:
    """The actor: a worker, in a process that Ray has started."""

    def run(self, name: str, hub: Address, token: bytes) -> None:
        """Be a worker until the coordinator has enough, or is gone."""
        host = _ray().util.get_node_ip_address()
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
        self.cluster = _Cluster(address, local_cpus, object_store_memory)
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
        cluster: "_Cluster",
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
        cpus = float(_ray().cluster_resources().get("CPU", 0.0))
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
            actor = _ray().remote(RayWorker).options(**options).remote()
            future = actor.run.remote(name, hub, token).future()
        except Exception as error:
            raise ResourceError(
                f"The worker {name} cannot be started on Ray: {_short(error)}",
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
                _ray().kill(found[0], no_restart=True)

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

    def __init__(self, address: str | None = None, *, cluster: "_Cluster | None" = None) -> None:
        """`address` as in `OnRay`; or the `cluster` of a backend, which then stays its own."""
        self._borrowed = cluster is not None
        super().__init__(cluster or _Cluster(address, None, OBJECT_STORE), 1.0, {}, {})

    def machines(self) -> list[tuple[float, float, float]]:
        """Of every machine: processors, graphics processors, bytes of memory."""
        self._cluster.connect()
        have = [node["Resources"] for node in _ray().nodes() if node["Alive"]]
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


class _Cluster:
    """The connection to a cluster. Ray allows one a process, so it may be somebody else's."""

    def __init__(self, address: str | None, cpus: int | None, object_store: int) -> None:
        self._address = address
        self._cpus = cpus
        self._object_store = object_store
        self._host: str | None = None
        self._folder: OwnFolder | None = None
        self._entered = False
        self._lock = threading.Lock()
        self._home: ThreadPoolExecutor | None = None
        self.own = False
        """Whether the cluster was started here."""

    def connect(self) -> str:
        """Connect, or start a cluster; how its machines reach this one.

        Raises:
            ResourceError: `kernel.ray_unreachable` or `kernel.ray_version`.
        """
        with self._lock:
            if self._host is None:
                ray = _ray_for(self._address)
                if not ray.is_initialized():
                    if self._address is None:
                        # Linux ends Ray's processes with the thread that has started them.
                        self._home = ThreadPoolExecutor(1, thread_name_prefix="weft-ray")
                        self._home.submit(self._start, ray).result()
                    else:
                        self._reach(ray, self._address)
                    self._entered = True
                self._host = str(ray.util.get_node_ip_address())
            return self._host

    def leave(self) -> None:
        """Disconnect, and end a cluster that was started here."""
        with self._lock:
            if self._entered:
                _ray().shutdown()
            self._entered = self.own = False
            self._host = None
            if self._home is not None:
                self._home.shutdown()
                self._home = None
            if self._folder is not None:
                self._folder.remove()
                self._folder = None

    def _start(self, ray: Any) -> None:
        temp = tempfile.gettempdir()
        at = temp if len(temp) <= _LONGEST_TEMP else "/tmp"  # noqa: S108 - mkdtemp makes it ours
        self._folder = OwnFolder("weft-ray-", at)
        try:
            with _loopback(ray):
                ray.init(
                    num_cpus=self._cpus,
                    include_dashboard=False,
                    object_store_memory=self._object_store,
                    log_to_driver=False,
                    configure_logging=False,
                    logging_level="ERROR",
                    _temp_dir=str(self._folder.path),
                )
        except Exception as error:
            self._folder.remove()
            raise ResourceError(
                f"Ray cannot be started on this machine: {_short(error)}",
                code="kernel.ray_unreachable",
                hint="Use another backend, or give the address of a cluster that runs.",
            ) from error
        self.own = True

    def _reach(self, ray: Any, address: str) -> None:
        _knock(address)
        try:
            with _loopback(ray) if _only_here(ray, address) else contextlib.nullcontext():
                ray.init(
                    address=address,
                    log_to_driver=False,
                    configure_logging=False,
                    logging_level="ERROR",
                )
        except Exception as error:
            if "ersion mismatch" in str(error):
                raise ResourceError(
                    f"The Ray cluster at {address} does not fit: {_short(error)}",
                    code="kernel.ray_version",
                    hint="Run the same versions of Ray and Python here and in the cluster.",
                    params={"address": address},
                ) from error
            raise _unreachable(address, _short(error)) from error


def _knock(address: str) -> None:
    """See whether anybody listens, because Ray takes long to say that nobody does."""
    host, colon, port = address.rpartition(":")
    if address == "auto" or not colon:
        return
    if "://" in address or not port.isdigit():
        raise _unreachable(address, "it is not the host and port of a cluster's head")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
    except OSError as error:
        raise _unreachable(address, str(error)) from error


def _only_here(ray: Any, address: str) -> bool:
    """Whether a cluster listens to its own machine only, as those do that are started here."""
    host, _, port = address.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        return False
    try:
        socket.create_connection((ray.util.get_node_ip_address(), int(port)), _REACH_S).close()
    except OSError:
        return True
    return False


def _unreachable(address: str, why: str) -> ResourceError:
    return ResourceError(
        f"The Ray cluster at {address} cannot be reached: {why}",
        code="kernel.ray_unreachable",
        hint="Give the address of the cluster's head (6379 is its usual port), let this machine "
        "be part of the cluster's network, and set RAY_AUTH_TOKEN if it asks for one.",
        params={"address": address},
        retryable=True,
    )


def _ray() -> Any:
    """Ray, loaded when it is first needed."""
    return importlib.import_module("ray")


def _ray_for(address: str | None) -> Any:
    """Ray with settings that must be there before it is loaded or first connects."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    loud = logging.getLogger("ray")
    if loud.level == logging.NOTSET:  # it warns of what we mean to do
        loud.setLevel(logging.ERROR)
    if address is None and "RAY_AUTH_MODE" not in os.environ:
        # Whoever reaches a port of Ray can run code. Ray reads this once, so it stays.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    return _ray()


@contextlib.contextmanager
def _loopback(ray: Any) -> Iterator[None]:
    """Let a cluster that is started here listen at 127.0.0.1 only, or reach such a one.

    On Linux, Ray replaces a loopback address by that of the machine and then listens everywhere,
    whatever `_node_ip_address` says, unless clusters are switched off by this variable.
    """
    name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
    constants: Any = importlib.import_module("ray._private.ray_constants")
    before, enabled = os.environ.get(name), constants.ENABLE_RAY_CLUSTER
    os.environ[name] = "0"
    constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = enabled
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _reason(done: "Future[None]") -> str:
    error = done.exception() if not done.cancelled() else None
    return "its actor has ended" if error is None else f"its actor has failed: {_short(error)}"


def _short(error: BaseException) -> str:
    """The first words of an error of Ray, which can be pages."""
    lines = [line.strip() for line in said(error).splitlines() if line.strip()]
    return " ".join(lines[:3])[:500]
