"""What a round of a loop costs: one after the other, in memory and durable.

    python -m benchmarks.run_loops [--rounds N] [--times N]

`pure` has two light nodes in its body, `threads` one that is called on a thread, `effects` one with
effects, before which everything is on disk. Rounds a second, the median of some runs. `a sync` is
what the disk takes: whatever waits for it every round cannot be faster.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from benchmarks.run_graph import as_the_engine, beside, info
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.types import Json
from weft_engine.runs.engine.run import Run
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

ROUNDS = 500


class Numbers(NodeType):
    """Some numbers."""

    type: Literal["bench.numbers"] = "bench.numbers"
    count: int = ROUNDS
    info = info()

    def process(self) -> list[Json]:
        return list(range(self.count))


class Light(NodeType):
    """Gives on what it is given, in the run's own thread."""

    type: Literal["bench.light"] = "bench.light"
    info = info()

    def process(self, item: Json) -> Json:
        return item


class Threaded(NodeType):
    """The same, on a thread."""

    type: Literal["bench.threaded"] = "bench.threaded"
    info = info(cost="io")

    def process(self, item: Json) -> Json:
        return item


class Outside(NodeType):
    """The same; it counts as something that has effects."""

    type: Literal["bench.outside"] = "bench.outside"
    info = info(effects=True, pure=False)

    def process(self, item: Json) -> Json:
        return item


BODIES = {
    "pure": ("bench.light", "bench.light"),
    "threads": ("bench.threaded",),
    "effects": ("bench.outside",),
}


def catalogue() -> Catalogue:
    return Catalogue([*Catalogue.installed(), Numbers, Light, Threaded, Outside])


def loop(body: tuple[str, ...], rounds: int) -> Flow:
    """A loop over numbers, a round at a time."""
    nodes = {
        "numbers": Node(type="bench.numbers", settings={"count": rounds}),
        "loop": Node(type="control.for_each", settings={"concurrency": 1}),
    }
    edges = [_edge("numbers.out", "loop.items")]
    before = "loop.item"
    for number, kind in enumerate(body):
        nodes[f"b{number}"] = Node(type=kind, parent="loop")
        edges.append(_edge(before, f"b{number}.item"))
        before = f"b{number}.out"
    edges.append(_edge(before, "loop.result"))
    return Flow(name="Loop", nodes=nodes, edges=tuple(edges))


def _edge(source: str, target: str) -> Edge:
    (source, source_port), (target, target_port) = source.split("."), target.split(".")
    return Edge(source=source, source_port=source_port, target=target, target_port=target_port)


def seconds(folder: Path, program: Program, kinds: Catalogue, store: SqliteJournal | None) -> float:
    """How long one run takes."""
    request = RunRequest(run_id=f"r{time.monotonic_ns()}", flow={})
    journal, values = None, None
    if store is not None:
        values = ValueStore(folder, Codec.of(kinds))
        journal = open_run(store, request, program.hash, "sync", "benchmark")
    run = Run(
        request,
        program,
        emit=lambda events: None,
        store=OutputStore(folder),
        files=LocalFiles(folder, confined=True),
        journal=journal,
        values=values,
    )
    began = time.perf_counter()
    result = run.go()
    assert result.state == "completed", result.failure
    return time.perf_counter() - began


def main() -> None:
    as_the_engine()
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--times", type=int, default=7)
    options = parser.parse_args()
    kinds = catalogue()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        store = SqliteJournal(folder / "journal.db", Codec.of(kinds))
        result: dict[str, Any] = {"beside": beside(folder)}
        for name, body in BODIES.items():
            program = compile_program(loop(body, options.rounds), kinds)
            for where, kept in (("memory", None), ("durable", store)):
                seconds(folder, program, kinds, kept)
                took = [seconds(folder, program, kinds, kept) for _ in range(options.times)]
                median = options.rounds / statistics.median(took)
                result[f"{name}, {where}"] = {"rounds_a_second": round(median)}
        store.close()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
