"""Programs that lose workers, are killed, stopped and started with other settings: same results."""

import logging
import os
import random
from pathlib import Path

import pytest

from tests.engine.kernel.conformance.faults import Interrupted
from tests.engine.kernel.conformance.programs import Gene, Program, drawn


@pytest.fixture(autouse=True)
def quick(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pulls the plug here: most of the time would go into waiting for the disk."""
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.mark.parametrize("late", [False, True], ids=["", "late"])
@pytest.mark.parametrize("block", range(4))
def test_interrupted(block: int, late: bool, tmp_path: Path) -> None:
    lost = resumed = 0
    for seed in range(block * 10, block * 10 + 10):
        program = drawn(random.Random(seed), late=late)
        counts = Interrupted(program, seed, tmp_path / str(seed)).run()
        lost += counts["lost"]
        resumed += counts["rounds"] - 1
    assert lost > 5, "the runs are too short to tell anything"
    assert resumed > 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("late", [False, True], ids=["", "late"])
def test_interrupted_at_length(late: bool, tmp_path: Path) -> None:
    for seed in range(1000, 3000):
        program = drawn(random.Random(seed), late=late)
        Interrupted(program, seed, tmp_path / str(seed)).run()


AGGREGATES = Program(
    (2**70, [1, [None]], "a", 1.0, 2**70, "", 2**70, 2**70, 0, "🜁"), (Gene(39, 7, 16, 2),) * 2
)
"""Results at the end, of which some had left when the job was stopped and divided anew."""


@pytest.mark.parametrize(("program", "seed"), [(AGGREGATES, 1578)])
def test_found_once(program: Program, seed: int, tmp_path: Path) -> None:
    Interrupted(program, seed, tmp_path).run()
