"""The connection of this process to a Ray cluster: one that is there, or one of our own."""

import contextlib
import importlib
import logging
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from weft_engine.errors import ResourceError, said
from weft_engine.kernel.runtime.own_folder import OwnFolder

OBJECT_STORE: Final = 128 * 2**20
"""Bytes of shared memory of a cluster of our own; next to nothing goes through it."""
_LONGEST_TEMP: Final = 30
"""Of the temporary folder's path: Ray puts sockets deep into it, whose paths have to be short."""
_REACH_S: Final = 10.0


class RayCluster:
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
                ray_module().shutdown()
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
                f"Ray cannot be started on this machine: {short(error)}",
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
                    f"The Ray cluster at {address} does not fit: {short(error)}",
                    code="kernel.ray_version",
                    hint="Run the same versions of Ray and Python here and in the cluster.",
                    params={"address": address},
                ) from error
            raise _unreachable(address, short(error)) from error


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


def ray_module() -> Any:
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
    return ray_module()


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


def short(error: BaseException) -> str:
    """The first words of an error of Ray, which can be pages."""
    lines = [line.strip() for line in said(error).splitlines() if line.strip()]
    return " ".join(lines[:3])[:500]
