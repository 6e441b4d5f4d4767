"""A server whose disk is full says so, loses nothing, and goes on when there is room."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def _may_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    mount = ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(folder)]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    if not _may_mount(tmp_path):
        pytest.skip("disks cannot be mounted here")
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-m", "tests.server.runs.full_disk_child", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "parked": "paused",
        "signal": [507, "journal.full", True],
        "run": [503, "storage.full", True],
        "read": 200,
        "accepted": {"id": "s1", "accepted": True},
        "state": "completed",
        "output": "Hello you",
        "again": "paused",
    }
