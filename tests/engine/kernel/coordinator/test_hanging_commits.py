"""Sinks whose commit does not return."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.coordinator.programs import Ledger, job, pipeline
from tests.engine.kernel.coordinator.test_jobs import COUNT, TIMEOUT, exact
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.checkpoint.files import Files
from weft_engine.kernel.coordinator import JobCancelledError, start_job


class Hanging(Ledger):
    """Commits only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let = threading.Event()

    def commit(self, committables: Sequence[Any]) -> None:
        self.asked.set()
        assert self.let.wait(TIMEOUT)
        super().commit(committables)


def test_a_job_whose_sink_does_not_return_can_be_cancelled(tmp_path: Path) -> None:
    ledger, storage = Hanging(), Files(tmp_path, "test")
    spec = job(pipeline(COUNT, ledger), storage, checkpoint_interval_s=0.005)
    for _ in range(2):  # at a checkpoint, and where the job is started again
        ledger.asked.clear()
        running = start_job(spec, Threads(), resume="latest")
        assert ledger.asked.wait(TIMEOUT)
        with pytest.raises(TimeoutError):
            running.wait(0.01)
        running.cancel()
        with pytest.raises(JobCancelledError):
            running.wait(TIMEOUT)
        assert running.state == "cancelled"
        assert not ledger.commits
    ledger.let.set()
    running = start_job(spec, Threads(), resume="latest")
    running.wait(TIMEOUT)
    exact(ledger.records, COUNT)
