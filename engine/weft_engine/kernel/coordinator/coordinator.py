"""The coordinator of one job: a state machine fed with reports and the time."""

import logging
from typing import Any, Final

from weft_engine.errors import WeftError
from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.checkpoint import savepoint
from weft_engine.kernel.checkpoint.api import Checkpoint
from weft_engine.kernel.coordinator.aside import LeftBehind
from weft_engine.kernel.coordinator.events import CheckpointStats
from weft_engine.kernel.coordinator.failures import (
    checkpoint_error,
    error_of,
    lost,
)
from weft_engine.kernel.coordinator.lifecycle import CANCEL_GRACE_S, GRACE_S, Lifecycle
from weft_engine.kernel.coordinator.requests import SavepointRequest, no_storage, not_running
from weft_engine.kernel.runtime.messages import (
    Acknowledged,
    Declined,
    Failed,
    Finished,
    Lost,
    Measured,
    Report,
    Running,
)

log = logging.getLogger(__name__)

_MOST_STATS: Final = 1_000
"""How many checkpoints are remembered: a job may make them for years."""


class Coordinator(Lifecycle):
    """Makes checkpoints of what subtasks report, and ends the job.

    Not thread-safe: everything is called from one thread, with the time that it is.
    """

    def start(self, now: float) -> None:
        """Deploy the job for the first time."""
        self._deploy(self._start.checkpoint, now)

    def cancel(self) -> None:
        """End it at once; what is not committed is gone."""
        if not self.ended:
            self._stop(CANCEL_GRACE_S)
            self._end("cancelled", None)

    def leave(self) -> None:
        """It is about to be cancelled: sinks that do not return are not waited for; any thread."""
        self._committer.leave()

    def pause(self) -> None:
        """Have the sources stand still."""
        self._paused = True
        if self.deployment is not None and not self.ended:
            self.deployment.pause()
            self._tell_state()

    def resume(self) -> None:
        """Let the sources go on."""
        self._paused = False
        if self.deployment is not None and not self.ended:
            self.deployment.resume()
            self._tell_state()

    def savepoint(self, request: SavepointRequest, now: float) -> None:
        """Make a savepoint as soon as possible."""
        if self.ended:
            request.refuse(not_running(self.spec.plan.job))
        elif self._storage is None:
            request.refuse(no_storage(self.spec.plan.job))
        else:
            self._requests.append(request)
            self.tick(now)

    # What happens

    def due(self) -> float | None:
        """When `tick` is to be called, if nothing happens before."""
        if self._state == "restarting":
            return self._restart_at
        if self._state != "running" or not self._epochs.all_running:
            return None
        pending = self._epochs.pending
        due = self._triggers.expires(pending.started) if pending else self._triggers.due()
        return due if due < float("inf") else None

    def tick(self, now: float) -> None:
        """See whether it is time for something."""
        if self._state == "restarting" and now >= self._restart_at:
            self._restart(now)
        if self._state != "running" or not self._epochs.all_running:
            return
        pending = self._epochs.pending
        if pending is not None:
            if now >= self._triggers.expires(pending.started):
                message = f"checkpoint {pending.id} was not complete in time"
                self._checkpoint_failed(checkpoint_error("checkpoint.timeout", message), now)
        elif self._requests:
            self._serve(self._requests.pop(0), now)
        elif self._storage is not None and not self._paused and now >= self._triggers.due():
            self._trigger("checkpoint", now)

    def handle(self, report: Report, now: float) -> None:
        """Take a report; those of earlier attempts are ignored."""
        if isinstance(report, Measured):
            self._measured(report)
            return
        attempt = report.attempt if isinstance(report, Lost) else report.subtask.attempt
        if attempt != self.attempt or self.deployment is None or self.ended:
            return
        match report:
            case Lost():
                self._fail(lost(report), now)
            case Failed():
                ran = self._epochs.has_run((report.subtask.stage, report.subtask.index))
                self.undeployed = self.attempt == 0 and not ran
                error = error_of(report)
                self._fail(error, now, report=report.report)
            case Declined():
                self._declined(report, now)
            case _:
                self._noted(report)
                self._go_on(now)

    def _noted(self, report: Running | Acknowledged | Finished) -> None:
        key = report.subtask.stage, report.subtask.index
        match report:
            case Running():
                self._epochs.running(key)
            case Acknowledged():
                self._epochs.acknowledge(key, report.checkpoint, report.snapshot, report.pause_ns)
            case Finished():
                self._epochs.finish(key, report.snapshot)

    def _go_on(self, now: float) -> None:
        """See what has become possible."""
        if self._epochs.complete and not (self._epochs.all_finished and self._serving is None):
            self._complete(now)
        if self.deployment is not None and self._epochs.all_finished:
            self._conclude(now)
        else:
            self.tick(now)

    def _measured(self, report: Measured) -> None:
        for sample in report.samples:
            self.measured.take(sample)
        self.traces.take(report.spans)
        self._tell("metrics", samples=report.samples, spans=report.spans)

    # Checkpoints

    def _trigger(self, kind: Any, now: float) -> None:
        id_, self._next_id = self._next_id, self._next_id + 1
        self._epochs.begin(id_, kind, now)
        self._triggers.triggered(now)
        self._command(lambda deployment: deployment.trigger(Barrier(id_, kind)), now)

    def _serve(self, request: SavepointRequest, now: float) -> None:
        self._serving = request
        if request.stop:
            self._command(lambda deployment: deployment.pause(), now)
        self._trigger("savepoint", now)

    def _declined(self, report: Declined, now: float) -> None:
        key = report.subtask.stage, report.subtask.index
        self._epochs.prepared(key, report.checkpoint, report.committables)
        pending = self._epochs.pending
        if pending is None or pending.id != report.checkpoint:
            return
        if report.fatal:
            message = f"checkpoint {report.checkpoint} was declined: {report.reason}"
            self._checkpoint_failed(checkpoint_error(report.code, message), now)
        else:
            self._put_off(now)

    def _put_off(self, now: float) -> None:
        """The checkpoint will not be, and nobody is to blame."""
        self._epochs.abandon()
        self._triggers.ended(now)
        if self._serving is not None:
            self._requests.append(self._serving)
            self._serving = None

    def _checkpoint_failed(self, error: WeftError, now: float) -> None:
        self._epochs.abandon()
        self._triggers.ended(now)
        self.measured.checkpoint_failed()
        self._tell("checkpoint_failed", error=error)
        if self._serving is not None:
            self._refuse(error, now)
            return
        self._failures += 1
        if self._failures > self._settings.checkpoint_tolerable_failures:
            self._fail(error, now)
        else:
            log.warning("job %s: %s", self.spec.plan.job, error.message)

    def _refuse(self, error: BaseException, now: float) -> None:
        """The savepoint has failed; the job goes on."""
        request, self._serving = self._serving, None
        if request is None:
            return
        request.refuse(error)
        if request.stop and not self._paused:
            self._command(lambda deployment: deployment.resume(), now)

    def _complete(self, now: float) -> None:
        """Commit the checkpoint under way, which lacks nothing any more."""
        pending = self._epochs.pending
        if pending is None:
            return
        try:
            checkpoint = self._committer.commit(self._epochs, pending.id, "checkpoint")
        except WeftError as error:
            self._checkpoint_failed(error, now)
            return
        self._triggers.ended(now)
        if not self._publish(checkpoint, now - pending.started, pending.pause_ns, now):
            return
        self._command(lambda deployment: deployment.committed(checkpoint.id), now)
        if self._serving is not None:
            self._write_savepoint(checkpoint, now)
        self._committer.retain()

    def _publish(self, checkpoint: Checkpoint, took: float, pause_ns: int, now: float) -> bool:
        self._failures = 0
        size = self._committer.size
        stats = CheckpointStats(checkpoint.id, checkpoint.kind, took, pause_ns / 1e6, size)
        self.stats.append(stats)
        del self.stats[:-_MOST_STATS]
        self.measured.checkpoint(stats)
        try:
            self._committer.publish(checkpoint)
        except LeftBehind:
            self.cancel()
            return False
        except WeftError as error:
            self._fail(error, now)
            return False
        self._tell("checkpoint", stats=stats)
        return True

    def _write_savepoint(self, checkpoint: Checkpoint, now: float) -> None:
        request = self._serving
        if request is None or self._storage is None:
            return
        try:
            path = savepoint.write(checkpoint, self._storage, request.path)
        except WeftError as error:
            self._refuse(error, now)
            return
        self._serving = None
        if request.stop and not self.ended and not self._epochs.all_finished:
            self._stop(CANCEL_GRACE_S)
            self._end("finished", None)
        request.serve(path)

    def _conclude(self, now: float) -> None:
        """All subtasks have ended: commit the last of it."""
        self._state = "finishing"
        self._tell_state()
        self._epochs.abandon()
        id_, self._next_id = self._next_id, self._next_id + 1
        try:
            checkpoint = self._committer.commit(self._epochs, id_, "final")
        except WeftError as error:
            self._fail(error, now)
            return
        if not self._publish(checkpoint, 0.0, 0, now):
            return
        self._stop(GRACE_S)
        self._state = "finished"
        waiting, self._requests = self._requests, []
        for request in waiting:
            if self.spec.for_savepoints:
                request.refuse(not_running(self.spec.plan.job))
                continue
            self._serving = request
            self._write_savepoint(checkpoint, now)
        self._committer.retain()
        self._end("finished", None)
