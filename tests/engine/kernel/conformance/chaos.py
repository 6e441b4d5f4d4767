"""Kills jobs in every way there is, and looks whether the results are exact.

    python -m tests.engine.kernel.conformance.chaos --minutes 30 [--seed 7] [--backends processes]

Every scenario is drawn from a seed, which is printed; `--seed 7 --count 1` plays it again. The
moments of death are told by progress (records, checkpoints, places in a commit), not by time.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from tests.engine.kernel.conformance.chaos_program import KEYS, WINDOW, Run, again, down, lift
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.files import Files

ROOT = Path(__file__).parents[4]
PATIENCE = 170
MOST_RUNS = 12


@dataclass(frozen=True)
class Fate:
    """How one start of the program is to end."""

    at_record: int = 0
    at_checkpoint: int = 0
    victim: str = "worker"
    crash_at: str = ""


@dataclass(frozen=True)
class Scenario:
    """Starts with a fate each, and then some until the job has ended."""

    first: Run
    fates: tuple[Fate, ...]
    parallelisms: tuple[int, ...] = (2,)
    states: tuple[str, ...] = ("heap",)


def drawn(seed: int, backends: Sequence[str] = ("threads", "processes")) -> Scenario:
    """A scenario at random."""
    chance = random.Random(seed)
    backend = chance.choice(backends)
    run = Run(
        "",
        backend,
        interval_ms=chance.choice([15, 40, 100]),
        batch=chance.choice([32, 128, 512]),
        seed=seed,
    )
    fates = [_fate(chance, backend) for _ in range(chance.randint(1, 4))]
    rescaled = tuple(chance.randint(1, 4) for _ in range(3))
    parallelisms = rescaled if chance.random() < 0.5 else rescaled[:1]
    return Scenario(run, tuple(fates), parallelisms, (chance.choice(["heap", "disk"]),))


def _fate(chance: random.Random, backend: str) -> Fate:
    kind = chance.randrange(4)
    if kind == 0:
        # Parts are written by workers there. Every one that takes the place of a dead one would
        # die at its own nth part, until no restart is left.
        points = [p for p in crash_points.POINTS if backend == "threads" or p != "before_part"]
        return Fate(crash_at=f"{chance.choice(points)}:{chance.randint(1, 6)}")
    if kind == 1:
        return Fate(at_checkpoint=chance.randint(1, 5), victim="coordinator")
    if kind == 2 and backend != "threads":
        return Fate(at_checkpoint=chance.randint(1, 5))
    return Fate(at_record=chance.randint(1, 6000))


def play(scenario: Scenario, folder: Path) -> dict[str, int]:
    """Start the program until its job has ended; AssertionError unless all results are exact."""
    # Whoever is killed leaves temporary files; sockets need a short path.
    temporary = tempfile.mkdtemp(prefix="wc-", dir="/tmp")
    try:
        return _play(scenario, folder, {"TMPDIR": temporary})
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _play(scenario: Scenario, folder: Path, environment: Mapping[str, str]) -> dict[str, int]:
    told = {"starts": 0, "killed": 0}
    for number in range(MOST_RUNS):
        fate = scenario.fates[number] if number < len(scenario.fates) else Fate()
        run = replace(
            scenario.first,
            folder=str(folder),
            parallelism=scenario.parallelisms[number % len(scenario.parallelisms)],
            state=scenario.states[number % len(scenario.states)],
            at_record=fate.at_record,
            at_checkpoint=fate.at_checkpoint,
            victim=fate.victim,
        )
        told["starts"] += 1
        status = start(run, {**environment, "WEFT_CRASH_AT": fate.crash_at})
        if status == 0:
            break
        told["killed"] += 1
    else:
        raise AssertionError(f"the job has not come to its end in {MOST_RUNS} starts")
    verify(run)
    told["attempts"] = json.loads((folder / "collected.json").read_text())["attempts"]
    nobody_is_left(folder)
    return told


def start(run: Run, environment: Mapping[str, str]) -> int:
    """Run the program; its exit status."""
    environment = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "tests.engine.kernel.conformance.chaos_program",
        json.dumps(asdict(run)),
    ]
    log = Path(run.folder) / "log"
    with log.open("ab") as out:
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            timeout=PATIENCE,
            stdout=out,
            stderr=out,
            check=False,
        )
    assert done.returncode in {0, -signal.SIGKILL}, log.read_text()[-6000:]
    return done.returncode


def verify(run: Run) -> None:
    """Every result is there, and once."""
    out = Path(run.folder) / "out"
    for name in ("sums", "again"):
        check_sums(lines(out / name), run.records, name)
    same(lines(out / "windows"), windows(run.records), "windows")
    collected = json.loads((Path(run.folder) / "collected.json").read_text())
    tens = range(0, run.records, 10)
    same(collected["odd"], [n for n in tens if n % 2], "odd")
    by_key = Counter(n % KEYS for n in tens)
    same(
        lines(out / "even"), [*(n for n in tens if n % 2 == 0), *map(list, by_key.items())], "even"
    )
    same(collected["loop"], [looped(n) for n in tens], "loop")
    storage = Files(Path(run.folder) / "checkpoints", "chaos")
    assert storage.load(storage.checkpoints()[0]).kind == "final"
    assert not list(out.glob("*/.staging/*"))


def looped(number: int) -> int:
    item = down(lift(number))
    while again(item):
        item = down(item)
    return item


def check_sums(found: list[list[int]], records: int, what: str) -> None:
    """Every key has counted from one on, and has the right sum in the end."""
    counts, totals = Counter[int](), Counter[int]()
    for numbers in (range(records), range(records // 10)):
        for number in numbers:
            counts[number % KEYS] += 1
            totals[number % KEYS] += number
    same(
        [f[:2] for f in found],
        [[k, n + 1] for k, most in counts.items() for n in range(most)],
        what,
    )
    last = {key: total for key, count, total in found if count == counts[key]}
    assert last == totals, f"{what} are wrong"


def windows(records: int) -> list[list[int]]:
    counts = Counter((n % KEYS, n - n % WINDOW) for n in range(records))
    return [[key, start, count] for (key, start), count in counts.items()]


def lines(folder: Path) -> list[Any]:
    return [
        json.loads(line) for part in folder.glob("part-*") for line in part.read_text().splitlines()
    ]


def same(found: list[Any], wanted: list[Any], what: str) -> None:
    got, want = Counter(map(repr, found)), Counter(map(repr, wanted))
    lost, more = want - got, got - want
    assert not lost, f"{what}: {sum(lost.values())} lost, such as {list(lost)[:5]}"
    assert not more, f"{what}: {sum(more.values())} too many, such as {list(more)[:5]}"


def nobody_is_left(folder: Path) -> None:
    """Workers do not outlive the job."""
    left = []
    for path in (folder / "pids").iterdir():
        try:
            process = psutil.Process(int(path.name))
        except psutil.NoSuchProcess:
            continue
        if process.create_time() <= path.stat().st_mtime + 1:
            left.append(process)
    _, alive = psutil.wait_procs(left, timeout=60)
    assert not alive, f"still there: {alive}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--backends", nargs="+", default=["threads", "processes", "ray"])
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    end, totals = time.monotonic() + 60 * asked.minutes, Counter[str]()
    for number in range(asked.count):
        if time.monotonic() >= end:
            break
        sys.stdout.write(f"seed {seed + number}\n")
        sys.stdout.flush()
        with tempfile.TemporaryDirectory(prefix="weft-chaos-") as folder:
            totals.update(play(drawn(seed + number, asked.backends), Path(folder)))
        totals["scenarios"] += 1
    sys.stdout.write(f"{dict(totals)}\n")


if __name__ == "__main__":
    main()
