"""The life of a job: attempts, restarts, its end."""

import logging
from collections.abc import Callable
from typing import Any, Final

from weft_engine.errors import WeftError, said
from weft_engine.kernel.backends.backend import Backend, Deployment
from weft_engine.kernel.checkpoint.api import Checkpoint
from weft_engine.kernel.checkpoint.manifest import corrupt
from weft_engine.kernel.coordinator import recovery
from weft_engine.kernel.coordinator.aside import LeftBehind
from weft_engine.kernel.coordinator.committer import Committer
from weft_engine.kernel.coordinator.epochs import Epochs
from weft_engine.kernel.coordinator.events import (
    CheckpointStats,
    EventKind,
    JobEvent,
    Listeners,
    State,
)
from weft_engine.kernel.coordinator.failures import (
    is_retryable,
)
from weft_engine.kernel.coordinator.requests import SavepointRequest, not_running
from weft_engine.kernel.coordinator.rescale import deal
from weft_engine.kernel.coordinator.restart import make_strategy
from weft_engine.kernel.coordinator.start import Start
from weft_engine.kernel.coordinator.triggers import Triggers
from weft_engine.kernel.metrics.aggregate import Aggregate
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import (
    FailureReport,
    Report,
    Restore,
)
from weft_engine.kernel.tracing import Rings

log = logging.getLogger(__name__)

GRACE_S: Final = 10.0
"""How long subtasks of a failed attempt have to go by themselves."""
CANCEL_GRACE_S: Final = 3.0
"""How long those of a job that is cancelled have."""


class Lifecycle:
    """Deploys a job, and again when it has failed, until it is over."""

    def __init__(
        self,
        spec: JobSpec,
        backend: Backend,
        start: Start,
        report: Callable[[Report], None],
        wall_ms: Callable[[], int],
    ) -> None:
        self.spec = spec
        self.listeners = Listeners()
        self.attempt = -1
        self.error: BaseException | None = None
        self.failure: FailureReport | None = None
        """What the last attempt has failed with, if a subtask did."""
        self.undeployed = False
        """Whether the first attempt has failed before all of it was there."""
        self.stats: list[CheckpointStats] = []
        self.damaged: list[tuple[int, str]] = list(start.damaged)
        """Checkpoints that could not be used, and why."""
        self.measured = Aggregate(spec.plan, spec.id, spec.settings.metrics_interval_s)
        """The latest counters of every subtask."""
        self.traces = Rings()
        self._backend = backend
        self._start = start
        self._report = report
        self._storage = spec.storage
        self._settings = spec.settings
        self._committer = Committer(spec, wall_ms)
        self.results = self._committer.results
        self._strategy = make_strategy(spec.settings.restart, spec.settings.seed)
        self._triggers = Triggers(spec.settings)
        self._epochs = Epochs(spec.plan)
        self._state: State = "created"
        self._paused = False
        self._begun = start.goes_on
        self._failures = 0
        self._next_id = start.next_id
        self._restart_at = float("inf")
        self._requests: list[SavepointRequest] = []
        self._serving: SavepointRequest | None = None
        self.deployment: Deployment | None = None

    @property
    def state(self) -> State:
        """What the job is doing."""
        return "paused" if self._paused and self._state == "running" else self._state

    @property
    def ended(self) -> bool:
        """Whether it is over, one way or the other."""
        return self._state in {"finished", "failed", "cancelled"}

    @property
    def deployed(self) -> bool:
        """Whether it is known what became of the first attempt to bring all subtasks to work."""
        return self.attempt > 0 or self._epochs.all_running or self._state == "restarting"

    def _restart(self, now: float) -> None:
        self._restart_at = float("inf")
        try:
            checkpoint = self._newest()
        except WeftError as error:
            self._fail(error, now)
            return
        self._deploy(checkpoint, now)

    def _newest(self) -> Checkpoint | None:
        """What this job has committed last; what it was started with if nothing."""
        if self._storage is None:
            return self._start.checkpoint
        self._storage.sweep()
        if self.stats and self.stats[-1].id not in self._storage.checkpoints():
            self._checkpoint_damaged(self.stats[-1].id, "its manifest is missing")
        found = recovery.newest(
            self._storage, above=self._start.above, noted=self._checkpoint_damaged
        )
        if found is None and self.stats:
            # To begin anew would write again what sinks have made visible.
            raise corrupt("every checkpoint of the job", "none is there any more")
        return found or self._start.checkpoint

    def _deploy(self, checkpoint: Checkpoint | None, now: float) -> None:
        self.attempt += 1
        plan = self.spec.plan
        try:
            self._committer.restore(checkpoint, begins=not self._begun)
            self._begun = True
            if checkpoint is not None and checkpoint.kind == "final":
                self._end("finished", None)
                return
            restores = (
                deal(checkpoint, plan)
                if checkpoint is not None
                else {(s.id, i): Restore() for s in plan.stages for i in range(s.parallelism)}
            )
            self._epochs = Epochs(plan, checkpoint, restores)
            self.deployment = self._backend.deploy(self.spec, restores, self.attempt, self._report)
            if self._paused:
                self.deployment.pause()
        except LeftBehind:
            self._end("cancelled", None)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has failed with it
            self.undeployed = self.attempt == 0
            self._fail(error, now)
            return
        self._triggers.started(now)
        self._state = "running"
        self._tell_state()

    def _fail(
        self, error: BaseException, now: float, *, report: FailureReport | None = None
    ) -> None:
        """The attempt has failed."""
        self.failure = report
        self._tell("failure", error=error, attempt=self.attempt)
        gone = self._stop(GRACE_S)
        if self._serving is not None:
            self._serving.refuse(error)
            self._serving = None
        kept = self._storage is not None and not self.spec.for_savepoints
        able = is_retryable(error, report) and gone and kept
        delay = self._strategy.failed(now) if able else None
        if delay is None:
            self._end("failed", error)
            return
        log.warning(
            "job %s: attempt %d failed and is started again in %.3g s: %s",
            self.spec.plan.job,
            self.attempt,
            delay,
            said(error),
        )
        self._state = "restarting"
        self._restart_at = now + delay
        self._tell("state", state=self.state, attempt=self.attempt, error=error, delay_s=delay)

    def _stop(self, grace_s: float) -> bool:
        """End the attempt; whether nothing of it is left, so that another may be deployed."""
        deployment, self.deployment = self.deployment, None
        if deployment is None:
            return True
        try:
            deployment.stop(grace_s)
        except Exception:
            log.exception("job %s: an attempt could not be stopped", self.spec.plan.job)
            return False
        return True

    def _end(self, state: State, error: BaseException | None) -> None:
        self._state, self.error = state, error
        for request in [self._serving, *self._requests]:
            if request is not None:
                request.refuse(error or not_running(self.spec.plan.job))
        self._serving = None
        self._requests.clear()
        self._tell_state()

    def _command(self, command: Callable[[Deployment], None], now: float) -> None:
        if self.deployment is None:
            return
        try:
            command(self.deployment)
        except Exception as error:  # noqa: BLE001 - workers that cannot be told anything are gone
            self._fail(error, now)

    def _checkpoint_damaged(self, id_: int, why: str) -> None:
        if (id_, why) not in self.damaged:  # it is found again at every restart
            self.damaged.append((id_, why))
        self._tell("checkpoint_damaged", id=id_, reason=why)

    def _tell_state(self) -> None:
        self._tell("state", state=self.state, attempt=self.attempt, error=self.error)

    def _tell(self, kind: EventKind, **data: Any) -> None:
        self.listeners.tell(JobEvent(kind, self.spec.plan.job, data))
