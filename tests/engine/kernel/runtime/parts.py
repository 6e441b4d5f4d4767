"""Small operators, plans made by hand, and a coordinator that only listens."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft_engine.kernel.backends.backend import Backend, Deployment
from weft_engine.kernel.batch import MAX_TIME, Barrier, Batch, Event, Watermark
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.physical import Edge, Exchange, OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import (
    Acknowledged,
    Declined,
    Failed,
    Finished,
    Report,
    Restore,
)
from weft_engine.kernel.runtime.operator import (
    OperatorContext,
    Pull,
    SourceOperator,
    StreamOperator,
)
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.api import StateSpec


class Numbers(SourceOperator):
    """The numbers that belong to its subtask, below some bound; replayable."""

    def __init__(self, count: int, timed: bool = False) -> None:
        self.count = count
        self.timed = timed
        self.at = 0

    def restore(self, pieces: Sequence[Any]) -> None:
        self.at = pieces[0] if pieces else self.context.subtask

    def pull(self, limit: int) -> Pull:
        step = self.context.parallelism
        values = list(range(self.at, min(self.count, self.at + limit * step), step))
        if not values:
            return Pull("end")
        self.at = values[-1] + step
        self.context.emit(Batch(values, list(values) if self.timed else None))
        if self.timed:
            self.context.emit_watermark(values[-1])
        return Pull("more")

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self.at]


class Apply(StreamOperator):
    """A function over every record."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self.fn = fn

    def process(self, port: int, batch: Batch) -> None:
        self.context.emit(Batch([self.fn(value) for value in batch.values], batch.times))


class SumByKey(StreamOperator):
    """The sum so far of every key, with keyed state."""

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self.table = context.state.table(StateSpec("sum"))

    def process(self, port: int, batch: Batch) -> None:
        assert batch.keys is not None
        held = self.table.begin(batch.keys)
        out = []
        for key, value in zip(batch.keys, batch.values, strict=True):
            held[key] = held.get(key, 0) + value
            out.append((key, held[key]))
        self.table.done(batch.keys)
        self.context.emit(Batch(out, batch.times, batch.keys))


class Collect(StreamOperator):
    """What came, in order, is what it prepares; also remembers all it was told."""

    def __init__(self, log: list[Any] | None = None) -> None:
        self.values: list[Any] = []
        self.log = log if log is not None else []

    def process(self, port: int, batch: Batch) -> None:
        self.values += batch.values
        self.log.append(("batch", port, list(batch.values)))

    def advance(self, time: int) -> int | None:
        self.log.append(("watermark", time))
        return time

    def ended(self, port: int) -> None:
        self.log.append(("ended", port))

    def finish(self) -> None:
        self.log.append(("finish",))

    def prepare(self, checkpoint: int) -> Any:
        values, self.values = self.values, []
        return values


Make = Callable[[], StreamOperator]


@dataclass
class PlanBuilder:
    """A physical plan by hand; operators are made by the functions given."""

    settings: Settings = field(default_factory=Settings)
    stages: list[Stage] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    makers: dict[str, Make] = field(default_factory=dict)

    def stage(self, *makers: Make, parallelism: int = 1, name: str = "", **spec: Any) -> int:
        number = len(self.stages)
        specs = []
        for position, maker in enumerate(makers):
            uid = f"{name or number}-{position}"
            self.makers[uid] = maker
            specs.append(OperatorSpec(uid, "test", uid, **spec))
        self.stages.append(Stage(number, name or str(number), tuple(specs), parallelism))
        return number

    def edge(
        self,
        source: int,
        target: int,
        exchange: Exchange = "forward",
        key: Callable[[Any], Any] | None = None,
        *,
        port: int = 0,
        output: int = 0,
        feedback: bool = False,
    ) -> None:
        operator = len(self.stages[source].operators) - 1
        self.edges.append(
            Edge(len(self.edges), source, operator, output, target, port, exchange, key, feedback)
        )

    def operators(self, stage: Stage) -> list[StreamOperator]:
        return [self.makers[spec.uid]() for spec in stage.operators]

    def job(self, storage: Any = None) -> JobSpec:
        plan = PhysicalPlan("test", tuple(self.stages), tuple(self.edges))
        return JobSpec("test", plan, self.settings, storage or Memory())


class Watcher:
    """Hears the reports of one deployment."""

    def __init__(self, subtasks: int) -> None:
        self.reports: list[Report] = []
        self.subtasks = subtasks
        self.over = threading.Event()
        self.changed = threading.Condition()

    def __call__(self, report: Report) -> None:
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()
        if isinstance(report, Failed) or len(self.of(Finished)) == self.subtasks:
            self.over.set()

    def of(self, kind: type) -> list[Any]:
        return [report for report in list(self.reports) if isinstance(report, kind)]

    def outcome(self, checkpoint: int) -> dict[tuple[int, int], Any]:
        """By subtask: its part of a checkpoint, its last one if it had finished, or its refusal."""
        parts: dict[tuple[int, int], Any] = {}
        for report in list(self.reports):
            place = getattr(report, "subtask", None)
            if place is None:
                continue
            at = (place.stage, place.index)
            told = isinstance(report, Acknowledged | Declined) and report.checkpoint == checkpoint
            if told or (isinstance(report, Finished) and at not in parts):
                parts[at] = report
        return parts

    def committables(self, uid: str) -> list[Any]:
        """All that a sink has prepared, in order."""
        found = []
        for report in self.reports:
            if isinstance(report, Acknowledged | Finished):
                found += report.snapshot.committables.get(uid, [])
            elif isinstance(report, Declined):
                found += report.committables.get(uid, [])
        return found


@dataclass
class Attempt:
    """A deployment and what it reports."""

    deployment: Deployment
    watcher: Watcher
    stepping: bool

    def until(self, condition: Callable[[], bool], timeout: float = 60) -> bool:
        """Go on until the condition holds or the job is over; whether it holds."""
        watcher = self.watcher
        if self.stepping:
            while not condition() and not watcher.over.is_set():
                self.deployment.step()
        else:
            with watcher.changed:
                watcher.changed.wait_for(lambda: condition() or watcher.over.is_set(), timeout)
        return condition()

    def finish(self, timeout: float = 60) -> Watcher:
        """Run to the end."""
        self.until(lambda: False, timeout)
        assert self.watcher.over.is_set(), "the job hangs"
        self.deployment.stop(10)
        return self.watcher

    def checkpoint(self, number: int) -> dict[tuple[int, int], Any]:
        """Take a checkpoint; the parts by subtask."""
        self.deployment.trigger(Barrier(number))
        self.until(lambda: len(self.watcher.outcome(number)) == self.watcher.subtasks)
        return self.watcher.outcome(number)


def start(
    backend: Backend,
    job: JobSpec,
    restore: Mapping[tuple[int, int], Restore] | None = None,
    attempt: int = 0,
) -> Attempt:
    watcher = Watcher(sum(stage.parallelism for stage in job.plan.stages))
    deployment = backend.deploy(job, restore or {}, attempt, watcher)
    return Attempt(deployment, watcher, backend.stepping)


def restored(parts: Mapping[tuple[int, int], Any], checkpoint: int) -> dict[Any, Restore]:
    """What subtasks go on from, at the same parallelism."""
    return {
        at: Restore(
            checkpoint,
            part.snapshot.pieces,
            {uid: (parts_,) for uid, parts_ in part.snapshot.keyed.items()},
            finished=isinstance(part, Finished),
        )
        for at, part in parts.items()
    }


def is_last(event: Event) -> bool:
    return event == Watermark(MAX_TIME)
