"""Runs that only wait are paused like any other: they stay so when the wait is over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.debugged import GO
from tests.engine.runs.engine.harness import TestJournal, execute
from tests.engine.runs.engine.test_container_retries import Hands
from tests.engine.runs.engine.test_debug_dispatch import Runs
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.runs.debug import Command
from weft_engine.runs.engine import run_loop
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RunEvent
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

PAUSE = Command(kind="pause")
OVER = Command(kind="step_over")


def flow(kind: str, port: str, **settings: Any) -> dict[str, Any]:
    edges = [("who.value", "wait.item"), (f"wait.{port}", "first.item"),
             ("first.text", "second.item")]  # fmt: skip
    return {
        "format": "weft/1",
        "name": "Waits",
        "inputs": {"who": {"type": "Text", "default": "Ada"}},
        "nodes": {
            "who": {"type": "flow.input", "settings": {"name": "who"}},
            "wait": {"type": kind, "settings": settings},
            "first": {"type": "text.template", "settings": {"template": "{{ item }}!"}},
            "second": {"type": "text.template", "settings": {"template": "{{ item }}!"}},
        },
        "edges": [
            dict(zip(("source", "source_port", "target", "target_port"),
                     (*source.split("."), *target.split(".")), strict=True))
            for source, target in edges
        ],
    }  # fmt: skip


SIGNAL = flow("control.signal", "received", name="go")
TIMER = flow("control.wait", "out", seconds=3600)
ENDS = {"run_completed", "run_failed", "run_cancelled"}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    made.dispatcher.leave()


def waiting(runs: Runs, plain: dict[str, Any]) -> None:
    """Start the run, and wait until nothing but the journal has it."""
    runs.dispatcher.submit(Job(RunRequest(run_id="run_a", flow=plain)))
    assert runs.wait("run_a", "run_paused").data["reason"] == "waiting"
    runs.wait_parked()


def signal() -> Command:
    return Command(kind="signal", signal={"id": "s1", "name": "go", "payload": "now"})


def told(runs: Runs) -> list[str]:
    return [event.type for event in runs.events if event.run == "run_a"]


def started(runs: Runs, node: str) -> bool:
    return any(event.type == "node_started" and event.node == node for event in runs.events)


def test_a_waiting_run_stays_paused_when_its_signal_comes(runs: Runs) -> None:
    waiting(runs, SIGNAL)
    assert runs.dispatcher.tell("run_a", PAUSE)
    paused = runs.wait("run_a", "run_paused", 2)
    assert paused.data["reason"] == "asked"
    (wait,) = paused.data["waits"]
    assert (wait["node"], wait["kind"], wait["signal"]) == ("wait", "signal", "go")
    assert runs.dispatcher.tell("run_a", signal())
    assert runs.dispatcher.tell("run_a", PAUSE)  # once more does no harm
    assert not started(runs, "first")
    assert runs.dispatcher.tell("run_a", GO)
    runs.wait("run_a", "run_completed")
    assert started(runs, "second")


def test_one_whose_time_has_not_come_waits_on(runs: Runs) -> None:
    waiting(runs, TIMER)
    runs.dispatcher.tell("run_a", PAUSE)
    (wait,) = runs.wait("run_a", "run_paused", 2).data["waits"]
    assert (wait["node"], wait["kind"]) == ("wait", "timer")
    runs.dispatcher.tell("run_a", GO)
    again = runs.wait("run_a", "run_paused", 3)
    assert again.data["reason"] == "waiting"
    assert [each["due"] for each in again.data["waits"]] == [wait["due"]]


def test_one_whose_time_comes_stays_paused(tmp_path: Path) -> None:
    journal, clock, control = TestJournal(), Hands(), RunControl()
    plain = Flow.model_validate(TIMER)
    assert execute(plain, tmp_path, journal=journal, clock=clock).state == "paused"
    (wake,) = journal.wakes.values()
    wake.due = clock.now = 2_000.0  # nodes have the true time
    control.send(PAUSE)
    kinds: list[tuple[str, str | None]] = []

    def heard(event: RunEvent) -> None:
        kinds.append((event.type, event.node))
        if event.type == "run_paused":
            assert event.data["reason"] == "asked"
            control.send(GO)

    ran = execute(
        plain, tmp_path, journal=journal, clock=clock, resume=True, control=control, heard=heard
    )
    assert ran.state == "completed"
    paused, resumed = kinds.index(("run_paused", None)), kinds.index(("run_resumed", None))
    assert paused < resumed < kinds.index(("node_started", "first"))


def test_a_step_from_a_pause_leads_to_the_next_node(runs: Runs) -> None:
    waiting(runs, SIGNAL)
    with pytest.raises(FlowError) as caught:
        runs.dispatcher.tell("run_a", OVER)
    assert caught.value.code == "run.not_stopped"
    runs.dispatcher.tell("run_a", PAUSE)
    runs.dispatcher.tell("run_a", OVER)  # at once: the pause may not have been taken up
    runs.dispatcher.tell("run_a", signal())
    assert runs.wait("run_a", "breakpoint_hit").data["at"] == "first@"
    runs.dispatcher.tell("run_a", OVER)
    assert runs.wait("run_a", "breakpoint_hit", 2).data["at"] == "second@"
    runs.dispatcher.tell("run_a", GO)
    runs.wait("run_a", "run_completed")


def test_one_that_was_paused_for_long_comes_back(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_loop, "STAND_S", 0.0)
    waiting(runs, SIGNAL)
    runs.dispatcher.tell("run_a", PAUSE)
    runs.wait("run_a", "run_paused", 2)
    runs.wait_parked()
    runs.dispatcher.tell("run_a", signal())
    assert runs.dispatcher.parked == 1
    assert not ENDS & set(told(runs))
    runs.dispatcher.tell("run_a", GO)
    runs.wait("run_a", "run_completed")
