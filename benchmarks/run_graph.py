"""What the scheduler of runs costs: ten layers of ten nodes, and a skewed graph.

    python -m benchmarks.run_graph [--rounds N]

- `trivial`: nodes that add two numbers, two inputs each, with all events on; in memory and durable
  (SQLite, FULL: what follows a node starts when its row is on disk). Microseconds a node, by the
  clock and of processor time, which other work on the machine changes little.
- `sleeping`: the same shape with nodes of 20 ms; its critical path is 200 ms. Asynchronous nodes,
  nodes that block, and nodes that block without saying so.
- `skewed`: 100 nodes of 2 to 60 ms in ten columns that know nothing of each other.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Number
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

LAYERS = WIDTH = 10
SLEEP_S = 0.02


def info(**more: Any) -> NodeInfo:
    zh = Zh(title="测量", summary="用于测量。")
    return NodeInfo(category="process", icon="box", title="Measure", zh=zh, **more)


class Add(NodeType):
    """Adds two numbers."""

    type: Literal["bench.add"] = "bench.add"
    info = info()

    def process(self, a: Number = 1, b: Number = 1) -> Number:
        return a + b if a + b < 1e6 else 1


class Sleep(NodeType):
    """Waits, and lets others do so meanwhile."""

    type: Literal["bench.sleep"] = "bench.sleep"
    seconds: float = SLEEP_S
    info = info(cost="io")

    async def process(self, a: Number = 1, b: Number = 1) -> Number:
        await asyncio.sleep(self.seconds)
        return 1


class Block(NodeType):
    """Blocks its thread."""

    type: Literal["bench.block"] = "bench.block"
    info = info(cost="io")

    def process(self, a: Number = 1, b: Number = 1) -> Number:
        time.sleep(SLEEP_S)
        return 1


class Sly(NodeType):
    """Blocks its thread, and says nothing of it."""

    type: Literal["bench.sly"] = "bench.sly"
    info = info()

    def process(self, a: Number = 1, b: Number = 1) -> Number:
        time.sleep(SLEEP_S)
        return 1


CATALOGUE = Catalogue([Add, Sleep, Block, Sly])


def grid(kind: str) -> Flow:
    """Ten layers of ten nodes, each on two of the layer before."""
    names = [[f"n{layer}_{at}" for at in range(WIDTH)] for layer in range(LAYERS)]
    edges = [
        Edge(source=before[(at + offset) % WIDTH], source_port="out", target=layer[at],
             target_port=port)
        for before, layer in pairwise(names)
        for at in range(WIDTH)
        for offset, port in ((0, "a"), (1, "b"))
    ]  # fmt: skip
    nodes = {name: Node(type=kind) for layer in names for name in layer}
    return Flow(name="Grid", nodes=nodes, edges=tuple(edges))


def skewed() -> tuple[Flow, float]:
    """Ten columns of ten nodes of 2 to 60 ms; and how long the longest column takes, in seconds."""
    chance = random.Random(7)
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    sums: list[float] = []
    for column in range(WIDTH):
        seconds = [chance.uniform(0.002, 0.06) for _ in range(LAYERS)]
        sums.append(sum(seconds))
        for at, each in enumerate(seconds):
            nodes[f"n{column}_{at}"] = Node(type="bench.sleep", settings={"seconds": each})
            if at:
                edges.append(
                    Edge(
                        source=f"n{column}_{at - 1}",
                        source_port="out",
                        target=f"n{column}_{at}",
                        target_port="a",
                    )
                )
    return Flow(name="Skewed", nodes=nodes, edges=tuple(edges)), max(sums)


def measure(
    folder: Path, flow: Flow, rounds: int, journal: SqliteJournal | None = None
) -> list[float]:
    """How long each run took, in seconds."""
    program = compile_program(flow, CATALOGUE)
    one_run(folder, program, journal, "warm")
    return [one_run(folder, program, journal, f"r{number}") for number in range(rounds)]


def one_run(
    folder: Path, program: Program, store: SqliteJournal | None, name: str
) -> tuple[float, float]:
    events: list[RunEvent] = []
    request = RunRequest(run_id=f"{name}_{time.monotonic_ns()}", flow={})
    journal, values = None, None
    if store is not None:
        values = ValueStore(folder, Codec.of(CATALOGUE))
        journal = open_run(store, request, program.hash, "sync", "benchmark")
    run = Run(
        request,
        program,
        emit=events.extend,
        store=OutputStore(folder),
        files=LocalFiles(folder, confined=True),
        journal=journal,
        values=values,
    )
    began, cpu = time.perf_counter(), time.process_time()
    result = run.go()
    took = time.perf_counter() - began, time.process_time() - cpu
    assert result.state == "completed", result.failure
    assert len(events) == 3 * len(program.flow.nodes) + 2
    return took


def per_node(taken: list[tuple[float, float]]) -> dict[str, float]:
    nodes = LAYERS * WIDTH
    seconds = [wall for wall, _ in taken]
    return {
        "median_us": round(statistics.median(seconds) / nodes * 1e6, 1),
        "best_us": round(min(seconds) / nodes * 1e6, 1),
        "cpu_us": round(statistics.median(cpu for _, cpu in taken) / nodes * 1e6, 1),
    }


def against(limit: float, taken: list[tuple[float, float]]) -> dict[str, float]:
    seconds = [wall for wall, _ in taken]
    median = statistics.median(seconds)
    return {
        "limit_ms": round(limit * 1000, 1),
        "median_ms": round(median * 1000, 1),
        "best_ms": round(min(seconds) * 1000, 1),
        "over_percent": round((min(seconds) / limit - 1) * 100, 1),
    }


def beside(folder: Path) -> dict[str, float]:
    """What the machine itself takes, now: when these are high, so is everything else."""
    syncs, sleeps, loops = [], [], []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            syncs.append(time.perf_counter() - began)
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(LAYERS):
            time.sleep(SLEEP_S)
        sleeps.append(time.perf_counter() - began)
        began, number = time.perf_counter(), 0
        for each in range(100_000):
            number += each
        loops.append(time.perf_counter() - began)
    return {
        "a_sync_us": round(statistics.median(syncs) * 1e6),
        "ten_sleeps_ms": round(statistics.median(sleeps) * 1000, 1),
        "100000_additions_ms": round(statistics.median(loops) * 1000, 2),
    }


def as_the_engine() -> None:
    """What the engine's own process sets (`runs.supervisor`)."""
    sys.setswitchinterval(0.001)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def main() -> None:
    as_the_engine()
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    few = max(options.rounds // 20, 3)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        store = SqliteJournal(folder / "journal.db", Codec.of(CATALOGUE))
        flow, longest = skewed()
        trivial = grid("bench.add")
        result: dict[str, Any] = {
            "beside": beside(folder),
            "trivial": {
                "memory": per_node(measure(folder, trivial, options.rounds)),
                "durable": per_node(measure(folder, trivial, options.rounds // 2, store)),
            },
            "sleeping": {
                kind: against(LAYERS * SLEEP_S, measure(folder, grid(f"bench.{kind}"), few))
                for kind in ("sleep", "block", "sly")
            },
            "skewed": against(longest, measure(folder, flow, few)),
        }
        store.close()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
