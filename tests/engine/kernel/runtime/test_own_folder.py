"""Folders of processes that were killed do not stay for ever."""

import os
import subprocess
import sys
from pathlib import Path

from weft_engine.kernel.runtime.own_folder import OwnFolder, sweep

PROGRAM = """
import os, signal, sys
from weft_engine.kernel.runtime.own_folder import OwnFolder
OwnFolder("mine-", sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_in_use_stays_and_what_the_dead_left_goes(tmp_path: Path) -> None:
    mine = OwnFolder("mine-", str(tmp_path))
    foreign = tmp_path / "mine-without-owner"
    foreign.mkdir()
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 3
    sweep("mine-", str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3, "it may not be locked yet"
    sweep("mine-", str(tmp_path), young_s=0)
    assert set(tmp_path.iterdir()) == {mine.path, foreign}
    mine.remove()
    mine.remove()
    assert set(tmp_path.iterdir()) == {foreign}


def test_making_one_clears_up(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    mine = OwnFolder("mine-", str(tmp_path))
    assert list(tmp_path.iterdir()) == [mine.path]
    mine.remove()
