"""Runs of small flows in an environment that the test chooses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engine.runs.engine.harness import Ran
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.run import Run
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.remote import RemoteExecutor
from weft_engine.runs.executors.remote_crew import Crew
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest


def execute(
    crew: Crew | None,
    flow: Flow,
    catalogue: Catalogue,
    folder: Path,
    *,
    control: RunControl | None = None,
    heard: Callable[[RunEvent], None] | None = None,
    shared_disk: bool = True,
    batch_size: int = 1024,
    choose: Callable[[int], int] | None = None,
    isolate: frozenset[str] = frozenset(),
    **asked: Any,
) -> Ran:
    """Run a flow with the workers of a crew; on threads of this process without one."""
    events: list[RunEvent] = []

    def hear(told: list[RunEvent]) -> None:
        events.extend(told)
        for event in told:
            if heard is not None:
                heard(event)

    request = RunRequest(run_id="run_test", flow={}, **asked)
    options = ProgramOptions(isolate=isolate, flows=request.flows)
    program = compile_program(flow, catalogue, options)
    store = OutputStore(folder)
    executor = None
    if crew is not None:
        executor = RemoteExecutor(
            crew,
            request,
            program,
            catalogue,
            store=store,
            batch_size=batch_size,
            outputs=folder if shared_disk else None,
        )
    run = Run(
        request,
        program,
        emit=hear,
        store=store,
        files=LocalFiles(folder, confined=True),
        executor=executor,
        control=control,
        batch_size=batch_size,
        choose=choose,
    )
    if executor is not None:
        executor.enter(run.core.run_scope)
    result = run.go()
    return Ran(result, events, run.outputs() if result.state.ended else {})
