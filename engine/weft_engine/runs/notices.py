"""What is said of runs that are not under way: that they wait, were refused, or had ended."""

from collections.abc import Callable, Iterable
from typing import Any

from weft_engine.errors import Failure, FlowError, ResourceError, WeftError
from weft_engine.runs.events import RunEvent, now_text
from weft_engine.runs.journal.base import RunEntry, StepRow
from weft_engine.runs.queue import Job
from weft_engine.runs.retelling import Told, took_ms
from weft_engine.runs.run import RunRequest
from weft_engine.runs.runner import mistake


class Notices:
    """Says it, by events of these runs."""

    def __init__(self, emit: Callable[[RunEvent], None]) -> None:
        self._emit = emit

    def say(self, job: Job, kind: str, node: str | None = None, **data: Any) -> None:
        """Tell an event of a run."""
        with job.lock:
            job.last_seq += 1
            self._emit(
                RunEvent(
                    seq=job.last_seq,
                    at=now_text(),
                    type=kind,
                    run=job.request.run_id,
                    node=node,
                    data=data,
                )
            )

    def refused(self, job: Job, error: BaseException) -> None:
        """A run cannot be run, or gone on with."""
        known = error if isinstance(error, WeftError) else mistake(error)
        failure = Failure.of(known).model_dump(mode="json")
        self.say(job, "run_failed", failure=failure, never_ran=[], duration_ms=0.0)

    def cancelled(self, job: Job) -> None:
        """A run was stopped that was not under way."""
        self.say(job, "run_cancelled", duration_ms=0.0)

    def ended(
        self, entry: RunEntry, last_seq: int, steps: list[StepRow], told: Iterable[Told]
    ) -> None:
        """A run ended, which the server has not heard: the journal knows how."""
        job = Job(nameless(entry.id), last_seq)
        for kind, node, data in told:
            self.say(job, kind, node, **data)
        duration_ms = took_ms(steps, entry.updated)
        if entry.status == "failed":
            failure = next((row.failure for row in reversed(steps) if row.failure), None)
            failure = failure or Failure.of(interrupted()).model_dump(mode="json")
            self.say(job, "run_failed", failure=failure, never_ran=[], duration_ms=duration_ms)
        else:
            self.say(job, f"run_{entry.status}", duration_ms=duration_ms)


def nameless(run_id: str) -> RunRequest:
    """The request of a run of which only the id is known."""
    return RunRequest(run_id=run_id, flow={})


def too_many() -> WeftError:
    """There is no room in the queue."""
    return FlowError(
        "Too many runs are waiting.",
        code="run.too_many",
        hint="Wait until some of them have ended.",
    )


def interrupted() -> WeftError:
    """Nobody knows how to go on with a run."""
    return ResourceError(
        "The engine stopped while the run was in progress, and nothing is left of its journal.",
        code="run.interrupted",
        hint="Run the flow again; what it had already written to files is still there.",
    )


def not_active(run_id: str) -> WeftError:
    """There is no such run here."""
    return FlowError(
        "The run is not under way.",
        code="run.not_active",
        hint="It has ended; look at its events.",
        params={"id": run_id},
    )
