"""A worker: a process that hosts subtasks for a coordinator. Forked, or a Ray actor."""

import contextlib
import importlib
import io
import pickle
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from weft_engine.errors import KernelError, WeftError, said
from weft_engine.kernel.backends.control import (
    Command,
    Deploy,
    Exit,
    Gone,
    Hello,
    Host,
    Note,
    Output,
    Ping,
    Pong,
    Prepared,
    Refused,
    Start,
    Stop,
    error_as_data,
)
from weft_engine.kernel.backends.hosting import HostedJob
from weft_engine.kernel.backends.log_forwarding import forwarded, set_levels
from weft_engine.kernel.transport.address import Address, connect
from weft_engine.kernel.transport.codec import dumps
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.frames import MAX_CONTROL, Kind, malformed
from weft_engine.kernel.transport.handshake import prove_connecting

_LEAVE_S: Final = 5.0


def address_of(plain: Any) -> Address:
    """An address that has been through JSON."""
    return plain if isinstance(plain, str) else (str(plain[0]), int(plain[1]))


def work(
    name: str, hub: Address, token: bytes, bind: Address, *, forward_output: bool = False
) -> bool:
    """Be a worker until the coordinator says that it is enough, or is gone.

    Args:
        name: Who to be.
        hub: Where the coordinator listens.
        token: What to prove to know there.
        bind: Where to listen for data: a folder for unix sockets, or a host (and port 0).
        forward_output: Whether to send what is printed to the coordinator.

    Returns:
        Whether nothing of a job is left running in this process.

    Raises:
        WeftError: when the coordinator cannot be reached, or does not know the token either.
    """
    sock = connect(hub, "the coordinator")
    try:
        prove_connecting(sock, token, "the coordinator")
    except BaseException:
        sock.close()
        raise
    worker = _Worker(name, bind, Connection(sock, "the coordinator", MAX_CONTROL))
    with contextlib.ExitStack() as stack:
        stack.enter_context(forwarded(worker.say))
        if forward_output:
            stack.enter_context(contextlib.redirect_stdout(_Forwarded(worker.say)))
        return worker.serve()


class Guest(Protocol):
    """What has a worker for itself, in the place of jobs; made with what sends notes."""

    def take(self, body: bytes) -> None:
        """Hear a note; must not wait."""
        ...

    def close(self) -> bool:
        """The coordinator has enough, or is gone; whether nothing is left running."""
        ...


class _Forwarded(io.TextIOBase):
    """An output whose lines go to the coordinator."""

    def __init__(self, say: Callable[[Any], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._line = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        with self._lock:
            lines, newline, self._line = (self._line + text).rpartition("\n")
            if newline:
                self._say(Output(lines + newline))
        return len(text)


class _Worker:
    """Does what the coordinator asks. One job at a time."""

    def __init__(self, name: str, bind: Address, connection: Connection) -> None:
        self._name = name
        self._bind = bind
        self._connection = connection
        self._job: HostedJob | None = None
        self._guest: Guest | None = None
        self._exit = False

    def serve(self) -> bool:
        """Handle messages until the end; whether nothing is left running."""
        self._connection.send(Kind.HELLO, 0, dumps(Hello(self._name)))
        try:
            while not self._exit and self._connection.receive(self._frame):
                pass
        except (OSError, KernelError):
            pass  # The coordinator is gone, or talks nonsense: there is nobody to tell.
        finally:
            self._connection.close()
        left = self._guest is None or self._guest.close()
        return left and (self._job is None or self._job.stop(_LEAVE_S))

    def _frame(self, kind: int, _: int, body: memoryview) -> None:
        if kind != Kind.CONTROL:
            raise malformed(f"a frame of kind {kind} where messages belong", "the coordinator")
        self._handle(pickle.loads(body))  # noqa: S301 - the coordinator has proved itself

    def _handle(self, message: Any) -> None:
        match message:
            case Ping():
                self.say(Pong())
            case Exit():
                self._exit = True
            case Note(body=body):
                if self._guest is not None:
                    self._guest.take(body)
            case Host(module=module):
                self._host(module)
            case Deploy():
                self._deploy(message)
            case Start(id=id_) | Command(id=id_) | Stop(id=id_):
                if self._job is not None and self._job.id == id_:
                    self._about(self._job, message)

    def _about(self, job: HostedJob, message: Start | Command | Stop) -> None:
        match message:
            case Start(peers=peers):
                job.start(peers)
            case Command(kind=kind, value=value):
                job.command(kind, value)
            case Stop(grace_s=grace_s):
                # In a thread of its own, so that pings are answered meanwhile.
                threading.Thread(
                    target=self._stop, args=(job, grace_s), name="weft-stop", daemon=True
                ).start()

    def _stop(self, job: HostedJob, grace_s: float) -> None:
        clean = job.stop(grace_s)
        if self._job is job:
            self._job = None
        self.say(Gone(job.id, clean))

    def _deploy(self, deploy: Deploy) -> None:
        set_levels(deploy.log_levels)
        try:
            job = HostedJob(deploy, self._name, self.say)
            self._job = job
            self.say(Prepared(deploy.id, job.prepare(self._bind)))
        except WeftError as error:
            self.say(Refused(deploy.id, error_as_data(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the coordinator must know
            crash = KernelError(f"A worker cannot prepare the job: {said(error)}")
            self.say(Refused(deploy.id, error_as_data(crash)))

    def _host(self, module: str) -> None:
        try:
            self._guest = importlib.import_module(module).Guest(lambda body: self.say(Note(body)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the coordinator must know
            crash = KernelError(f"A worker cannot get ready: {said(error)}")
            self.say(Refused(0, error_as_data(crash)))

    def say(self, message: Any) -> None:
        """Tell the coordinator something; from any thread."""
        body = dumps(message)
        # When the coordinator is gone, `serve` notices.
        with contextlib.suppress(OSError):
            self._connection.send(Kind.CONTROL, 0, body)
