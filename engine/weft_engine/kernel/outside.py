"""What whoever starts a program decides instead of the program: where it runs, how parallel.

`weft run pipeline.py --env processes --parallelism 4` runs a program with `overrides`; the
variables WEFT_KERNEL_ENV and WEFT_KERNEL_PARALLELISM do the same for programs started otherwise.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from weft_engine.kernel.config import DEFAULT_INTERVAL_S
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.settings import Settings

ENVIRONMENTS: Final = ("local", "threads", "processes", "inline", "ray")
"""What `--env` may be; `local` is threads."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What is decided from outside; None where nothing is."""

    env: str | None = None
    parallelism: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Settings`."""
    resume: str | None = None
    """Where jobs begin that do not say it themselves."""
    jobs: "list[Submitted]" = field(default_factory=list)
    """The jobs that were submitted so far."""


class Submitted(Protocol):
    """A job that a program has submitted."""

    @property
    def job(self) -> Any:
        """The handle (`coordinator.Job`)."""

    def close(self) -> None:
        """Tell the last of it, and let go of its workers; when it is over."""


_given: ContextVar[Overrides | None] = ContextVar("weft_kernel_overrides", default=None)
_NONE: Final = Overrides()


@contextmanager
def overrides(
    env: str | None = None,
    parallelism: int | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    resume: str | None = None,
) -> Iterator[Overrides]:
    """Let programs that are submitted inside run there, and that parallel.

    Args:
        env: one of `ENVIRONMENTS`.
        parallelism: as how many subtasks operators run that do not say otherwise.
        settings: fields of `Settings` that replace the program's.
        resume: where jobs begin that do not say it themselves: `latest`, or a savepoint.

    Raises:
        ProgramError: `config.bad_value`.
    """
    given = Overrides(
        _check_env(env, "env"), _check(parallelism, "parallelism"), dict(settings or {}), resume
    )
    mark = _given.set(given)
    try:
        yield given
    finally:
        _given.reset(mark)


def wanted_backend(own: str) -> str:
    """The backend that is asked for, else the program's own."""
    found = (_given.get() or _NONE).env
    found = found or _check_env(os.environ.get("WEFT_KERNEL_ENV") or None, "WEFT_KERNEL_ENV")
    return ("threads" if found == "local" else found) or own


def overridden(settings: Settings) -> Settings:
    """Settings with what is decided from outside."""
    name = "WEFT_KERNEL_PARALLELISM"
    given = _given.get() or _NONE
    found = given.parallelism or _check(os.environ.get(name) or None, name)
    changes = {**given.settings, **({} if found is None else {"parallelism": found})}
    settings = replace(settings, **changes) if changes else settings
    if settings.checkpoint_dir is not None and settings.checkpoint_interval_s is None:
        settings = replace(settings, checkpoint_interval_s=DEFAULT_INTERVAL_S)
    return settings


def wanted_resume(own: str | None, settings: Settings) -> str | None:
    """Where a job begins: as its program says, else as is said from outside.

    Raises:
        ProgramError: `checkpoint.no_storage` when nothing is kept that could be gone on from.
    """
    found = (_given.get() or _NONE).resume
    if own is not None or found is None:
        return own
    if settings.checkpoint_dir is None:
        raise ProgramError(
            f"there is nothing to resume from {found!r}: the job keeps no checkpoints",
            code="checkpoint.no_storage",
            hint="Say where: --checkpoint-dir DIR, or checkpoint.dir in its configuration.",
        )
    return found


def submitted(job: Submitted) -> None:
    """Tell whoever has started the program of a job."""
    given = _given.get()
    if given is not None:
        given.jobs.append(job)


def _check_env(env: str | None, what: str) -> str | None:
    if env is None or env in ENVIRONMENTS:
        return env
    raise ProgramError(
        f"{what} cannot be {env!r}",
        code="config.bad_value",
        hint=f"Allowed: {', '.join(ENVIRONMENTS)}",
    )


def _check(parallelism: int | str | None, what: str) -> int | None:
    if parallelism is None:
        return None
    text = str(parallelism)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ProgramError(
            f"{what} cannot be {parallelism!r}",
            code="config.bad_value",
            hint="Allowed: a whole number from 1 on",
        )
    return int(text)
