"""Measure the kernel: `python -m benchmarks kernel`, or `python -m benchmarks.kernel calls …`.

Every figure stands beside something fixed that was measured in the same run.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from benchmarks import kernel_loops
from benchmarks.kernel import calls, checkpoints, job_a, latency, memory, nexmark, peers, telemetry
from benchmarks.kernel.measure import load

PARTS: Final[dict[str, Callable[[], Any]]] = {
    "loops": kernel_loops.main,
    "job_a": job_a.measure,
    "peers": peers.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "calls": calls.measure,
    "telemetry": telemetry.measure,
    "checkpoints": checkpoints.measure,
    "nexmark": nexmark.measure,
}
"""What is measured, by name."""


def main(names: list[str]) -> None:
    """Measure what is named, or everything."""
    for name in names or PARTS:
        print(f"-- {name} ({load()})", flush=True)
        PARTS[name]()
    print(f"-- done ({load()})", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
