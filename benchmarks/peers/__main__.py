"""Other systems beside ours: the same work, in the same run, in turns.

    python -m benchmarks.peers [grids] [records] [--turns N] [--only NAME …] [--home DIR]

- `grids`: ten layers of ten nodes, each on two of the layer before: nodes that add two numbers, and
  nodes of 20 ms, whose longest path is 200 ms; in memory, and durable. Weft, LangGraph, tasks of
  Ray, Dagster, Prefect.
- `records`: 50,000 records through generate, set, filter, count, by REST. Weft, Node-RED, n8n.

Their packages come from their registries into environments of their own below `--home` (by default
in the folder for temporary files), once; that takes some minutes, and 3 GB for n8n.
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import grids, records
from benchmarks.peers.environments import CONTAINERS_ONLY, Environments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="*", metavar="grids|records", default=["grids", "records"])
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "weft-peers")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    environments = Environments(options.home.resolve())
    trouble: list[str] = []
    print(f"load average at the start: {os.getloadavg()[0]:.1f}")
    if "grids" in options.what:
        times, wrong = grids.take(environments, options.turns, options.only)
        trouble += wrong
        print("\n" + grids.table(times))
    if "records" in options.what:
        found, wrong = records.take(environments, options.turns, options.only)
        trouble += wrong
        print("\n" + records.table(found))
    print(f"\nload average at the end: {os.getloadavg()[0]:.1f}")
    for each in dict.fromkeys(trouble):
        print(f"not measured: {each}")
    print(f"not installable without containers: {', '.join(CONTAINERS_ONLY)}")


if __name__ == "__main__":
    main()
