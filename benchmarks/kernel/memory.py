"""How much memory a job takes whose input does not fit into it.

In a process of its own, two stages in two threads, queues of the usual size.
"""

import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.kernel.measure import millions, say

COUNT: Final = 50_000_000


def measure(count: int = COUNT) -> float:
    """Print the figures; the most memory that was resident, in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernel.memory", str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    base, most, seconds = map(float, done.stdout.split())
    say(
        f"memory of {count:,} records",
        f"{most:.0f} MB",
        beside=f"{base:.0f} before; {millions(count, seconds)}",
        goal="less than 100 MB",
    )
    return most


def _megabytes() -> float:
    """The most that was resident since this program began.

    What `getrusage` tells also counts the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found is not None:
            return int(found[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def main() -> None:
    """Run the job; print resident memory before and at its most, and the seconds."""
    from benchmarks.kernel.job_a import seconds_of
    from weft_engine.kernel.backends.threads import Threads

    base = _megabytes()
    seconds = seconds_of(int(sys.argv[1]), Threads(), every="100ms")
    print(base, _megabytes(), seconds)


if __name__ == "__main__":
    main()
