"""Start: time to the first HTTP 200, memory of all processes when idle, installed size.

`--clone` also measures a newcomer's first minutes: a fresh clone, `make setup`, the first start.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.serving import serving

ROOT = Path(__file__).parent.parent


def memory(pid: int) -> dict[str, float]:
    """RSS and PSS of the process and its children, in MB; PSS counts shared pages once."""
    main = psutil.Process(pid)
    tree = [main, *main.children(recursive=True)]
    infos = [process.memory_full_info() for process in tree]
    rss, pss = (sum(getattr(info, kind) for info in infos) / 1e6 for kind in ("rss", "pss"))
    return {"processes": len(tree), "rss_mb": round(rss), "pss_mb": round(pss)}


def size_mb(folder: Path) -> int:
    used = subprocess.check_output(["du", "-sk", folder], text=True)
    return int(used.split()[0]) // 1024


def starts(rounds: int) -> dict[str, object]:
    home = Path(tempfile.mkdtemp())
    try:
        with serving(home / "data") as server:
            fresh = server.seconds
            server.set_up()
        seconds = []
        usage: dict[str, float] = {}
        for _ in range(rounds):
            with serving(home / "data") as server:
                seconds.append(server.seconds)
                time.sleep(2)
                usage = memory(server.process.pid)
        seconds.sort()
        median = round(seconds[len(seconds) // 2], 2)
        return {"fresh_database_s": round(fresh, 2), "warm_s": median, "idle": usage}
    finally:
        shutil.rmtree(home)


def clone() -> dict[str, float]:
    home = Path(tempfile.mkdtemp())
    try:
        started = time.perf_counter()
        subprocess.run(["git", "clone", "-q", ROOT, home / "weft"], check=True)
        subprocess.run(["make", "-s", "setup"], cwd=home / "weft", check=True)
        setup = time.perf_counter() - started
        again = time.perf_counter()
        subprocess.run(["make", "-s", "setup"], cwd=home / "weft", check=True)
        return {
            "clone_and_setup_s": round(setup, 1),
            "second_setup_s": round(time.perf_counter() - again, 2),
            "venv_mb": size_mb(home / "weft" / ".venv"),
            "venv_without_ray_mb": size_mb(home / "weft" / ".venv")
            - size_mb(next((home / "weft" / ".venv").glob("lib/python*/site-packages/ray"))),
            "all_mb": size_mb(home / "weft"),
        }
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clone", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    figures: dict[str, object] = {"start": starts(arguments.rounds)}
    if arguments.clone:
        figures["clone"] = clone()
    json.dump(figures, sys.stdout, indent=2)
    print()
