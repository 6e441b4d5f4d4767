"""Job A in Bytewax, beside ours in the same run; in an environment of its own.

The environment is made once, in the folder for temporary files.
"""

import subprocess
import sys
import tempfile
import venv
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.kernel.job_a import COUNT, by_hand, seconds_of
from benchmarks.kernel.measure import best, millions, say
from weft_engine.kernel.backends.threads import Threads

WANTED: Final = "bytewax==0.21.1"
BATCH: Final = 1024
_PROGRAM: Final = Path(__file__).with_name("bytewax_job_a.py")


def environment(wanted: str = WANTED) -> Path | None:
    """The Python of an environment that has the package; None when it cannot be had."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(tempfile.gettempdir()) / f"weft-bench-{wanted.replace('==', '-')}-py{version}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if done.exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, wanted], check=False, capture_output=True).returncode:
        return None
    done.touch()
    return python


def bytewax(python: Path, count: int) -> float:
    """Run the job there; its seconds."""
    command = [str(python), str(_PROGRAM), str(count), str(BATCH)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, found = done.stdout.split()
    assert int(found) == count // 2, found
    return float(seconds)


def measure(count: int = COUNT, rounds: int = 3) -> float | None:
    """Print the figures; how many times as fast as Bytewax ours is, with checkpoints."""
    python = environment()
    if python is None:
        print(f"Bytewax: left out, {WANTED} cannot be installed here.", flush=True)
        return None
    hand, theirs, ours = best(
        rounds,
        partial(by_hand, count),
        partial(bytewax, python, count),
        partial(seconds_of, count, Threads(), every="100ms", functions=True),
    )
    say("job A, Bytewax 0.21.1", millions(count, theirs), beside=f"{hand / theirs:.2f} of the loop")
    say(
        "… ours, functions, exchange, checkpoints",
        millions(count, ours),
        beside=f"{theirs / ours:.1f} x Bytewax",
    )
    return theirs / ours
