"""Every subtask in a thread of its own, in this process."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from weft_engine.kernel.backends.assembly import MakeOperators, assemble, make_operators
from weft_engine.kernel.backends.commanded import Commanded
from weft_engine.kernel.runtime.host import Host, wall_clock
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Report, Restore
from weft_engine.kernel.runtime.subtask import Subtask

log = logging.getLogger(__name__)


class Threads:
    """The backend for one process."""

    name = "threads"
    stepping = False

    def __init__(self, operators: MakeOperators = make_operators) -> None:
        """Make it; `operators` gives the operators of a stage."""
        self._operators = operators

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> "ThreadsDeployment":
        """Start all subtasks; reports come from their threads."""
        return ThreadsDeployment(spec, restore, attempt, report, self._operators)

    def close(self) -> None:
        """There is nothing to let go of."""


class ThreadsDeployment(Commanded):
    """One attempt of a job in threads."""

    def __init__(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
        operators: MakeOperators,
    ) -> None:
        self._host = Host(spec)
        self._report = report
        self._stopped = False
        self._subtasks = assemble(
            spec,
            restore,
            attempt,
            self._tell,
            clock=wall_clock,
            host=self._host,
            operators=operators,
        )
        self._threads = [
            threading.Thread(target=subtask.run, name=_name(spec, subtask), daemon=True)
            for subtask in self._subtasks
        ]
        for thread in self._threads:
            thread.start()

    def _tell(self, report: Report) -> None:
        if not self._stopped:
            self._report(report)

    def step(self) -> bool:
        """Threads need nobody to go on."""
        return False

    def stop(self, grace_s: float) -> None:
        """End what still runs and wait until it is gone.

        A thread cannot be killed: one whose function does not come back is left behind, and
        nothing is heard of it any more.
        """
        for subtask in self._subtasks:
            subtask.cancel()
        until = time.monotonic() + grace_s
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        self._stopped = True
        left = [
            thread.name
            for thread in self._threads
            if thread.is_alive() and thread is not threading.current_thread()
        ]
        if left:
            log.error(
                "these subtasks did not stop within %s s and are left behind: %s",
                grace_s,
                ", ".join(left),
            )
        self._host.close()


def _name(spec: JobSpec, subtask: Subtask) -> str:
    return f"weft-{spec.plan.job}-{subtask.stage.name}-{subtask.id.index}"
