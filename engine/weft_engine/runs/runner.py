"""Runs a flow from beginning to end in the calling thread, and tells what happens."""

import threading
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Any

from weft_engine.compiler.asked import require_inputs, require_outside
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.compiler.selection import Selection, select
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.kernel.backends.local import BATCH_SIZE
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.context import Files
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.children import ChildRuns
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.mistakes import mistake
from weft_engine.runs.engine.run import Run
from weft_engine.runs.engine.telling import Voice
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.environments import enter, executor_of, require_known
from weft_engine.runs.outputs import OutputRef, OutputStore, reference
from weft_engine.runs.run import RunRequest, RunResult, RunState
from weft_engine.runs.tracker import describe

__all__ = ["Emit", "make_run", "mistake", "references", "refused", "require_possible", "run_flow"]

Emit = Callable[[RunEvent], None]
Reuse = Mapping[str, Mapping[str, dict[str, Any]]]


def run_flow(
    flow: Flow,
    catalogue: Catalogue,
    *,
    run_id: str,
    files: Files,
    emit: Emit,
    store: OutputStore,
    inputs: Mapping[str, Any] | None = None,
    cancel: threading.Event | None = None,
    from_node: str | None = None,
    to_node: str | None = None,
    reuse: Reuse | None = None,
    env: str = "local",
    allow_hosts: Collection[str] = (),
    trigger: Mapping[str, Any] | None = None,
    compiled: Compiled | None = None,
    program: Program | None = None,
    read_outputs: bool = True,
    batch_size: int = BATCH_SIZE,
    last_seq: int = 0,
    **more: Any,
) -> RunResult:
    """Run a flow once.

    Args:
        flow: The flow.
        catalogue: The node types it may use.
        run_id: What the run is called.
        files: The files it may use.
        emit: Takes every event, in order, one at a time, but not always from this thread.
        store: Keeps what the ports give.
        inputs: Values for the flow's inputs.
        cancel: Set it, from any thread, to stop the run.
        from_node: Run this node and what follows it; what comes before is taken from `reuse`.
        to_node: Run this node and what it needs.
        reuse: References to earlier outputs: node → port → as in a `node_output` event.
        env: Where to run: local, processes, ray.
        allow_hosts: Addresses that requests may reach although they are not public.
        trigger: The event that started it, as in `RunRequest.trigger`.
        compiled: No longer used; `program` takes its place.
        program: The program of the flow, when it is known already.
        read_outputs: Whether the result is to hold what the flow's output nodes gave.
        batch_size: How many records are led through the flow at a time, at most.
        last_seq: The number of the last event that was told of the run before.
        more: Other fields of `RunRequest`, such as `failure_policy`, `max_seconds`, `flows`; and
            what `Run` takes, such as `journal`, `values`, `recorded`, `executor`, `control`.

    Returns:
        What became of it. A flow that fails, or is not valid, is a result, too, and no exception.
    """
    asked = {name: more.pop(name) for name in list(more) if name in RunRequest.__struct_fields__}
    request = RunRequest(
        run_id=run_id,
        flow={},
        inputs=dict(inputs or {}),
        env=env,
        from_node=from_node,
        to_node=to_node,
        reuse={node: dict(ports) for node, ports in (reuse or {}).items()},
        allow_hosts=tuple(allow_hosts),
        trigger=dict(trigger) if trigger is not None else None,
        last_seq=last_seq,
        **asked,
    )
    try:
        run = make_run(
            request,
            flow,
            catalogue,
            emit=emit,
            store=store,
            files=files,
            program=program,
            cancel=cancel,
            batch_size=batch_size,
            **more,
        )
    except FlowError as error:
        return refused(request, error, emit)
    result = run.go()
    if read_outputs and result.state.ended:
        result.outputs = run.outputs()
    return result


def make_run(
    request: RunRequest,
    flow: Flow,
    catalogue: Catalogue,
    *,
    emit: Emit,
    program: Program | None = None,
    store: OutputStore,
    **more: Any,
) -> Run:
    """Get a run ready: choose its nodes, compile its program.

    Args:
        request: What is asked for; its `flow` is not read.
        flow: The flow.
        catalogue: The node types it may use.
        emit: Takes every event.
        program: The program of the whole flow, when it is known already.
        store: Keeps what the ports give.
        more: What `Run` takes.

    Raises:
        FlowError: it cannot even begin: `flow.invalid`, `run.unknown_node`, `run.unknown_env`,
            `run.mode_unsupported`, `run.unknown_input`, `run.inside_container`, `run.unknown_port`.
    """
    require_possible(request, flow, local=more.get("executor") is None)
    require_known_parts(request, flow, catalogue)
    earlier = references(request.reuse)
    selection = choose_nodes(request, flow, earlier, program)
    part = request.from_node is not None or request.to_node is not None
    if program is None or part:
        options = ProgramOptions(
            isolate=isolated(request),
            attended=attended(request),
            flows=request.flows,
        )
        program = compile_program(flow, catalogue, options, only=selection.run if part else None)
    executor = more.pop("executor", None) or executor_of(
        request, program, catalogue, store, batch_size=more.get("batch_size", BATCH_SIZE)
    )
    files, values = more["files"], more.get("values")
    run = Run(
        request,
        program,
        emit=_one_by_one(emit),
        children=ChildRuns(catalogue, store, files, values),
        store=store,
        selection=selection,
        earlier=earlier,
        control=more.pop("control", None) or RunControl(),
        executor=executor,
        **more,
    )
    enter(executor, run.core.run_scope)
    return run


