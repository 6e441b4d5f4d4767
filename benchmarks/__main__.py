"""Run every measurement, or those named: `python -m benchmarks [start] [run_overhead] …`."""

import subprocess
import sys

ALL = (
    "start", "run_overhead", "run_journal", "run_queue", "run_records", "propagation", "kernel",
)  # fmt: skip

for name in sys.argv[1:] or ALL:
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
