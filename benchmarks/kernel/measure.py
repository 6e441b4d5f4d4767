"""Runs jobs and takes their time; writes down ratios, numbers, and how busy the machine was."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from weft_engine.kernel.backends.backend import Backend, Deployment
from weft_engine.kernel.coordinator import start_job
from weft_engine.kernel.coordinator.events import CheckpointStats
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.kernel.planner import make_physical
from weft_engine.kernel.programs import program
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Finished, Report, Restore, Running


class Stopwatch:
    """A backend that notes when the first subtask ran and when the last had finished.

    How long it takes to start and end workers does not count.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.name = backend.name
        self.stepping = backend.stepping
        self.began: float | None = None
        self.ended = 0.0

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> Deployment:
        """Deploy, and listen."""

        def heard(what: Report) -> None:
            if isinstance(what, Running) and self.began is None:
                self.began = time.perf_counter()
            elif isinstance(what, Finished):
                self.ended = time.perf_counter()
            report(what)

        return self._backend.deploy(spec, restore, attempt, heard)

    def close(self) -> None:
        """Let go of the workers."""
        self._backend.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job."""

    seconds: float
    """From the first subtask that runs to the last that has finished."""
    results: Mapping[str, list[Any]] = field(default_factory=dict)
    checkpoints: Sequence[CheckpointStats] = ()


def run(env: LocalEnvironment, backend: Backend) -> Outcome:
    """Run what the environment has built; the backend can be used again."""
    settings = env.settings
    graph = program(env.graph, None)
    spec = JobSpec(
        f"{env.name}-{uuid4().hex[:8]}",
        make_physical(graph, settings, env.name),
        settings,
        None,
        env.services,
        env.config.values,
    )
    watch = Stopwatch(backend)
    job = start_job(spec, watch)
    job.wait()
    assert watch.began is not None
    return Outcome(watch.ended - watch.began, job.results, job.checkpoints)


def best(rounds: int, *jobs: Callable[[], float]) -> list[float]:
    """The shortest time of every job; they take turns, so that all see the same machine."""
    found = [float("inf")] * len(jobs)
    for _ in range(rounds):
        for number, job in enumerate(jobs):
            found[number] = min(found[number], job())
    return found


def say(what: str, figure: str, *, beside: str = "", goal: str = "") -> None:
    """Print one figure, what it is measured against, and what it should be."""
    goal = f"   [{goal}]" if goal else ""
    print(f"{what:46} {figure:>18}   {beside:34}{goal}".rstrip(), flush=True)


def millions(records: int, seconds: float) -> str:
    """Records a second."""
    return f"{records / seconds / 1e6:.2f} M/s"


def load() -> str:
    """How busy the machine has been in the last minute, and how many cores it has."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
