"""The process that worker processes are forked from.

    python -c "... spawner.main(fd)"

Forking a program that has threads is not safe, and starting an interpreter anew takes half a
second. So this process loads what workers need, starts no threads, and forks when it is asked to.
Unlike `multiprocessing`'s fork server it does not load the program's `__main__` again, so that
programs need no `if __name__ == "__main__"`; what is defined there travels with the job.

It is asked over a socket, one JSON object a line; each request to launch brings two file
descriptors, where the worker's output and errors go. It ends with the socket, and with it the
workers: none is left behind when the coordinator is killed.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

from weft_engine.kernel.backends import worker

_PDEATHSIG: Final = 1
_CHECK_S: Final = 1.0
_CHUNK: Final = 64 * 1024
_FDS: Final = 64


def main(control: int) -> None:
    """Serve until the socket with this descriptor is closed."""
    parent = os.getppid()
    gc.collect()
    # Objects that are never looked at again by the collector stay in memory that is shared.
    gc.freeze()
    _Spawner(socket.socket(fileno=control), parent).serve()


class _Spawner:
    """Forks workers and says how they end."""

    def __init__(self, control: socket.socket, parent: int) -> None:
        self._control = control
        self._parent = parent
        self._names: dict[int, str] = {}
        self._buffer = b""
        self._fds: list[int] = []
        self._folders: set[str] = set()
        """Where workers have sockets; cleared up here when the coordinator could not."""
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def serve(self) -> None:
        """Do what is asked until there is nobody to ask."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while os.getppid() == self._parent:
                ready = [key.fileobj for key, _ in selector.select(_CHECK_S)]
                self._reap()
                if self._control in ready and not self._read():
                    break
        self._clear_up()
        os._exit(0)

    def _clear_up(self) -> None:
        """End the workers; their folders go when none is left that could put a socket there."""
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)
        for pid in self._names:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self._control, _CHUNK, _FDS)
        except ConnectionError:  # killed before it has read how workers have ended
            return False
        self._fds += fds
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._do(json.loads(line))
        return bool(data)

    def _do(self, request: dict[str, Any]) -> None:
        if "kill" in request:
            for pid, name in self._names.items():
                if name == request["kill"]:
                    os.kill(pid, signal.SIGKILL)
            return
        if isinstance(request["bind"], str):
            self._folders.add(request["bind"])
        output, errors, *self._fds = self._fds
        _load(request.get("load", ""), request["path"])
        pid = os.fork()
        if pid == 0:
            self._become(request, output, errors)
        os.close(output)
        os.close(errors)
        self._names[pid] = request["name"]

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            said = json.dumps({"ended": self._names.pop(pid), "code": code})
            try:
                self._control.sendall(said.encode() + b"\n")
            except OSError:
                return

    def _become(self, request: dict[str, Any], output: int, errors: int) -> None:
        """Be a worker; in the child."""
        code = 1
        try:
            self._settle(output, errors)
            sys.path[:] = request["path"]
            os.environ.clear()
            os.environ.update(request["environ"])
            os.chdir(request["directory"])
            worker.work(
                request["name"],
                worker.address_of(request["hub"]),
                bytes.fromhex(request["token"]),
                worker.address_of(request["bind"]),
            )
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may go on as the spawner
            traceback.print_exc()
        finally:
            _flush()
            os._exit(code)

    def _settle(self, output: int, errors: int) -> None:
        """Let go of what belongs to the spawner, and die with it."""
        spawner = os.getppid()
        if self._libc is not None:
            self._libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for fd in {output, errors, self._wake_read, self._wake_write, *self._fds} - {1, 2}:
            os.close(fd)
        # Lines of several workers may alternate, but are not torn apart.
        _unbuffered(sys.stdout)
        if os.getppid() != spawner:
            os._exit(1)


def _load(module: str, path: list[str]) -> None:
    """Load what workers need, so that it is there once for all of them."""
    if not module or module in sys.modules:
        return
    sys.path[:] = path
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001 - the worker will say what is wrong with it
        traceback.print_exc()
    gc.collect()
    gc.freeze()


def _unbuffered(stream: Any) -> None:
    reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
