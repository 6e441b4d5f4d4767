"""Where workers are started, what they are, and what they work on; known to the crew."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from weft_engine.errors import WeftError
from weft_engine.kernel.backends.control import Note
from weft_engine.kernel.backends.link import WorkerLink
from weft_engine.kernel.transport.address import Address
from weft_engine.runs.executors.base import Resources


class Room(Protocol):
    """Where workers are started."""

    name: str
    holds: bool
    """Workers take what they were started with as long as they live, also idle ones."""
    near: bool
    """Workers reach the files of this machine."""
    idle_s: float
    """How long a worker may be idle."""
    join_s: float | None
    """How long one may take to start; None where that depends on others."""

    def hub(self) -> Address:
        """Where workers connect to; may take long.

        Raises:
            ResourceError: there are none to be had.
        """
        ...

    def machines(self) -> list[Resources]:
        """What every machine has; asked again when something does not fit."""
        ...

    def launch(
        self,
        name: str,
        hub: Address,
        token: bytes,
        needs: Resources,
        ended: Callable[[str], None],
    ) -> None:
        """Start a worker; `ended(why)` is called when it has ended."""
        ...

    def kill(self, name: str) -> None:
        """End one at once."""
        ...

    def close(self) -> None:
        """End all, and wait for that."""
        ...


class Job(Protocol):
    """A unit that waits for a worker; told what becomes of that, from any thread."""

    needs: Resources
    passed: int

    def begin(self, member: "Member") -> None:
        """Work on it there."""
        ...

    def hear(self, body: bytes) -> None:
        """Its worker says something."""
        ...

    def lost(self, why: str) -> None:
        """Its worker is gone."""
        ...

    def refused(self, error: WeftError) -> None:
        """There will be no worker for it."""
        ...


class Member:
    """A worker, from the time that it is asked for."""

    def __init__(self, name: str, needs: Resources, job: Job | None) -> None:
        self.name = name
        self.needs = needs
        self.job = job
        self.link: WorkerLink | None = None
        self.units = 0
        self.since = monotonic()
        self.gone = False
        self.told: set[str] = set()
        """Programs and runs that it knows."""

    def send(self, body: bytes) -> None:
        """Say something to it; nothing happens when it is gone, which the crew hears."""
        if self.link is not None:
            self.link.send(Note(body))
