"""Runs the examples, and reads their data by other means than the nodes."""

import csv
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import yaml

from weft_engine.compiler.calling import calls_of
from weft_engine.flow.dump import to_data
from weft_engine.flow.file import read_file
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import NodeState, RunResult, RunState
from weft_engine.runs.runner import run_flow

EXAMPLES = Path(__file__).parents[3] / "examples"
DATA = EXAMPLES / "data"
INDEX: list[dict[str, Any]] = yaml.safe_load((EXAMPLES / "index.yaml").read_text())
FILES = sorted(path.name for path in EXAMPLES.glob("*.yaml") if path.name != "index.yaml")
CATALOGUE = Catalogue.installed()


def table(name: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Read a table with nothing but the standard library."""
    with (DATA / name).open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def cents(values: Any) -> float:
    """Add up amounts exactly."""
    return float(sum(map(Decimal, values), Decimal(0)).quantize(Decimal("0.01")))


def mean(values: list[str]) -> float:
    """The mean of amounts, exact and rounded at the end."""
    exact = sum(map(Decimal, values)) / len(values)
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def only(rows: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
    """Some columns of rows: what a chart keeps."""
    return [{column: row[column] for column in columns} for row in rows]


def called(name: str) -> dict[str, Any]:
    """The examples that an example calls, as a run is given them."""
    found: dict[str, Any] = {}
    for callee in calls_of(to_data(read_file(EXAMPLES / name))):
        found[callee] = to_data(read_file(EXAMPLES / f"{callee}.yaml"))
        found |= called(f"{callee}.yaml")
    return found


def run(
    name: str, root: Path, inputs: dict[str, Any] | None = None, allow: str = ""
) -> dict[str, list[Any]]:
    """Run an example and return what its last nodes show."""
    result, _ = run_whole(name, root, inputs, allow)
    assert all(node.state == NodeState.COMPLETED for node in result.nodes.values())
    return shown(result)


def shown(result: RunResult) -> dict[str, list[Any]]:
    """What the last nodes of a run show."""
    return {
        node: ports["view"]["records"] for node, ports in result.outputs.items() if "view" in ports
    }


def run_whole(
    name: str, root: Path, inputs: dict[str, Any] | None = None, allow: str = ""
) -> tuple[RunResult, list[RunEvent]]:
    """Run an example to its end, and return what became of it and what was told."""
    events: list[RunEvent] = []
    result = run_flow(
        read_file(EXAMPLES / name),
        CATALOGUE,
        run_id="example",
        files=LocalFiles(root, confined=True),
        emit=events.append,
        store=OutputStore(root / "store"),
        inputs=inputs or {},
        allow_hosts=[allow.removeprefix("http://")] if allow else [],
        flows=called(name),
    )
    assert result.state == RunState.COMPLETED, result.failure
    return result, events
