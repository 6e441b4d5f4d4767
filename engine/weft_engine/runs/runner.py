"""Runs a flow from beginning to end in the calling thread, and tells what happens."""

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from weft_engine.compiler.compiled import Compiled, compile_flow
from weft_engine.compiler.lower import Lowered, NodeBuildError, lower
from weft_engine.compiler.selection import Selection, select
from weft_engine.errors import FlowError, KernelError, said
from weft_engine.flow.model import Flow
from weft_engine.kernel.backends.base import JobCancelledError, OperatorError
from weft_engine.kernel.backends.local import LocalJob
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.context import Files
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.context import RunScope
from weft_engine.runs.outputs import OutputRef, OutputStore, reference
from weft_engine.runs.run import RunResult, RunState
from weft_engine.runs.tracker import Emit, Tracker, Voice, describe

log = logging.getLogger(__name__)

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
    read_outputs: bool = True,
    batch_size: int = 1024,
    last_seq: int = 0,
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
        env: Where to run; only `local` is there so far.
        allow_hosts: Addresses that requests may reach although they are not public.
        trigger: The event that started it, as in `RunRequest.trigger`.
        compiled: The compiled flow, when it is known already.
        read_outputs: Whether the result is to hold what the flow's output nodes gave.
        batch_size: How many records are led through the flow at a time, at most.
        last_seq: The number of the last event that was told of the run before.

    Returns:
        What became of it. A flow that fails, or is not valid, is a result, too, and no exception.
    """
    voice = Voice(run_id, emit, last_seq)
    run = _Run(
        flow=flow,
        run_id=run_id,
        voice=voice,
        tracker=Tracker(voice, store),
        store=store,
        cancel=cancel or threading.Event(),
        reuse=_references(reuse or {}),
        batch_size=batch_size,
    )
    try:
        _must_be_local(env)
        _must_be_batch(flow)
        selection = select(flow, from_node=from_node, to_node=to_node, reusable=run.reusable)
        only = None if from_node is None and to_node is None else selection.run
        compiled = compiled or compile_flow(flow, catalogue, only=only)
        scope = RunScope(
            run_id=run_id,
            files=files,
            cancel=run.cancel,
            log=run.tracker.log,
            progress=run.tracker.progress,
            inputs=_inputs(flow, inputs or {}),
            variables=flow.variables,
            allow_hosts=tuple(allow_hosts),
            trigger=trigger,
        )
    except FlowError as error:
        return run.refused(error)
    result = run.go(compiled, selection, scope)
    if read_outputs:
        result.outputs = run.outputs(selection)
    return result


@dataclass(slots=True)
class _Run:
    """One run under way."""

    flow: Flow
    run_id: str
    voice: Voice
    tracker: Tracker
    store: OutputStore
    cancel: threading.Event
    reuse: dict[str, dict[str, OutputRef]]
    batch_size: int
    began: float = field(default_factory=monotonic)

    def go(self, compiled: Compiled, selection: Selection, scope: RunScope) -> RunResult:
        """Lower it and run it."""
        self.voice.say("run_started", nodes=sorted(selection.run))
        try:
            lowered = lower(
                compiled,
                selection,
                context=scope.of,
                tap=self.tracker.tap,
                reuse=self._earlier,
            )
            self.tracker.begin(lowered)
            self._tell_reused(compiled, selection)
            self.tracker.tell_skipped()
            self._work(lowered)
        except NodeBuildError as error:
            return self._failed(error.node, error.__cause__ or error, None, 1)
        except OperatorError as error:
            return self._failed(error.vertex.owner, error.cause, error.record, error.attempt)
        except JobCancelledError:
            self.tracker.stop()
            return self._over(RunState.CANCELLED, "run_cancelled")
        except Exception as error:
            log.exception("the run %s met a mistake of the engine", self.run_id)
            return self._failed("", mistake(error), None, 1)
        finally:
            scope.close()
        return self._over(RunState.COMPLETED, "run_completed")

    def _tell_reused(self, compiled: Compiled, selection: Selection) -> None:
        for node in sorted(selection.reused):
            for port, ref in self.reuse[node].items():
                wired = compiled.wiring.output(node, port)
                if wired is not None:
                    self.tracker.reuse(node, port, wired.type, ref)

    def _work(self, lowered: Lowered) -> None:
        job = LocalJob(
            make_plan(lowered.graph),
            batch_size=self.batch_size,
            cancel=self.cancel,
            observer=self.tracker,
        )
        self.tracker.watch(job.counters)
        job.run()

    def refused(self, error: FlowError) -> RunResult:
        """It cannot even begin."""
        failure = describe(error, None, 1, None) | {"node": error.params.get("node")}
        return self._over(RunState.FAILED, "run_failed", failure=failure, never_ran=[])

    def _failed(self, node: str, cause: BaseException, record: Any, attempt: int) -> RunResult:
        failure = describe(cause, node or None, attempt, record)
        if node and node not in self.tracker.results:
            self.voice.say("node_failed", node, failure=failure)
        self.tracker.fail(node, failure)
        never = self.tracker.stop()
        return self._over(RunState.FAILED, "run_failed", failure=failure, never_ran=never)

    def _over(self, state: RunState, kind: str, **data: Any) -> RunResult:
        duration_ms = round((monotonic() - self.began) * 1000, 3)
        self.voice.end(kind, duration_ms=duration_ms, **data)
        return RunResult(
            run_id=self.run_id,
            state=state,
            nodes=self.tracker.results,
            failure=data.get("failure"),
            duration_ms=duration_ms,
        )

    # Earlier outputs

    def reusable(self, node: str, ports: Collection[str]) -> bool:
        """Whether earlier outputs of some ports are there, and whole."""
        kept = self.reuse.get(node, {})
        return all(port in kept and kept[port].whole for port in ports)

    def _earlier(self, node: str, port: str) -> Any:
        page = self.store.read(self.reuse[node][port])
        return page["value"] if page["kind"] == "value" else page["records"]

    def outputs(self, selection: Selection) -> dict[str, dict[str, Any]]:
        """What the flow's output nodes gave; its last nodes', when none are marked."""
        run = selection.run
        before = {edge.source for edge in self.flow.edges if edge.target in run}
        names = self.flow.outputs or sorted(run - before)
        return {
            name: {port: self.store.read(ref) for port, ref in result.outputs.items()}
            for name in names
            if (result := self.tracker.results.get(name)) is not None and result.outputs
        }


def _references(reuse: Reuse) -> dict[str, dict[str, OutputRef]]:
    """References as they were told, alone or within their event."""
    return {
        node: {port: reference(kept.get("ref", kept)) for port, kept in ports.items()}
        for node, ports in reuse.items()
    }


def mistake(error: BaseException) -> KernelError:
    """What nobody foresaw, as an error of the engine."""
    known = KernelError(
        f"The engine made a mistake: {type(error).__qualname__}: {said(error)}",
        hint="Please report it, with the log of the engine.",
    )
    known.__cause__ = error
    return known


def _must_be_local(env: str) -> None:
    if env != "local":
        raise FlowError(
            f"The environment {env!r} is not available here.",
            code="run.unknown_env",
            hint="Run it with the environment local.",
            params={"env": env},
        )


def _must_be_batch(flow: Flow) -> None:
    if flow.mode == "streaming":
        raise FlowError(
            f"The flow is set to {flow.mode} mode; runs of {flow.mode} flows come later.",
            code="run.mode_unsupported",
            hint="Set the mode of the flow to batch.",
            params={"mode": flow.mode},
        )


def _inputs(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the flow's inputs, with defaults for those that are not given."""
    unknown = sorted(set(given) - set(flow.inputs))
    if unknown:
        raise FlowError(
            f"The flow has no input {unknown[0]!r}.",
            code="run.unknown_input",
            hint=f"It has {', '.join(sorted(flow.inputs))}." if flow.inputs else "It has none.",
            params={"input": unknown[0]},
        )
    defaults = {name: declared.default for name, declared in flow.inputs.items()}
    return {**{name: value for name, value in defaults.items() if value is not None}, **given}
