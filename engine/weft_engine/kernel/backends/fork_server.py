"""The coordinator's side of the spawner: starts worker processes and hears how they end."""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.transport.address import Address
from weft_engine.surroundings import for_workers

# Ctrl+C on a terminal reaches all processes: the coordinator says what becomes of it. Loading takes
# long enough to be hit by it.
_BOOT: Final = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from weft_engine.kernel.backends import spawner; spawner.main(int(sys.argv[2]))"
)
_END_S: Final = 20.0
"""How long the spawner may take to end its workers and clear up behind them; on a machine that is
very busy, seconds."""


class ForkServer:
    """One spawner. Started when the first worker is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: dict[str, Callable[[str], None]] = {}
        self._changed = threading.Condition(self._lock)

    def warm(self) -> None:
        """Start the spawner, if it is not there."""
        with self._lock:
            self._start()

    def launch(
        self,
        name: str,
        hub: Address,
        token: bytes,
        bind: Address,
        ended: Callable[[str], None],
        *,
        load: str = "",
    ) -> None:
        """Start a worker of that (unique) name; `ended(reason)` is called when it has ended.

        `load` names a module that is loaded before, once for all workers that need it.

        Raises:
            ResourceError: `kernel.no_workers`.
        """
        request = {
            "name": name,
            "hub": hub,
            "token": token.hex(),
            "bind": bind,
            "path": sys.path,
            "directory": os.getcwd(),  # noqa: PTH109 - as text
            "environ": for_workers(),
            "load": load,
        }
        with self._lock:
            try:
                control = self._start()
                self._ended[name] = ended
                self._send(control, request, [1, 2])
            except OSError as error:
                self._ended.pop(name, None)
                raise ResourceError(
                    f"The worker {name} cannot be started: {error}",
                    code="kernel.no_workers",
                    hint="Run with fewer workers, or raise the limits of the machine.",
                    retryable=True,
                ) from error

    def kill(self, name: str) -> None:
        """End a worker at once."""
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None and name in self._ended:
                self._send(self._control, {"kill": name}, [])

    def wait(self, names: set[str], timeout_s: float) -> bool:
        """Wait until none of these workers is left; whether that came to be."""
        with self._changed:
            return self._changed.wait_for(lambda: not names & set(self._ended), timeout_s)

    def close(self) -> None:
        """End the spawner, and with it all workers."""
        with self._lock:
            control, self._control = self._control, None
            process, self._process = self._process, None
        if control is not None:
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_RDWR)
        if process is not None:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _send(self, control: socket.socket, request: dict[str, Any], fds: list[int]) -> None:
        data = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(control, [data], fds) if fds else 0
        control.sendall(data[sent:])

    def _start(self) -> socket.socket:
        if self._control is not None:
            return self._control
        if self._process is not None:
            self._process.wait()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=for_workers(),
            )
        self._control = ours
        threading.Thread(
            target=self._listen, args=(ours,), name="weft-fork-server", daemon=True
        ).start()
        return ours

    def _listen(self, control: socket.socket) -> None:
        buffer = b""
        while True:
            try:
                data = control.recv(4096)
            except OSError:
                data = b""
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                said = json.loads(line)
                self._tell(said["ended"], _reason(said["code"]))
        with self._lock:
            if self._control is control:
                self._control = None
            control.close()
            left = list(self._ended)
        for name in left:
            self._tell(name, "the process that starts workers has ended")

    def _tell(self, name: str, reason: str) -> None:
        with self._changed:
            ended = self._ended.pop(name, None)
            self._changed.notify_all()
        if ended is not None:
            ended(reason)


def _reason(code: int) -> str:
    if code >= 0:
        return f"its process ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"its process was killed by signal {name}"


_shared: ForkServer | None = None
_owner = 0
_sharing = threading.Lock()


def shared() -> ForkServer:
    """The fork server of this process; one is enough for all environments."""
    global _shared, _owner
    with _sharing:
        if _shared is None or _owner != os.getpid():
            _shared, _owner = ForkServer(), os.getpid()
            atexit.register(_shared.close)
        return _shared
