"""Workers that are started when needed and used again while they are clean."""

import itertools
import threading
from collections.abc import Callable
from typing import Final, Protocol

from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.control import Exit
from weft_engine.kernel.backends.link import Hub, WorkerLink
from weft_engine.kernel.transport.address import Address

JOIN_S: Final = 60.0
"""How long a worker may take to start and connect."""

_numbers = itertools.count()
"""Of all workers of this process: those of several backends may meet in one job."""


class Launcher(Protocol):
    """Starts worker processes and ends them."""

    def hub(self) -> Address:
        """Where the coordinator is to listen; called first."""
        ...

    def capacity(self) -> int | None:
        """How many workers there is room for; None where that does not matter."""
        ...

    def launch(self, name: str, hub: Address, token: bytes, ended: Callable[[str], None]) -> None:
        """Start a worker, which connects to the hub; `ended(reason)` is called when it has ended.

        Raises:
            ResourceError: when it cannot be.
        """

    def kill(self, name: str) -> None:
        """End a worker at once, whatever it does."""

    def close(self) -> None:
        """End all workers and wait until they are gone."""


class Pool:
    """The workers of one label."""

    def __init__(self, launcher: Launcher, label: str) -> None:
        """`label` begins the names of the workers."""
        self._launcher = launcher
        self._label = label
        self._hub: Hub | None = None
        self._changed = threading.Condition()
        self._joined: dict[str, WorkerLink] = {}
        self._ended: dict[str, str] = {}
        self._idle: list[WorkerLink] = []
        self._closed = False

    def acquire(self, count: int) -> list[WorkerLink]:
        """So many workers that nobody else uses; started as far as there are none idle.

        Raises:
            ResourceError: `kernel.no_workers` when they do not start in time.
        """
        with self._changed:
            if self._closed:
                raise _none("The workers have been let go.")
            if self._hub is None:
                self._hub = Hub(self._launcher.hub(), self._join)
            self._idle = [link for link in self._idle if link.lost is None]
            taken = [self._idle.pop() for _ in range(min(count, len(self._idle)))]
            names = [f"{self._label}-{next(_numbers)}" for _ in range(count - len(taken))]
        try:
            for name in names:
                self._launcher.launch(
                    name, self._hub.address, self._hub.token, self._on_ended(name)
                )
            taken += [self._wait_for(name) for name in names]
        except BaseException:
            for link in taken:
                self.release(link, clean=True)
            for name in names:
                if not any(link.name == name for link in taken):
                    self._launcher.kill(name)
            raise
        return sorted(taken, key=lambda link: int(link.name.rpartition("-")[2]))

    def capacity(self) -> int | None:
        """How many workers there is room for; None where that does not matter."""
        return self._launcher.capacity()

    def release(self, link: WorkerLink, *, clean: bool) -> None:
        """Give a worker back. One that is not clean is killed."""
        link.detach()
        with self._changed:
            if clean and link.lost is None and not self._closed:
                self._idle.append(link)
                return
        self._launcher.kill(link.name)
        link.drop("it was killed")

    def close(self) -> None:
        """Let all workers go."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            links = list(self._joined.values())
            self._changed.notify_all()
        for link in links:
            link.send(Exit())
        self._launcher.close()
        if self._hub is not None:
            self._hub.close()

    def why(self, link: WorkerLink) -> str:
        """Why a worker is gone: how its process has ended, once that is known."""
        if not link.guessed:
            return link.lost or ""
        with self._changed:
            self._changed.wait_for(lambda: link.name in self._ended, 1.0)
            return self._ended.get(link.name, link.lost or "")

    def _join(self, link: WorkerLink) -> None:
        with self._changed:
            self._joined[link.name] = link
            self._changed.notify_all()

    def _on_ended(self, name: str) -> Callable[[str], None]:
        def ended(reason: str) -> None:
            with self._changed:
                self._ended[name] = reason
                link = self._joined.get(name)
                self._changed.notify_all()
            if link is not None:
                link.drop(reason)

        return ended

    def _wait_for(self, name: str) -> WorkerLink:
        with self._changed:
            self._changed.wait_for(
                lambda: name in self._joined or name in self._ended or self._closed, JOIN_S
            )
            link = self._joined.get(name)
            if link is None:
                reason = self._ended.get(name, "it has not connected in time")
                raise _none(f"The worker {name} did not start: {reason}.")
            return link


def _none(message: str) -> ResourceError:
    return ResourceError(
        message,
        code="kernel.no_workers",
        hint="Look into the output above for what the worker had to say; run with fewer workers "
        "if the machine is short of memory.",
        retryable=True,
    )
