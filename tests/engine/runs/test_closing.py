"""The end of a run that the journal could not be told is written once there is room."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.flows import seen
from tests.engine.runs.engine.harness import Held
from tests.engine.runs.engine.test_children_left import (
    FLOWS,
    INNER,
    KNOWN,
    OUTER,
    RUN,
    TOP,
    WAIT_S,
    Filling,
    Once,
    full,
)
from weft_engine.runs import closing
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import Lease
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest


class Full(Filling):
    """Notes when a run is tried to be ended, and when it was."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.tried = threading.Event()
        self.written = threading.Event()

    def acquire(self, run_id: str, *more: Any) -> Lease | None:
        if self.error is not None:
            self.tried.set()
            raise closing.JournalError("no room", code="journal.full")
        return super().acquire(run_id, *more)

    def release(self, lease: Lease, status: str) -> None:
        super().release(lease, status)
        self.written.set()


def test_it_is_written_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "AGAIN_S", 0.02)
    for event in (Once.began, Once.stopped, Held.let_go):
        event.clear()
    seen.calls.clear()
    store = Full(tmp_path / "journal.db")
    failed = threading.Event()

    def hear(events: list[RunEvent]) -> None:
        if any((event.run, event.type) == (RUN, "run_failed") for event in events):
            failed.set()

    executor = Executor(tmp_path, hear, store, "test", _catalogue=KNOWN)
    runs = Dispatcher(executor, store, lambda event: hear([event]), owner="test", workers=1)
    runs.submit(Job(RunRequest(run_id=RUN, flow=TOP.model_dump(mode="json"), flows=FLOWS)))
    assert Once.began.wait(WAIT_S)
    assert store.inside.wait(WAIT_S)
    store.error = full()
    Held.let_go.set()
    assert failed.wait(WAIT_S)
    assert store.tried.wait(WAIT_S)
    entry = store.entry(RUN)
    assert entry is not None
    assert entry.status == "running"
    store.error = None
    assert store.written.wait(WAIT_S)
    states = {run: entry.status for run in (RUN, OUTER, INNER) if (entry := store.entry(run))}
    assert states == {RUN: "failed", OUTER: "cancelled", INNER: "cancelled"}
    assert store.unfinished() == []
