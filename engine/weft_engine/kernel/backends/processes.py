"""Subtasks in worker processes of this machine."""

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from weft_engine.kernel.backends.cluster import ClusterBackend
from weft_engine.kernel.backends.fork_server import ForkServer, shared
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.transport.address import Address

_LEAVE_S: Final = 2.0
_KILLED_S: Final = 20.0
"""How long killed workers may take to be gone: until then, one may still put a socket there."""
_LONGEST_TEMP: Final = 46
"""Of the temporary folder's path; the system allows about 100 bytes for the path of a socket."""


class ForkLauncher:
    """Starts workers by the fork server."""

    def __init__(self, host: Callable[[], str] | None = None, *, load: str = "") -> None:
        """Make it.

        Args:
            host: Has data go over TCP at that address, for workers of other machines to reach.
            load: A module that all workers need; it is loaded once.
        """
        self.host = host
        self._load = load
        self._server: ForkServer = shared()
        self._names: set[str] = set()
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def hub(self) -> Address:
        """A unix socket that only this user can reach."""
        folder = self._own_folder()
        return ("127.0.0.1", 0) if folder is None else str(folder / "hub")

    def capacity(self) -> int | None:
        """Processes share the processors that there are."""
        return None

    def launch(self, name: str, hub: Address, token: bytes, ended: Callable[[str], None]) -> None:
        """Start a worker."""
        folder = self._own_folder()
        bind: Address
        if self.host is not None:
            bind = (self.host(), 0)
        else:
            bind = ("127.0.0.1", 0) if folder is None else str(folder)
        with self._lock:
            self._names.add(name)
        self._server.launch(name, hub, token, bind, ended, load=self._load)

    def kill(self, name: str) -> None:
        """End a worker at once."""
        self._server.kill(name)

    def close(self) -> None:
        """Wait for the workers to go, kill those that do not, and clear up."""
        if not self._server.wait(self._names, _LEAVE_S):
            for name in self._names:
                self._server.kill(name)
            self._server.wait(self._names, _KILLED_S)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _own_folder(self) -> Path | None:
        with self._lock:
            if self._folder is None and len(tempfile.gettempdir()) <= _LONGEST_TEMP:
                self._folder = Path(tempfile.mkdtemp(prefix="weft-"))
            return self._folder


class Processes(ClusterBackend):
    """Runs every job on forked worker processes, which are kept for the next one.

    Data goes over unix sockets in a folder that only this user can enter. Placement labels are
    ignored: every worker takes every stage.
    """

    def __init__(
        self, workers: int | None = None, *, host: Callable[[], str] | None = None
    ) -> None:
        """Make the backend; nothing is started yet.

        Args:
            workers: How many processes a job gets; `Settings.workers` when None, else as many as
                it has use for.
            host: Gives the address to receive data at over TCP, where workers of other machines
                are to reach these.
        """
        self._launcher = ForkLauncher(host)
        super().__init__("processes", {"": Pool(self._launcher, "process")}, workers=workers)

    def receive_at(self, host: Callable[[], str]) -> None:
        """Receive data over TCP at that address; before any worker is started."""
        self._launcher.host = host
