"""Flows of rows, and runs of them that keep few records, so that little is much."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeInfo, NodeType, RowWork, Zh
from weft_engine.nodes.types import Row
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore, RecordsWriter
from weft_engine.runs.run import RunRequest, RunResult

KEPT = 3
"""How many records of a stream are kept for looking at."""


class Rows(NodeType):
    """Rows from a setting.

    >>> list(Rows(rows=[{"a": 1}]).process())
    [{'a': 1}]
    """

    type: Literal["t.rows"] = "t.rows"
    rows: tuple[dict[str, Any], ...] = ()

    info = NodeInfo(
        category="source", icon="x", title="Rows", output="rows", zh=Zh(title="行", summary="行。")
    )

    def process(self) -> Iterator[Row]:
        """Yield them."""
        yield from self.rows

    def row_work(self) -> RowWork:
        """It has the same columns everywhere, or not."""
        return RowWork("source", alike=len({tuple(sorted(row)) for row in self.rows}) < 2)


CATALOGUE = Catalogue([Rows, *Catalogue.installed()])
assert not CATALOGUE.problems, CATALOGUE.problems


class SmallStore(OutputStore):
    """Keeps a few records of each stream."""

    def records(self, most: int | None = None) -> RecordsWriter:
        return RecordsWriter(self, KEPT)


@dataclass
class Ran:
    """A run that is over."""

    program: Program
    result: RunResult
    outputs: dict[str, dict[str, Any]]
    events: list[RunEvent] = field(default_factory=list)

    def said(self, rule: str, *, done: bool = True) -> list[str]:
        """The notes of a rule."""
        notes = self.program.notes
        return [note.message for note in notes if note.rule == rule and note.done == done]

    def logged(self, node: str) -> list[str]:
        """The lines of a node in the log."""
        return [
            event.data["message"]
            for event in self.events
            if event.type == "log" and event.node == node
        ]

    def seen(self, node: str) -> dict[str, Any]:
        """All that people see of a node, but times."""
        found = self.result.nodes[node]
        return {
            "state": str(found.state),
            "reason": found.reason,
            "in": found.count_in,
            "out": found.count_out,
            "kept": {
                port: {key: ref.get(key) for key in ("count", "kept", "inline")}
                for port, ref in found.outputs.items()
            },
        }


def chain(*nodes: tuple[str, str, dict[str, Any]], **more: Any) -> Flow:
    """Nodes one after the other, `(name, type, settings)`."""
    names = [name for name, _, _ in nodes]
    return Flow.model_validate(
        {
            "name": "Chain",
            "nodes": {
                name: {"type": kind, "settings": settings, **more.pop(name, {})}
                for name, kind, settings in nodes
            },
            "edges": [
                {"source": a, "source_port": "rows", "target": b, "target_port": "rows"}
                for a, b in pairwise(names)
            ],
            **more,
        }
    )


def run(
    flow: Flow,
    *,
    batch_size: int = 2,
    store: type[OutputStore] = SmallStore,
    folder: Path | None = None,
    **options: Any,
) -> Ran:
    """Run a flow once, in memory."""
    program = compile_program(flow, CATALOGUE, ProgramOptions(**options))
    events: list[RunEvent] = []
    with TemporaryDirectory() as home:
        place = folder or Path(home)
        made = Run(
            RunRequest(run_id="run_test", flow={}),
            program,
            emit=events.extend,
            store=store(Path(home)),
            files=LocalFiles(place, confined=True),
            batch_size=batch_size,
        )
        result = made.go()
        outputs = {
            node: {port: kept.get("records", kept.get("value")) for port, kept in ports.items()}
            for node, ports in made.outputs().items()
        }
    return Ran(program, result, outputs, events)
