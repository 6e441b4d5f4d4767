"""What optimising a flow saves: a CSV of 20 columns of which 3 are used, with the filter late.

Each flow is run in this process, without a server: as it is written, optimised as runs are that
people may look at, and as runs are that an event started. Templates are filled in one by one and
many at a time. Seconds are of the processor; rounds take turns, and the best counts.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions
from weft_engine.flow.model import Flow
from weft_engine.library.text_make import FillTemplate
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.engine.run import Run
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest, RunState

WAYS = {
    "as_written": ProgramOptions(optimise=False),
    "attended": ProgramOptions(),
    "unattended": ProgramOptions(attended=False),
}
READ = ("file.read_csv", {"path": "rows.csv"})
CLEAN = ("data.clean", {"columns": ["name"], "steps": ["collapse_spaces", "title"]})
FILTER = ("data.filter", {"where": "item.region == vars.region"})
GROUP = ("data.group", {"by": ["name"], "aggregates": [{"op": "sum", "field": "amount"}]})
SORT = ("data.sort", {"by": [{"field": "name"}]})
FLOWS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "clean, filter, group": [READ, CLEAN, FILTER, GROUP],
    "sort, filter, group": [READ, SORT, FILTER, GROUP],
    "filter, group": [READ, FILTER, GROUP],
}
UNREAD = {"filter, group; a sort that nothing reads": [READ, FILTER, GROUP, SORT]}
"""The last node hangs on the first, and only the one before it is an output of the flow."""
TEMPLATE = [
    ("data.generate", {"count": 200_000}),
    ("text.template", {"template": "number {{ item.number }} of {{ vars.region }}"}),
]


class OneByOne(FillTemplate):
    """The same without `process_batch`."""

    process_batch: ClassVar[Any] = None


def write(path: Path, rows: int) -> None:
    """Rows with a region of 50, a name, an amount, and columns that nobody uses."""
    others = [f"other_{at}" for at in range(17)]
    with path.open("w") as file:
        file.write(",".join(["region", "name", "amount", *others]) + "\n")
        for at in range(rows):
            rest = ",".join(str(at * place % 9973) for place in range(17))
            file.write(f"r{at % 50}, name  {at % 1000} ,{at % 997}.5,{rest}\n")


def flow(nodes: list[tuple[str, dict[str, Any]]]) -> Flow:
    names = [f"n{at}" for at in range(len(nodes))]
    ends = [("rows", "item" if kind == "text.template" else "rows") for kind, _ in nodes[1:]]
    return Flow.model_validate(
        {
            "name": "Optimised",
            "variables": {"region": "r7"},
            "nodes": {
                name: {"type": kind, "settings": settings}
                for name, (kind, settings) in zip(names, nodes, strict=True)
            },
            "edges": [
                {"source": a, "source_port": out, "target": b, "target_port": port}
                for a, b, (out, port) in zip(names, names[1:], ends, strict=False)
            ],
        }
    )


def with_unread(nodes: list[tuple[str, dict[str, Any]]]) -> Flow:
    """The last node is a branch of its own, of which nothing comes."""
    made, last = flow(nodes), f"n{len(nodes) - 1}"
    edges = [edge for edge in made.edges if edge.target != last]
    branch = {"source": "n0", "source_port": "rows", "target": last, "target_port": "rows"}
    plain = made.model_dump(mode="json")
    plain["edges"] = [*(edge.model_dump() for edge in edges), branch]
    return Flow.model_validate({**plain, "outputs": [f"n{len(nodes) - 2}"]})


def seconds(made: Flow, catalogue: Catalogue, folder: Path, options: ProgramOptions) -> Any:
    """One run: how long it took, and what it gave."""
    program = compile_program(made, catalogue, options)
    with TemporaryDirectory() as home:
        run = Run(
            RunRequest(run_id="run_bench", flow={}),
            program,
            emit=lambda events: None,
            store=OutputStore(Path(home)),
            files=LocalFiles(folder, confined=True),
        )
        began = time.process_time()
        result = run.go()
        took = time.process_time() - began
        assert result.state is RunState.COMPLETED, result.failure
        return took, run.outputs()


def templates(rounds: int, folder: Path) -> dict[str, float]:
    """Templates one by one, and many at a time."""
    many = Catalogue.installed()
    others = [node for node in many if node is not FillTemplate]
    single = Catalogue([OneByOne, *others])
    batched = [each.work("text.template").batched for each in (single, many)]
    assert batched == [False, True], single.problems
    best: dict[str, float] = {}
    for _ in range(rounds):
        for way, catalogue in (("one_by_one", single), ("many", many)):
            took, _ = seconds(flow(TEMPLATE), catalogue, folder, ProgramOptions())
            best[way] = min(best.get(way, took), took)
    found = {way: round(took, 2) for way, took in best.items()}
    return {**found, "times_faster": round(best["one_by_one"] / best["many"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    catalogue = Catalogue.installed()
    found: dict[str, Any] = {"rows": options.rows}
    with TemporaryDirectory() as home:
        folder = Path(home)
        write(folder / "rows.csv", options.rows)
        made = {title: flow(nodes) for title, nodes in FLOWS.items()}
        made |= {title: with_unread(nodes) for title, nodes in UNREAD.items()}
        for title, drawn in made.items():
            best: dict[str, float] = {}
            gave: list[Any] = []
            for _ in range(options.rounds):
                for way, how in WAYS.items():
                    took, outputs = seconds(drawn, catalogue, folder, how)
                    best[way] = min(best.get(way, took), took)
                    gave.append(outputs)
            assert all(each == gave[0] for each in gave), title
            found[title] = {way: round(took, 2) for way, took in best.items()} | {
                f"{way}_times_faster": round(best["as_written"] / took, 2)
                for way, took in best.items()
                if way != "as_written"
            }
            print(json.dumps({title: found[title]}), flush=True)
        found["template"] = templates(options.rounds, folder)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
