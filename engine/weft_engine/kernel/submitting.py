"""From a program to a job: the plan, the logs of its sources, the backend."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.coordinator import Job, start_job
from weft_engine.kernel.graph import Graph
from weft_engine.kernel.outside import submitted, wanted_resume
from weft_engine.kernel.planner import make_physical
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.programs import is_bounded
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.sources.ingress import with_logs
from weft_engine.kernel.telemetry import Telemetry

if TYPE_CHECKING:
    from weft_engine.kernel.sinks.collect import Collected

_DEPLOY_S: Final = 60.0
"""How long `submit` waits for subtasks to begin; workers may have to be started, or found."""
_CANCEL_S: Final = 20.0
"""How long an interrupted job has to go."""

BACKENDS: Final[Mapping[str, tuple[str, str]]] = {
    "threads": ("threads", "Threads"),
    "processes": ("processes", "Processes"),
    "inline": ("inline", "Inline"),
    "ray": ("on_ray", "OnRay"),
    "hybrid": ("hybrid", "Hybrid"),
}
"""Where backends are; imported when they are first used."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A program with everything that it takes to run it once."""

    name: str
    graph: Graph
    settings: Settings
    config: Mapping[str, Any]
    services: Mapping[str, Any]
    backend: Backend
    collected: "tuple[Collected[Any], ...]" = ()
    """Handles that are to follow the job."""

    def start(self, *, wait: bool | None, resume: str | None) -> Job:
        """Start the job, and wait for its end if asked to, or if it has one and nothing is asked.

        Raises:
            WeftError: what is wrong with the program; what failed.
        """
        settings = self.settings
        resume = wanted_resume(resume, settings)
        _check_resume(resume, settings)
        id_ = "-".join((self.name, *_home(settings), uuid4().hex[:8]))
        graph = with_logs(self.graph, settings, self.name, id_, adopt=resume is not None)
        plan = make_physical(graph, settings, self.name)
        spec = JobSpec(id_, plan, settings, None, self.services, self.config)
        if "log.level" in self.config:
            logging.getLogger("weft_engine.kernel").setLevel(settings.log_level)
        telemetry = Telemetry(spec, self.backend.name)
        sources: list[Any] = [each.params.get("source") for each in self.graph.vertices]
        for source in sources:
            if hasattr(source, "job_begins"):
                source.job_begins()
        try:
            job = start_job(spec, self.backend, resume=resume, listeners=[telemetry.event])
        except BaseException as error:
            _tell(sources, error)
            telemetry.close()
            self.backend.close()
            raise
        job.when_over(lambda: _tell(sources, job.error))
        telemetry.follow(job)
        running = _Running(job, telemetry, self.backend)
        submitted(running)
        for each in self.collected:
            each.follow(job)
        if wait or (wait is None and is_bounded(graph)):
            running.wait()
        else:
            job.when_over(running.close)
            running.wait_deployed()
        return job


@dataclass(frozen=True, slots=True)
class _Running:
    """A job that was submitted, with what goes when it ends."""

    job: Job
    telemetry: Telemetry
    backend: Backend

    def wait(self) -> None:
        try:
            self.job.wait()
        except KeyboardInterrupt:
            self.job.cancel()
            with suppress(Exception):
                self.job.wait(_CANCEL_S)
            raise
        finally:
            self.close()

    def wait_deployed(self) -> None:
        """Wait until the job is under way, so that what keeps it from that is heard at once."""
        try:
            self.job.wait_deployed(_DEPLOY_S)
        except KeyboardInterrupt:
            self.job.cancel()
            raise

    def close(self) -> None:
        """Tell the last of it, and let go of its workers."""
        self.telemetry.close()
        self.backend.close()


def _home(settings: Settings) -> list[str]:
    """Something that starts of a job with the same checkpoints have in common."""
    if settings.checkpoint_dir is None:
        return []
    folder = Path(settings.checkpoint_dir).absolute()
    return [blake2b(str(folder).encode(), digest_size=3).hexdigest()]


def _tell(sources: Sequence[Any], error: BaseException | None) -> None:
    for source in sources:
        if hasattr(source, "job_over"):
            source.job_over(error)


def _check_resume(resume: str | None, settings: Settings) -> None:
    if resume == "latest" and settings.checkpoint_dir is None:
        raise ProgramError(
            "there is no folder to find the latest checkpoint in",
            hint="Set checkpoint.dir to the folder the job had, or leave out resume.",
        )


def make_backend(
    name: str,
    settings: Settings,
    config: Mapping[str, Any],
    *,
    address: str | None = None,
    placements: Mapping[str, Backend] | None = None,
) -> Backend:
    """A backend by its name; whatever it needs is imported only now.

    Raises:
        ProgramError: when there is none of that name.
    """
    if name not in BACKENDS:
        raise ProgramError(
            f"there is no backend {name!r}",
            code="config.bad_value",
            hint=f"Allowed: {', '.join(BACKENDS)}",
        )
    module, kind = BACKENDS[name]
    make = getattr(import_module(f"weft_engine.kernel.backends.{module}"), kind)
    given: dict[str, dict[str, Any]] = {
        "inline": {"seed": settings.seed},
        "processes": {"workers": settings.workers},
        "ray": {
            "address": address,
            "workers": settings.workers,
            "num_cpus": float(config.get("taskmanager.cpu.cores", 1)),
        },
        "hybrid": {"backends": placements},
    }
    made: Backend = make(**given.get(name, {}))
    return made
