"""The time limit of a container that is tried again, while its run parks and goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.test_children_dispatch import RUN, Engine, flow
from weft_engine.runs.debug import Command
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.dispatcher.leave()
    made.store.close()


def waits(limit: float) -> dict[str, Any]:
    """Rounds that wait for signals, in a container that fails at first and has a time limit."""
    inside = {"parent": "loop"}
    wait = {"type": "control.signal", "settings": {"name": "go"}, **inside}
    bad = {"type": "control.fail", "settings": {"message": "no"}, **inside}
    good = {
        "type": "control.if",
        "settings": {"condition": "item.good"},
        **inside,
    }
    loop = {
        "type": "control.repeat",
        "settings": {"times": "4"},
        "timeout_s": limit,
        "retry": {"max_attempts": 2, "delay_s": 0},
    }
    return flow(
        "Top",
        {"loop": loop, "wait": wait, "good": good, "bad": bad},
        ["in.value>loop.initial", "loop.state>wait.item", "wait.received>good.item",
         "good.true>loop.next", "good.false>bad.item"],
    )  # fmt: skip


def tell(engine: Engine, signal_id: str, *, good: bool) -> None:
    payload = {"good": good}
    signal = {"id": signal_id, "name": "go", "payload": payload}
    engine.tell(Command(kind="signal", signal=signal))


def test_the_limit_of_the_second_attempt_lasts(engine: Engine) -> None:
    engine.dispatcher.submit(Job(RunRequest(run_id=RUN, flow=waits(3600))))
    engine.wait(RUN, "node_waiting")
    engine.parked()
    tell(engine, "1", good=False)
    places = {"loop:0", "loop:0~2"}
    engine.until(lambda: _places(engine) == places)
    engine.parked()
    known = _limits(engine)
    assert [data for _, data in known] == [{"attempt": 2}]
    for number in (1, 2):
        tell(engine, f"more {number}", good=True)
        places.add(f"loop:{number}~2")
        engine.until(lambda: _places(engine) == places)
        engine.parked()
        assert _limits(engine) == known


def _places(engine: Engine) -> set[str]:
    return {event.data["scope"] for event in engine.of(RUN, "node_waiting")}


def _limits(engine: Engine) -> list[tuple[Any, Any]]:
    return [(row.due, row.data) for row in engine.store.wakes(RUN) if row.kind == "limit"]
