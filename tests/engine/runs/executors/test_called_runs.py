"""Runs that a run calls are at work where that is, and give there what they give on threads."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.test_children_dispatch import MIDDLE, TOP, flow
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.executors.environments import _MODULES
from weft_engine.runs.executors.remote_crew import Crew
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

INNER = flow(
    "Inner",
    {
        "rows": {
            "type": "data.generate",
            "settings": {"count": 4, "fields": [{"name": "a", "expression": "item"}]},
        },
        "some": {"type": "data.filter", "settings": {"where": "item.a > 1"}},
        "out": {
            "type": "data.map",
            "settings": {"keep": False, "fields": [{"name": "b", "expression": "item.a * 2"}]},
        },
    },
    ["rows.rows>some.rows", "some.rows>out.rows"],
) | {"outputs": ["out"]}


def run(folder: Path, env: str) -> tuple[Any, list[str]]:
    """What the run gives that calls a flow that calls another, and what was told of it."""
    told: list[RunEvent] = []
    store = SqliteJournal(folder / f"{env}.db")
    executor = Executor(folder, told.extend, store, "test", read_outputs=True)
    request = RunRequest(
        run_id=f"run_{env}", flow=TOP, flows={"outer": MIDDLE, "inner": INNER}, env=env
    )
    result = executor.run(Job(request))
    assert result is not None
    assert result.failure is None
    ends = [
        f"{event.node} {event.data.get('scope')}"
        for event in told
        if event.run == request.run_id and event.type == "node_completed"
    ]
    return result.outputs["end"]["text"]["value"], sorted(ends)


def test_they_give_what_they_give_on_threads(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = crew.room.name
    module = importlib.import_module(_MODULES[env])
    monkeypatch.setattr(module, "shared", lambda: crew)
    given, ends = run(tmp_path, env)
    assert (given, ends) == run(tmp_path, "local")
    assert '"b": 4' in given
    assert any(end.startswith("call/inner/some ") for end in ends)
