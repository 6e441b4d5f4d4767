"""Small jobs for backends, and somebody who listens to their reports."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from weft_engine.kernel.backends.backend import Backend, Deployment
from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.functions import FunctionContext, ProcessFunction
from weft_engine.kernel.physical import Edge, Exchange, OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import (
    Failed,
    Finished,
    Lost,
    Measured,
    Report,
    Restore,
    Running,
)
from weft_engine.kernel.settings import Settings

TIMEOUT = 90.0


class Numbers(Source[int]):
    """The numbers below `count`, dealt over some splits; without an end if there is no count."""

    def __init__(self, count: int | None, splits: int = 2) -> None:
        self.count = count
        self.parts = splits
        self.bounded = count is not None

    def splits(self) -> Sequence[int]:
        return range(self.parts)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        return _NumbersReader(self, split if position is None else position)


class _NumbersReader:
    def __init__(self, source: Numbers, at: int) -> None:
        self._source = source
        self._at = at

    def read(self, limit: int) -> list[int] | None:
        source = self._source
        stop = self._at + limit * source.parts
        if source.count is not None:
            stop = min(stop, source.count)
        found = list(range(self._at, stop, source.parts))
        self._at += len(found) * source.parts
        return found or None

    def position(self) -> int:
        return self._at

    def close(self) -> None:
        pass


class Apply(ProcessFunction[Any, Any]):
    """A function on every record."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def process(self, value: Any, context: FunctionContext) -> Any:
        return (self.function(value),)


class RunningSum(ProcessFunction[int, tuple[int, int]]):
    """The sum so far of the records of every key, in keyed state."""

    def open(self, context: FunctionContext) -> None:
        self.sum = context.state.value("sum", default=0)  # type: ignore[attr-defined]

    def process(self, value: int, context: FunctionContext) -> Any:
        total = self.sum.value() + value
        self.sum.update(total)
        return ((context.key, total),)  # type: ignore[attr-defined]


def operator(kind: str, uid: str, key: Any = None, **params: Any) -> OperatorSpec:
    return OperatorSpec(uid, kind, uid, params, key=key, keys=(key,))


def plan(
    *stages: tuple[OperatorSpec | Sequence[OperatorSpec], int, Exchange, Any], placements: Any = ()
) -> PhysicalPlan:
    """A line of stages: operators, parallelism, and how (and by what key) it is fed."""
    made, edges = [], []
    for number, (operators, parallelism, exchange, key) in enumerate(stages):
        line = (operators,) if isinstance(operators, OperatorSpec) else tuple(operators)
        placement = placements[number] if placements else ""
        made.append(Stage(number, line[0].name, line, parallelism, placement))
        if number:
            last = len(made[number - 1].operators) - 1
            edges.append(Edge(number, number - 1, last, 0, number, 0, exchange, key))
    return PhysicalPlan("test", tuple(made), tuple(edges))


def modulo(value: int) -> int:
    return value % 10


def sums(count: int | None, parallelism: int = 2, placements: Any = ()) -> PhysicalPlan:
    """Numbers, their running sums by last digit, and the sums collected."""
    return plan(
        (operator("source", "numbers", source=Numbers(count)), parallelism, "forward", None),
        (operator("keyed_process", "sums", modulo, fn=RunningSum()), parallelism, "hash", modulo),
        (operator("collect_results", "results"), 1, "gather", None),
        placements=placements,
    )


def expected_sums(count: int) -> dict[int, int]:
    totals: Counter[int] = Counter()
    for number in range(count):
        totals[number % 10] += number
    return dict(totals)


class Listener:
    """Takes a deployment's reports."""

    def __init__(self) -> None:
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.finished: dict[tuple[int, int], Finished] = {}
        self.running: set[tuple[int, int]] = set()
        self.measured: list[Measured] = []

    def __call__(self, report: Report) -> None:
        self.reports.put(report)

    def next(self) -> Report:
        """The next report that is not about counters."""
        while isinstance(report := self.any(), Measured):
            pass
        return report

    def any(self) -> Report:
        """The next report."""
        report = self.reports.get(timeout=TIMEOUT)
        match report:
            case Measured():
                self.measured.append(report)
            case Running(subtask=subtask):
                self.running.add((subtask.stage, subtask.index))
            case Finished(subtask=subtask):
                self.finished[subtask.stage, subtask.index] = report
        return report

    def until(self, kind: type[Report] | tuple[type[Report], ...]) -> Any:
        """Wait for a report of that kind; a failure is the end."""
        while True:
            report = self.next()
            if isinstance(report, kind):
                return report
            if isinstance(report, Failed | Lost):
                raise AssertionError(report)

    def all_running(self, spec: JobSpec) -> None:
        while len(self.running) < subtasks(spec):
            self.until(Running)

    def all_finished(self, spec: JobSpec) -> None:
        while len(self.finished) < subtasks(spec):
            self.until(Finished)

    def committed(self, uid: str) -> list[Any]:
        """What the sink of that uid has committed at the end, of all its subtasks."""
        found: list[Any] = []
        for _, report in sorted(self.finished.items()):
            found += report.snapshot.committables.get(uid) or []
        return found


def subtasks(spec: JobSpec) -> int:
    return sum(stage.parallelism for stage in spec.plan.stages)


def job(plan: PhysicalPlan, **settings: Any) -> JobSpec:
    return JobSpec("job", plan, Settings(**settings))


def run(backend: Backend, spec: JobSpec, uid: str = "results") -> list[Any]:
    """Run a job to its end; what it has collected."""
    listener = Listener()
    deployment = backend.deploy(spec, {}, 0, listener)
    try:
        listener.all_finished(spec)
    finally:
        deployment.stop(30.0)
    return listener.committed(uid)


def start(
    backend: Backend, spec: JobSpec, restore: dict[tuple[int, int], Restore] | None = None
) -> tuple[Deployment, Listener]:
    """Have a job running."""
    listener = Listener()
    deployment = backend.deploy(spec, restore or {}, 0, listener)
    listener.all_running(spec)
    return deployment, listener


def checkpoint(deployment: Deployment, number: int) -> None:
    deployment.trigger(Barrier(number))


def final(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The last value of every key."""
    return dict(sorted(dict(pairs).items()))


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
