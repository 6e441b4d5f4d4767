"""What the coordinator and its workers say to each other."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from weft_engine.errors import FlowError, KernelError, ResourceError, WeftError
from weft_engine.kernel.backends.log_forwarding import Levels
from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.runtime.messages import Report, Restore
from weft_engine.kernel.transport.address import Address

Place = tuple[int, int]
"""A subtask: its stage and its number."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A worker says who it is; the first message on a control connection."""

    worker: str
    pid: int = field(default_factory=os.getpid)
    python: str = field(default_factory=platform.python_version)


@dataclass(frozen=True, slots=True)
class Deploy:
    """Prepare to host subtasks of one attempt of a job."""

    id: int
    """Tells deployments of one coordinator apart; in every message that is about one."""
    attempt: int
    token: bytes
    """What data connections of this attempt must prove to know."""
    spec: bytes
    """The `JobSpec`, pickled."""
    placed: Mapping[Place, str]
    """Which worker hosts which subtask."""
    restore: Mapping[Place, Restore]
    """What the subtasks hosted by this worker start from."""
    log_levels: Levels
    """What the coordinator wants to hear of the log."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A worker is ready; where others may connect to, if any must."""

    id: int
    address: Address | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A worker cannot host what it was asked to."""

    id: int
    error: dict[str, Any]
    """See `error_as_data`."""


@dataclass(frozen=True, slots=True)
class Start:
    """All workers are prepared: connect to them and run."""

    id: int
    peers: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to tell the subtasks."""

    id: int
    kind: Literal["trigger", "committed", "pause", "resume"]
    value: Barrier | int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End what still runs of a deployment; answered by `Gone`."""

    id: int
    grace_s: float


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of a deployment runs any more; if not clean, something of it would not end."""

    id: int
    clean: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A subtask's report."""

    id: int
    report: Report


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A worker has lost its data connection with another."""

    id: int
    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a worker's functions have printed, where its output does not come here by itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Host:
    """Let somebody else have this worker: what a module's `Guest` does there is its own affair."""

    module: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the guest of a worker, or from it; bytes that nobody between them reads."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


@dataclass(frozen=True, slots=True)
class Pong:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The worker is not needed any more."""


_KINDS: dict[str, type[WeftError]] = {
    kind.__name__: kind for kind in (FlowError, ResourceError, KernelError)
}


def error_as_data(error: WeftError) -> dict[str, Any]:
    """An error in a form that any process can read."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(error, kind)), "KernelError")
    return {"kind": kind, "retryable": error.retryable, **error.as_dict()}


def error_from_data(data: Mapping[str, Any]) -> WeftError:
    """The error again."""
    return _KINDS[data["kind"]](
        data["message"],
        code=data["code"],
        hint=data["hint"],
        params=data["params"],
        retryable=data["retryable"],
    )
