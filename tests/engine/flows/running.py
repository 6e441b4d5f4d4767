"""Runs a flow on the engine, and says what it gave in the words of the reference."""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.flows.strategies import CATALOGUE
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions
from weft_engine.flow.model import Flow
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest, RunResult


@dataclass
class Ran:
    """A run that is over."""

    result: RunResult
    outputs: dict[str, dict[str, Any]]
    events: list[RunEvent] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str(self.result.state)


def engine(
    flow: Flow,
    *,
    seed: int | None = None,
    batch_size: int = 1024,
    parallelism: int | None = None,
    isolate: frozenset[str] = frozenset(),
    flows: dict[str, Flow] | None = None,
    inputs: dict[str, Any] | None = None,
    cancel_at: str | None = None,
    options: ProgramOptions | None = None,
) -> Ran:
    """Run a flow once, in memory.

    A seed chooses which of several ready units goes next; `cancel_at` is the path of a node: when
    that begins, the run is cancelled.
    """
    called = {name: each.model_dump(mode="json") for name, each in (flows or {}).items()}
    request = RunRequest(
        run_id="run_test",
        flow=flow.model_dump(mode="json"),
        flows=called,
        inputs=inputs or {},
        parallelism=parallelism,
    )
    options = replace(options or ProgramOptions(), isolate=isolate, flows=called)
    program = compile_program(flow, CATALOGUE, options)
    events: list[RunEvent] = []
    control = RunControl()

    def hear(told: list[RunEvent]) -> None:
        events.extend(told)
        if any(e.type == "node_started" and e.node == cancel_at for e in told):
            control.cancel()

    with TemporaryDirectory() as folder:
        run = Run(
            request,
            program,
            emit=hear,
            control=control,
            store=OutputStore(Path(folder)),
            files=LocalFiles(Path(folder), confined=True),
            batch_size=batch_size,
            choose=random.Random(seed).randrange if seed is not None else None,
        )
        result = run.go()
        outputs = {
            node: {port: _given(kept) for port, kept in ports.items()}
            for node, ports in run.outputs().items()
            if CATALOGUE.work_of(flow.nodes[node]).outputs
        }
    return Ran(result, outputs, events)


def _given(kept: dict[str, Any]) -> Any:
    return kept["value"] if kept["kind"] == "value" else kept["records"]
