"""Jobs that are killed with SIGKILL, by progress, and go on: every result is there once.

The short form. The long one, for a night: `make chaos`, see `chaos.py`.
"""

from pathlib import Path

import pytest

from tests.engine.kernel.conformance.chaos import Fate, Run, Scenario, drawn, play
from weft_engine.kernel.checkpoint import crash_points

PROCESSES = Run("", "processes", records=12_000, interval_ms=20)
THREADS = Run("", "threads", records=12_000, interval_ms=20)


@pytest.mark.parametrize("point", crash_points.POINTS)
def test_the_coordinator_dies_at_every_place_of_a_commit(point: str, tmp_path: Path) -> None:
    """And goes on with another number of subtasks, and with state elsewhere."""
    fates = (Fate(crash_at=f"{point}:2"), Fate(crash_at=f"{point}:1"))
    told = play(Scenario(THREADS, fates, (2, 3, 1), ("heap", "disk")), tmp_path)
    assert told["killed"] >= 1


def test_workers_die(tmp_path: Path) -> None:
    """The job goes on by itself, from its last checkpoint."""
    fates = (Fate(at_record=3000, at_checkpoint=3),)
    told = play(Scenario(PROCESSES, fates), tmp_path)
    assert told["starts"] == 1
    assert told["attempts"] >= 2


def test_the_coordinator_of_processes_dies(tmp_path: Path) -> None:
    """Its workers end with it; started again, it goes on from the newest checkpoint."""
    fates = (Fate(at_checkpoint=3, victim="coordinator"), Fate(at_record=900))
    told = play(Scenario(PROCESSES, fates, (2, 3), ("disk",)), tmp_path)
    assert told["killed"] == 1


@pytest.mark.parametrize("seed", [3, 11])
def test_at_random(seed: int, tmp_path: Path) -> None:
    play(drawn(seed), tmp_path)


@pytest.mark.ray
def test_an_actor_dies(tmp_path: Path) -> None:
    run = Run("", "ray", records=12_000, interval_ms=50)
    told = play(Scenario(run, (Fate(at_record=2000),)), tmp_path)
    assert told["starts"] == 1
    assert told["attempts"] >= 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_at_length(seed: int, tmp_path: Path) -> None:
    play(drawn(seed, ("threads", "processes", "ray")), tmp_path)
