"""A signal has its effect once, also when the engine dies before it can say so of the signal."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.test_children_dispatch import RUN, Engine, flow, show
from weft_engine.runs.debug import Command
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

WAIT = {"type": "control.signal", "settings": {"name": "go"}}
CALLS = flow(
    "Calls",
    {"one": WAIT, "two": WAIT, "end": show("{{ item }}")},
    ["in.value>one.item", "one.received>two.item", "two.received>end.item"],
)
RECORDS = flow(
    "Records",
    {
        "rows": {"type": "data.generate", "settings": {"count": 2, "fields": []}},
        "wait": WAIT,
        "end": {"type": "data.limit", "settings": {"count": 5}},
    },
    ["rows.rows>wait.item", "wait.received>end.rows"],
)
FLOWS = {"waits one after the other": CALLS, "a wait for each record": RECORDS}


def tell(engine: Engine, signal_id: str) -> None:
    signal = {"id": signal_id, "name": "go", "payload": {"n": signal_id}}
    engine.tell(Command(kind="signal", signal=signal))


@pytest.mark.parametrize("plain", FLOWS.values(), ids=list(FLOWS))
def test_killed_before_the_signal_is_marked(
    plain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tmp_path)
    engine.dispatcher.submit(Job(RunRequest(run_id=RUN, flow=plain)))
    engine.parked()
    here, never = threading.Event(), threading.Event()

    def dies(*_: object) -> None:
        here.set()
        never.wait()

    monkeypatch.setattr(engine.store, "take", dies)
    tell(engine, "first")
    assert here.wait(30)
    left = engine.dispatcher
    engine.restart()
    try:
        engine.wait(RUN, "node_waiting")
        engine.parked()
        assert [row.taken for row in engine.store.signals(RUN)] == [True]
        assert engine.statuses() == ["parked"]
        tell(engine, "second")
        engine.wait(RUN, "run_completed")
        assert all(row.taken for row in engine.store.signals(RUN))
    finally:
        never.set()
        left.leave()
        engine.dispatcher.leave()
        engine.store.close()
