"""The grid of ten layers of ten nodes in every system, in turns."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.environments import Environments, NotInstallableError

INSIDE = Path(__file__).parent / "inside"
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
}
CASES = (
    ("trivial", "memory"),
    ("trivial", "durable"),
    ("sleeping", "memory"),
    ("sleeping", "durable"),
)
PATIENCE_S = 300


@dataclass(frozen=True, slots=True)
class System:
    """A system that can run the grid."""

    name: str
    program: str
    """Of `inside`; empty for ours."""
    kept: tuple[str, ...]
    """In which ways it keeps what it did."""
    rounds: Mapping[str, int] = field(default_factory=lambda: {"trivial": 20, "sleeping": 5})


SYSTEMS = (
    System("Weft", "", ("memory", "durable")),
    System("LangGraph", "langgraph_grid.py", ("memory", "durable")),
    System("Ray tasks", "ray_grid.py", ("memory",)),
    System("Dagster", "dagster_grid.py", ("memory", "durable"), {"trivial": 2, "sleeping": 1}),
    System("Prefect", "prefect_grid.py", ("durable",), {"trivial": 2, "sleeping": 1}),
)

Taken = list[tuple[float, float]]
"""Of each run: seconds by the clock, and of the process that runs it, without its servers."""
Times = dict[str, dict[tuple[str, str], Taken]]
"""By system and case."""


def take(environments: Environments, turns: int, only: Iterable[str]) -> tuple[Times, list[str]]:
    """Every case of every system, turn by turn; and what went wrong."""
    times: Times = {}
    trouble: list[str] = []
    wanted = [system for system in SYSTEMS if not only or system.name in only]
    for turn in range(turns):
        for kind, kept in CASES:
            for system in wanted:
                if kept not in system.kept:
                    continue
                print(f"turn {turn + 1}: {system.name}, {kind}, {kept}", file=sys.stderr)
                try:
                    taken = once(environments, system, kind, kept)
                except (NotInstallableError, RuntimeError) as error:
                    trouble.append(f"{system.name}, {kind}, {kept}: {error}")
                    continue
                print(f"{system.name}: {taken}", file=sys.stderr)
                times.setdefault(system.name, {}).setdefault((kind, kept), []).extend(taken)
    return times, trouble


def once(environments: Environments, system: System, kind: str, kept: str) -> Taken:
    """Some runs of one case in a fresh process, the first not counted.

    Raises:
        NotInstallableError: the system cannot be installed here.
        RuntimeError: it did not do the work.
    """
    rounds = str(system.rounds[kind])
    if system.program:
        command = [str(environments.python()), str(INSIDE / system.program)]
    else:
        command = [sys.executable, "-m", "benchmarks.peers.weft_grid"]
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, **QUIET, "PREFECT_HOME": home}
        done = subprocess.run(
            [*command, kind, kept, rounds],
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    told = [line for line in done.stdout.splitlines() if line.startswith('{"taken"')]
    if not told:
        raise RuntimeError("".join(done.stderr.strip().splitlines()[-1:])[:200] or "said nothing")
    return [(wall, cpu) for wall, cpu in json.loads(told[-1])["taken"]]


def table(times: Times) -> str:
    """Medians, best times and times of the processor as a table in Markdown."""
    lines = [
        "| 10 x 10 nodes | trivial, memory | trivial, durable | 20 ms, memory | 20 ms, durable |",
        "|---|---|---|---|---|",
    ]
    for system, cases in times.items():
        cells = [shown(case, cases.get(case)) for case in CASES]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(case: tuple[str, str], taken: Taken | None) -> str:
    """Microseconds a node, or milliseconds of the whole: median, best, and of the processor."""
    if not taken:
        return ""
    walls = [wall for wall, _ in taken]
    figures = statistics.median(walls), min(walls), statistics.median(cpu for _, cpu in taken)
    if case[0] == "trivial":
        median, best, cpu = (f"{each * 1e4:,.1f}" for each in figures)
        return f"{median} µs a node, best {best}, CPU {cpu}"
    median, best, cpu = (f"{each * 1000:,.0f}" for each in figures)
    return f"{median} ms, best {best}, CPU {cpu}"
