"""A stretch of record-by-record nodes: lowered, and run as a job on the kernel of this process."""

import threading
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from weft_engine.compiler.lower import lower
from weft_engine.compiler.lowered import Given, NodeBuildError
from weft_engine.compiler.program import ScopePlan
from weft_engine.compiler.selection import Selection
from weft_engine.kernel.backends.base import JobCancelledError, OperatorError
from weft_engine.kernel.backends.local import LocalJob
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import Context, Place, RunScope
from weft_engine.runs.executors.base import Sink, UnitOutcome, UnitTask
from weft_engine.runs.journal.records import Records, RecordsWriter
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.planned import Key, planned
from weft_engine.runs.tracker import Tracker, describe


class StopSign(threading.Event):
    """Tells a job to stop."""

    def cancel(self) -> None:
        """Stop it soon."""
        self.set()


def work_on_stretch(
    task: UnitTask,
    sink: Sink,
    store: OutputStore,
    scope: RunScope,
    cancel: threading.Event,
    *,
    batch_size: int,
) -> UnitOutcome:
    """Run a stretch to its end, in this thread. Its nodes are told by a `Tracker`.

    Raises:
        Exception: a mistake of the engine; all else is in the outcome.
    """
    tracker = Tracker(sink, store)
    ports = _Ports(task)
    try:
        lowered = lower(
            task.plan.compiled,
            Selection(frozenset(task.unit.nodes)),
            context=partial(_context, task, scope, sink, tracker, cancel),
            tap=tracker.tap,
            given=given(task.plan, task.unit.nodes, task.inputs),
            collect=ports.collect,
        )
        tracker.begin(lowered)
        tracker.tell_skipped()
        job = LocalJob(
            make_plan(lowered.graph), batch_size=batch_size, cancel=cancel, observer=tracker
        )
        tracker.watch(job.counters)
        job.run()
    except NodeBuildError as error:
        return _failed(tracker, sink, error.node, error.__cause__ or error, None, 1)
    except OperatorError as error:
        node = error.vertex.owner
        return _failed(tracker, sink, node, error.cause, error.record, error.attempt)
    except JobCancelledError:
        return UnitOutcome(cancelled=True, never_ran=tracker.stop())
    return UnitOutcome(outputs=ports.outputs())


def _failed(
    tracker: Tracker, sink: Sink, node: str, cause: BaseException, record: Any, attempt: int
) -> UnitOutcome:
    failure = describe(cause, node or None, attempt, record)
    if node and node not in tracker.results:
        sink.say("node_failed", node, {"failure": failure})
    tracker.fail(node, failure)
    return UnitOutcome(
        failure=cause,
        failed_node=node or None,
        record=record,
        attempt=attempt,
        described=failure,
        never_ran=tracker.stop(),
    )


def _context(
    task: UnitTask,
    scope: RunScope,
    sink: Sink,
    tracker: Tracker,
    cancel: threading.Event,
    node: str,
) -> Context:
    known: Place = task.place or Place(node)
    place = Place(
        path=f"{planned(task.plan).prefix}{node}",
        scope=task.scope,
        index=known.index,
        variables=known.variables,
        inputs=known.inputs,
        earlier=known.earlier,
        failure=known.failure,
        cancel=cancel,
    )
    return Context(scope, node, place, sink.log, tracker.progress)


def given(plan: ScopePlan, nodes: tuple[str, ...], inputs: Mapping[Key, Any]) -> dict[Key, Given]:
    """What a stretch reads from outside, for lowering."""
    unit = planned(plan).of(nodes[0])
    keys = unit.inputs if unit is not None else ()
    return {key: _given(plan, key, inputs.get(key, SKIP)) for key in keys}


def _given(plan: ScopePlan, key: Key, value: Any) -> Given:
    if value is SKIP:
        return Given(None)
    if isinstance(value, Records):
        return Given(partial(iter, value), skips=value.gaps)
    wired = plan.compiled.wiring.output(*key)
    if wired is not None and wired.type.stream and isinstance(value, list):
        return Given(partial(iter, value))
    return Given(lambda: [value])


class _Ports:
    """Collects what leaves a stretch by ports that are read outside."""

    def __init__(self, task: UnitTask) -> None:
        self._wiring = task.plan.compiled.wiring
        unit = planned(task.plan).of(task.unit.nodes[0])
        self._reads = unit.reads if unit is not None else frozenset()
        self._collectors: dict[Key, _Collector] = {}

    def collect(self, node: str, port: str) -> "_Collector | None":
        """What takes everything that a port gives, when somebody outside reads it."""
        if (node, port) not in self._reads:
            return None
        wired = self._wiring.output(node, port)
        stream = wired is not None and wired.type.stream
        gaps = stream and wired is not None and wired.origin != f"{node}.{port}"
        found = self._collectors[node, port] = _Collector(stream=stream, gaps=gaps)
        return found

    def outputs(self) -> dict[Key, Any]:
        """What was collected, of ports that were taken."""
        return dict(self._taken())

    def _taken(self) -> Iterator[tuple[Key, Any]]:
        for key, collector in self._collectors.items():
            value = collector.value()
            if value is not SKIP:
                yield key, value


class _Collector:
    """Takes what leaves one port: a value, or the records of a stream."""

    def __init__(self, *, stream: bool, gaps: bool) -> None:
        self._writer = RecordsWriter(gaps=gaps) if stream else None
        self._value: Any = SKIP
        self._absent = False

    def take(self, batch: list[Any], /) -> None:
        if self._writer is not None:
            self._writer.take(batch)
        else:
            self._value = batch[-1]

    def ended(self, *, absent: bool) -> None:
        self._absent = absent

    def value(self) -> Any:
        if self._writer is None:
            return self._value
        if self._absent and not self._writer.count:
            return SKIP
        return self._writer.finish()
