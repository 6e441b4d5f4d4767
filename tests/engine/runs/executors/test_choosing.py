"""Which environment a run gets, through the same door as the server's and the command's."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.flows import flow_of, run
from weft_engine.errors import FlowError
from weft_engine.runs.executors import environments, on_ray
from weft_engine.runs.executors.remote_crew import Crew

FLOW = flow_of({"s": "t.texts", "u": "t.upper"}, ["s.out>u.text"], outputs=["u"])


def test_runs_of_the_runner_work_in_processes(
    processes: Crew, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("weft_engine.runs.executors.processes.shared", lambda: processes)
    before = [member.units for member in processes.workers]

    ran = run(FLOW, tmp_path, env="processes")

    assert ran.state == "completed"
    assert ran.result.outputs["u"]["out"]["records"] == ["A", "B", "C"]
    assert [member.units for member in processes.workers] != before


def test_an_environment_that_there_is_not() -> None:
    with pytest.raises(FlowError) as refused:
        environments.require_known("mars")
    assert refused.value.code == "run.unknown_env"


class NoPlaces:
    """A machine without Ray."""

    def hub(self) -> Any:
        raise ModuleNotFoundError("No module named 'ray'")


def test_where_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places: Any = NoPlaces()
    crew = Crew(on_ray.RayRoom(places))
    monkeypatch.setattr(on_ray, "shared", lambda: crew)

    ran = run(FLOW, tmp_path, env="ray")

    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "run.env_unavailable"
    assert "not installed" in ran.result.failure["message"]