def attended(request: RunRequest) -> bool:
    """Whether somebody may look at what every node did: not when an event started the run."""
    by_event = request.trigger is not None and request.trigger.get("node") is not None
    return not by_event or bool(request.breakpoints)


def require_possible(
    request: RunRequest, flow: Flow, *, local: bool = True, live: bool = False
) -> None:
    """Refuse what cannot run here.

    Args:
        request: What is asked for.
        flow: The flow.
        local: Whether it has to run in this process.
        live: Whether runs that never end are kept here.

    Raises:
        FlowError: `run.unknown_env`, `run.mode_unsupported`, `run.unknown_input`,
            `stream.partial`.
    """
    if live and flow.mode == "streaming":
        _must_be_whole(request)
        _must_know_inputs(flow, request.inputs)
        return
    if local:
        require_known(request.env)
    _must_be_batch(flow)
    _must_know_inputs(flow, request.inputs)


def require_known_parts(request: RunRequest, flow: Flow, catalogue: Catalogue) -> None:
    """Refuse to begin or end at nodes, and values for inputs, that there are not.

    Raises:
        FlowError: `run.unknown_node`, `run.inside_container`, `run.unknown_port`.
    """
    for node in (request.from_node, request.to_node):
        if node is not None:
            require_outside(flow, catalogue, node)
    require_inputs(flow, catalogue, request.overrides)


def isolated(request: RunRequest) -> frozenset[str]:
    """The paths of nodes that must be units of their own: with breakpoints, or other inputs."""
    stops = (point.node for point in request.breakpoints if not point.sample)
    return frozenset((*stops, *request.overrides, *request.apart))


def choose_nodes(
    request: RunRequest,
    flow: Flow,
    earlier: Mapping[str, Mapping[str, OutputRef]],
    program: Program | None = None,
) -> Selection:
    """The nodes that run, and those whose earlier outputs are used."""

    def reusable(node: str, ports: Collection[str]) -> bool:
        kept = earlier.get(node, {})
        return all(port in kept and kept[port].whole for port in ports)

    return select(flow, from_node=request.from_node, to_node=request.to_node, reusable=reusable)


def refused(request: RunRequest, error: FlowError, emit: Emit) -> RunResult:
    """It cannot even begin."""
    began = monotonic()
    failure = describe(error, None, 1, None) | {"node": error.params.get("node")}
    voice = Voice(request.run_id, _one_by_one(emit), request.last_seq)
    duration_ms = round((monotonic() - began) * 1000, 3)
    voice.end("run_failed", {"duration_ms": duration_ms, "failure": failure, "never_ran": []})
    return RunResult(
        run_id=request.run_id,
        state=RunState.FAILED,
        failure=failure,
        duration_ms=duration_ms,
    )


def _one_by_one(emit: Emit) -> Callable[[list[RunEvent]], None]:
    def emit_all(events: list[RunEvent]) -> None:
        for event in events:
            emit(event)

    return emit_all


def references(reuse: Reuse) -> dict[str, dict[str, OutputRef]]:
    """References as they were told, alone or within their event."""
    return {
        node: {port: reference(kept.get("ref", kept)) for port, kept in ports.items()}
        for node, ports in reuse.items()
    }


def _must_be_whole(request: RunRequest) -> None:
    if request.from_node is not None or request.to_node is not None:
        raise FlowError(
            "A flow in streaming mode runs as a whole.",
            code="stream.partial",
            hint="Start all of it, or set its mode to batch to try a part.",
        )


def _must_be_batch(flow: Flow) -> None:
    if flow.mode == "streaming":
        raise FlowError(
            f"The flow is set to {flow.mode} mode, and runs here are to end.",
            code="run.mode_unsupported",
            hint="Run it with `weft run` or on a server, or set its mode to batch.",
            params={"mode": flow.mode},
        )


def _must_know_inputs(flow: Flow, given: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(flow.inputs))
    if unknown:
        raise FlowError(
            f"The flow has no input {unknown[0]!r}.",
            code="run.unknown_input",
            hint=f"It has {', '.join(sorted(flow.inputs))}." if flow.inputs else "It has none.",
            params={"input": unknown[0]},
        )
