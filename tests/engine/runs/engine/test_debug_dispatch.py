"""Stopped runs among others: they take nobody's place, and are left to the journal in time."""

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.engine.runs.engine.debugged import GO, edit
from weft_engine.errors import FlowError
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.engine import run_loop
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Greeting",
    "inputs": {"who": {"type": "Text", "default": "Ada"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "greet": {"type": "text.template", "settings": {"template": "Hello {{ item }}"}},
    },
    "edges": [{"source": "who", "source_port": "value", "target": "greet", "target_port": "item"}],
}


class Runs:
    """A dispatcher with room for one run at a time."""

    def __init__(self, folder: Path) -> None:
        self.events: list[RunEvent] = []
        self.changed = threading.Condition()
        store = SqliteJournal(folder / "journal.db")
        executor = Executor(folder, self.hear, store, "test")
        self.dispatcher = Dispatcher(
            executor, store, lambda event: self.hear([event]), owner="test", workers=1
        )

    def hear(self, events: list[RunEvent]) -> None:
        with self.changed:
            self.events += events
            self.changed.notify_all()

    def start(self, name: str, *points: Breakpoint) -> None:
        request = RunRequest(run_id=name, flow=FLOW, breakpoints=list(points))
        self.dispatcher.submit(Job(request))

    def wait(self, name: str, kind: str, times: int = 1) -> RunEvent:
        def found() -> list[RunEvent]:
            return [e for e in self.events if e.run == name and e.type == kind]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= times, 20), self.events
            return found()[times - 1]

    def wait_parked(self) -> None:
        """Wait until nothing but the journal has a run; nothing tells that but the count."""
        until = monotonic() + 20
        with self.changed:
            while not self.dispatcher.parked:
                assert monotonic() < until, self.events
                self.changed.wait(0.01)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    made.dispatcher.leave()


def test_a_stopped_run_does_not_hold_others_up(runs: Runs) -> None:
    runs.start("run_a", Breakpoint(node="greet"))
    runs.wait("run_a", "run_paused")
    runs.start("run_b")
    runs.wait("run_b", "run_completed")
    bad = Command(kind="breakpoints", breakpoints=[Breakpoint(node="greet", condition="item >")])
    with pytest.raises(FlowError, match="cannot be used"):
        runs.dispatcher.tell("run_a", bad)
    runs.dispatcher.tell("run_a", GO)
    runs.wait("run_a", "run_completed")


def test_one_that_stood_long_comes_back_when_it_is_told_something(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_loop, "STAND_S", 0.0)
    runs.start("run_a", Breakpoint(node="greet"))
    runs.wait("run_a", "run_paused")
    runs.wait_parked()
    monkeypatch.setattr(run_loop, "STAND_S", 600.0)
    runs.dispatcher.tell("run_a", edit("greet@", "item", "Bob"))
    stop = runs.wait("run_a", "breakpoint_hit", 3)
    assert stop.data["edited"] == ["item"]
    runs.dispatcher.tell("run_a", GO)
    runs.wait("run_a", "run_completed")
    output = next(e for e in runs.events if e.type == "node_output" and e.node == "greet")
    assert output.data["ref"]["inline"] == "Hello Bob"
