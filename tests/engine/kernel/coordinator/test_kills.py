"""The whole process is killed at every place of a checkpoint, and started again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.kernel.backends.jobs import expected_sums
from tests.engine.kernel.coordinator import killed
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.files import Files

ROOT = Path(__file__).parents[4]


def run(folder: Path, crash_at: str) -> int:
    environment = {**os.environ, "WEFT_CRASH_AT": crash_at, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.engine.kernel.coordinator.killed", str(folder)]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, timeout=150, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize("point", crash_points.POINTS)
def test_killed_and_started_again(point: str, tmp_path: Path) -> None:
    assert run(tmp_path, f"{point}:1") == -signal.SIGKILL
    assert run(tmp_path, f"{point}:2") in {0, -signal.SIGKILL}
    assert run(tmp_path, "") == 0
    count, last = 0, dict.fromkeys(range(10), 0)
    out = tmp_path / "out"
    assert not list(out.glob("*.prepared"))
    for path in out.glob("*.done"):
        epoch = json.loads(path.read_text())
        count += epoch["count"]
        for key, total in epoch["last"].items():
            last[int(key)] = max(last[int(key)], total)
    assert count == killed.COUNT
    assert last == expected_sums(killed.COUNT)
    storage = Files(tmp_path / "checkpoints", "test")
    assert storage.load(storage.checkpoints()[0]).kind == "final"
