"""A signal is had once, by the one wait in a called run that it reaches first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.test_children_dispatch import INNER, RUN, Engine, flow, show
from weft_engine.runs.debug import Command


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.dispatcher.leave()
    made.store.close()


def signals() -> dict[str, Any]:
    """Two waits for a signal of the same name, one after the other."""
    wait = {"type": "control.signal", "settings": {"name": "go"}}
    return flow(
        "Inner",
        {"one": wait, "two": wait, "end": show("{{ item }}")},
        ["in.value>one.item", "one.received>two.item", "two.received>end.item"],
    )


def approvals() -> dict[str, Any]:
    """An approval in each of two rounds, asked for under the same name."""
    inside = {"parent": "loop"}
    ask = {"type": "control.approval", "settings": {"message": "Go on?"}, **inside}
    return flow(
        "Inner",
        {"loop": {"type": "control.repeat", "settings": {"times": "2"}}, "ask": ask},
        ["in.value>loop.initial", "loop.state>ask.item", "ask.approved>loop.next"],
    )


CASES = {
    "a signal": (signals(), "go", {"n": 1}),
    "an approval": (approvals(), "call/inner/loop/ask", {"decision": "approved"}),
}


def tell(engine: Engine, signal_id: str, name: str, payload: Any) -> None:
    signal = {"id": signal_id, "name": name, "payload": payload}
    engine.tell(Command(kind="signal", signal=signal))


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a crash"])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_one_signal_ends_one_wait(
    case: tuple[dict[str, Any], str, Any], restart: bool, engine: Engine
) -> None:
    inner, name, payload = case
    engine.start(inner)
    engine.wait(RUN, "node_waiting")
    engine.parked()
    tell(engine, "first", name, payload)
    engine.until(lambda: len({_place(one) for one in engine.of(INNER, "node_waiting")}) == 2)
    engine.parked()
    assert engine.statuses() == ["parked"] * 3
    if restart:
        engine.restart()
        engine.parked()
        assert engine.statuses() == ["parked"] * 3
    tell(engine, "first", name, payload)
    assert engine.statuses() == ["parked"] * 3
    tell(engine, "second", name, payload)
    engine.wait(RUN, "run_completed")
    assert engine.statuses() == ["completed"] * 3
    assert all(row.taken for row in engine.store.signals(INNER))


def _place(event: Any) -> tuple[str, str]:
    return event.node, event.data.get("scope", "")
