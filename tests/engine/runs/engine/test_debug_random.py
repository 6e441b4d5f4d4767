"""Whatever is stopped and stepped through, a run gives what it gives undisturbed.

Also when it crashes while it stands, at any time.
"""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.runs.engine.debugged import ASKED, FLOWS, GO, Debugged, debug, step
from tests.engine.runs.engine.harness import TestJournal, execute
from weft_engine.runs.debug import Breakpoint, Command

NODES = {
    "values": ["v", "a", "b", "c"],
    "streams": ["n", "light", "heavy", "keep", "all", "last"],
    "loops": ["n", "loop", "loop/x", "loop/try", "loop/try/bad", "loop/try/caught", "end"],
    "calls": ["v", "call", "call/in", "call/x", "z"],
    "fails": ["v", "x", "err", "tell"],
}
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
KINDS = ("over", "into", "out")
SCRIPTS = st.lists(st.integers(0, 15), max_size=40)
"""What is told a run that stands: which way to go on, from which of those that stand."""


@lru_cache(maxsize=8)
def undisturbed(name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        ran = execute(FLOWS[name], Path(folder), **ASKED.get(name, {}))
    return ran.state, without_places(ran.outputs), ran.states()


def without_places(value: Any) -> Any:
    """Failures tell where they came up in the program; a stretch tells it otherwise than a call."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items() if key != "chain"}
    return [without_places(item) for item in value] if isinstance(value, list) else value


def points(name: str) -> st.SearchStrategy[list[Breakpoint]]:
    one = st.builds(
        Breakpoint,
        node=st.sampled_from(NODES[name]),
        when=st.sampled_from(["before", "after"]),
        condition=st.sampled_from([None, None, "item != 2", "index == 1"]),
        hits=st.integers(1, 3),
        once=st.booleans(),
    )
    return st.lists(one, max_size=6)


def compare(name: str, found: Debugged) -> None:
    state, outputs, states = undisturbed(name)
    assert found.ran.state == state
    assert without_places(found.ran.outputs) == outputs
    assert found.ran.states() == states
    assert found.stands == {}


@pytest.mark.parametrize("name", FLOWS)
@SETTINGS
@given(data=st.data())
def test_with_breakpoints_and_plain_continues(name: str, data: st.DataObject) -> None:
    chosen = data.draw(points(name))
    with tempfile.TemporaryDirectory() as folder:
        found = debug(FLOWS[name], Path(folder), *chosen, **ASKED.get(name, {}))
        compare(name, found)


@pytest.mark.parametrize("name", FLOWS)
@SETTINGS
@given(data=st.data())
def test_with_steps_through_everything(name: str, data: st.DataObject) -> None:
    chosen, script = data.draw(points(name)), data.draw(SCRIPTS)
    pauses: list[str] = []

    def say(found: Debugged) -> Command:
        pauses.append(found.pauses[-1])
        number = script[len(pauses) - 1] if len(pauses) <= len(script) else 3
        stands = sorted(found.stands)
        at = stands[number // 4 % len(stands)] if stands else None
        return GO if number % 4 == 3 else step(KINDS[number % 4], at)

    with tempfile.TemporaryDirectory() as folder:
        found = debug(
            FLOWS[name], Path(folder), *chosen, say=say, begin=[Command(kind="pause")],
            **ASKED.get(name, {}),
        )  # fmt: skip
        compare(name, found)


@pytest.mark.parametrize("name", [name for name in FLOWS if name != "fails"])
@SETTINGS
@given(data=st.data())
def test_with_crashes_while_it_stands(name: str, data: st.DataObject) -> None:
    chosen, script = data.draw(points(name)), iter(data.draw(SCRIPTS))
    journal = TestJournal()
    crashes: list[int] = []

    def say(found: Debugged) -> Command | None:
        number = next(script, 3)
        if len(crashes) < 4 and number > 7:
            crashes.append(1)
            found.crash()
            return None
        return GO if number % 4 == 3 else step(KINDS[number % 4])

    with tempfile.TemporaryDirectory() as folder:
        stood: dict[str, Any] = {}
        while True:
            found = debug(
                FLOWS[name], Path(folder), *chosen, say=say, journal=journal,
                resume=bool(crashes), **ASKED.get(name, {}),
            )  # fmt: skip
            assert stood.keys() <= {event.data["at"] for event in found.told}
            if hasattr(found, "ran"):
                break
            stood = dict(found.stands)
        state, outputs, _ = undisturbed(name)
        assert (found.ran.state, without_places(found.ran.outputs)) == (state, outputs)
