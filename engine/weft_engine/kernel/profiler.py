"""Runs a program and says where its time goes.

profiler = PipelineProfiler(env)
stats = profiler.analyze(pipeline)
print(stats.bottleneck, stats.memory_usage)
print(stats)
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from weft_engine.kernel.coordinator import Job
from weft_engine.kernel.coordinator.failures import JobCancelledError
from weft_engine.kernel.durations import Duration, seconds
from weft_engine.kernel.metrics.job import JobMetrics, OperatorMetrics, StageMetrics
from weft_engine.kernel.metrics.process import memory_bytes

if TYPE_CHECKING:
    from weft_engine.kernel.environment import StreamEnvironment

_LOOK_S: Final = 0.05
_INTERVAL_S: Final = 0.1
_PRESSED: Final = 0.2
"""From which share of its time on a stage counts as held up."""
_BUSY: Final = 0.5
_STATE: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that may make the program faster."""

    code: str
    """What it is about: `raise_parallelism`, `wait_elsewhere`, `source_bound`, `state_to_disk`,
    `failing_records`."""
    operator: str
    """The uid of the operator it is about."""
    text: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperatorProfile:
    """One operator in a profile."""

    uid: str
    name: str
    stage: int
    share: float
    """Which part of all work was its own."""
    busy_s: float
    records_in: int
    records_out: int
    per_record_us: float | None
    """Its own time for a record it was given (for a source: emitted), in microseconds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What came of a profiled run.

    Loops have looked at the clock before and after every operator: cheap operators seem dearer than
    they are.
    """

    bottleneck: str
    """The name of the operator that everything else waits for; empty when nothing ran."""
    bottleneck_uid: str
    seconds: float
    """How long the run took."""
    complete: bool
    """Whether the program ran to its end, not just to its bound."""
    throughput: float
    """Records that sources emitted a second, of the whole run with its beginning."""
    memory_usage: int
    """The most memory that the job's processes had in use, in bytes."""
    memory_growth: int
    """By how much that is more than this process had before; where jobs run in this process."""
    operators: tuple[OperatorProfile, ...]
    suggestions: tuple[Suggestion, ...]
    metrics: JobMetrics
    """All counters at the end."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data that JSON knows."""
        names = ("bottleneck", "bottleneck_uid", "seconds", "complete", "throughput")
        plain: dict[str, Any] = {name: getattr(self, name) for name in names}
        plain["memory_usage"] = self.memory_usage
        plain["memory_growth"] = self.memory_growth
        plain["operators"] = [
            {name: getattr(each, name) for name in OperatorProfile.__slots__}
            for each in self.operators
        ]
        plain["suggestions"] = [
            {"code": s.code, "operator": s.operator, "text": s.text, "params": dict(s.params)}
            for s in self.suggestions
        ]
        plain["metrics"] = self.metrics.as_dict()
        return plain

    def __str__(self) -> str:
        """A table for people."""
        width = max([len(each.name) for each in self.operators] + [8])
        lines = [
            f"{self.metrics.job}: {self.metrics.records_in:,} records in {self.seconds:.2f} s"
            f" ({self.throughput:,.0f} a second), {self.memory_usage / 2**20:.0f} MiB",
            "",
            f"{'operator':{width}}  {'share':>6}  {'time':>9}"
            f"  {'in':>12}  {'out':>12}  {'each':>10}",
        ]
        for each in self.operators:
            mark = "  ← bottleneck" if each.uid == self.bottleneck_uid else ""
            cost = "" if each.per_record_us is None else f"{each.per_record_us:.2f} µs"
            lines.append(
                f"{each.name:{width}}  {each.share:>6.1%}  {each.busy_s:>7.3f} s"
                f"  {each.records_in:>12,}  {each.records_out:>12,}  {cost:>10}{mark}"
            )
        lines += [""] * bool(self.suggestions)
        lines += [f"- {suggestion.text}" for suggestion in self.suggestions]
        return "\n".join(lines)


class PipelineProfiler:
    """Profiles the programs of an environment."""

    def __init__(self, env: "StreamEnvironment") -> None:
        self._env = env

    def analyze(
        self,
        pipeline: Any = None,
        *,
        records: int | None = None,
        limit: Duration = "10s",
    ) -> Profile:
        """Run what was built, as `env.submit` would, and measure it.

        The run is real: sinks write. It keeps no checkpoints and is not started again.

        Args:
            pipeline: what is to run, as for `submit`; everything when None.
            records: stop when sources have emitted about so many.
            limit: stop after that time; programs that end by themselves do so earlier.

        Raises:
            WeftError: what is wrong with the program; what failed.
        """
        most_s = seconds(limit, "limit", least=1)
        before = memory_bytes()
        began = time.monotonic()
        job = self._env.start_profiled(pipeline, _INTERVAL_S)
        watched = _Watched(job, began + most_s, records)
        try:
            watched.run()
        finally:
            took = time.monotonic() - began
            watched.stop()
        return _profile(watched.last, took, watched.memory, before, complete=watched.complete)


class _Watched:
    """A job that is looked at until it has done enough."""

    def __init__(self, job: Job, until: float, records: int | None) -> None:
        self._job = job
        self._until = until
        self._records = records
        self.complete = False
        self.memory = 0
        self.last = job.metrics()
        self._pressed: dict[int, list[StageMetrics]] = {}

    def run(self) -> None:
        while not self.complete and not self._enough():
            try:
                self._job.wait(_LOOK_S)
                self.complete = True
            except TimeoutError as error:
                if self._job.error is error:
                    raise
            self._look()

    def _enough(self) -> bool:
        if time.monotonic() >= self._until:
            return True
        return self._records is not None and self.last.records_in >= self._records

    def _look(self) -> None:
        now = self._job.metrics()
        self.memory = max(self.memory, now.memory_bytes)
        for stage in now.stages:
            if stage.reported:
                self._pressed.setdefault(stage.id, []).append(stage)
        self.last = replace(now, stages=tuple(self._typical(stage) for stage in now.stages))

    def _typical(self, stage: StageMetrics) -> StageMetrics:
        """The mean of what was seen of a stage: at the end nothing waits any more."""
        seen = [each for each in self._pressed.get(stage.id, []) if each.busy or each.blocked_in]
        if not seen:
            return stage
        means = {
            name: sum(getattr(each, name) for each in seen) / len(seen)
            for name in ("busy", "blocked_in", "blocked_out")
        }
        return replace(stage, **means)

    def stop(self) -> None:
        if not self.complete:
            self._job.cancel()
            with suppress(JobCancelledError, TimeoutError):
                self._job.wait(30)


def _profile(
    metrics: JobMetrics, took: float, memory: int, before: int, *, complete: bool
) -> Profile:
    total = sum(operator.busy_s for operator in metrics.operators)
    operators = tuple(_operator(metrics, each, total) for each in metrics.operators)
    slowest = _bottleneck(metrics)
    memory = max(memory, metrics.memory_bytes)
    return Profile(
        bottleneck="" if slowest is None else slowest.name,
        bottleneck_uid="" if slowest is None else slowest.uid,
        seconds=took,
        complete=complete,
        throughput=metrics.records_in / took if took else 0.0,
        memory_usage=memory,
        memory_growth=max(0, memory - before),
        operators=operators,
        suggestions=tuple(_suggestions(metrics, slowest, operators)),
        metrics=metrics,
    )


def _operator(metrics: JobMetrics, operator: OperatorMetrics, total: float) -> OperatorProfile:
    count = operator.records_in or operator.records_out
    return OperatorProfile(
        uid=operator.uid,
        name=operator.name,
        stage=operator.stage,
        share=operator.busy_s / total if total else 0.0,
        busy_s=operator.busy_s,
        records_in=operator.records_in,
        records_out=operator.records_out,
        per_record_us=1e6 * operator.busy_s / count if count else None,
    )


def _bottleneck(metrics: JobMetrics) -> OperatorMetrics | None:
    """The dearest operator of the busiest stage that holds up those before it.

    Where no stage is held up by another, of the busiest of all. Waiting before a stage tells that
    it is slow; waiting behind it tells that another one is.
    """
    stages = {stage.id: stage for stage in metrics.stages if stage.reported}
    if not stages:
        return None
    holding = [
        stage
        for stage in stages.values()
        if any(
            stages[before].blocked_out >= _PRESSED
            for before in metrics.upstream.get(stage.id, ())
            if before in stages
        )
    ]
    # A stage that is itself held up passes on what another one is to blame for.
    free = [stage for stage in holding if stage.blocked_out < _PRESSED] or holding
    worst = max(free or stages.values(), key=lambda stage: (stage.busy, stage.busy_s))
    mine = [operator for operator in metrics.operators if operator.stage == worst.id]
    return max(mine, key=lambda operator: operator.busy_s)


def _suggestions(
    metrics: JobMetrics, slowest: OperatorMetrics | None, operators: tuple[OperatorProfile, ...]
) -> list[Suggestion]:
    found: list[Suggestion] = []
    for operator in metrics.operators:
        if operator.errors:
            found.append(
                Suggestion(
                    "failing_records",
                    operator.uid,
                    f"{operator.name}: {operator.errors:,} records failed; errors cost more time"
                    " than results.",
                    {"errors": operator.errors},
                )
            )
        if operator.state_bytes > _STATE:
            found.append(
                Suggestion(
                    "state_to_disk",
                    operator.uid,
                    f"{operator.name}: its state takes {operator.state_bytes / 2**20:,.0f} MiB;"
                    " state.backend = disk keeps it out of memory.",
                    {"bytes": operator.state_bytes},
                )
            )
    if slowest is not None:
        found += _about_slowest(metrics, slowest, operators)
    return found


def _about_slowest(
    metrics: JobMetrics, slowest: OperatorMetrics, operators: tuple[OperatorProfile, ...]
) -> list[Suggestion]:
    stage = metrics.stage_of(slowest)
    own = next(each for each in operators if each.uid == slowest.uid)
    name, uid = slowest.name, slowest.uid
    if slowest.kind == "source":
        text = f"{name}: everything waits for the source; read it in several parts at once."
        return [Suggestion("source_bound", uid, text, {"parallelism": stage.parallelism})]
    found = []
    if stage.busy >= _BUSY:
        wanted = stage.parallelism * 2
        text = f"{name}: is busy {stage.busy:.0%} of the time; try set_parallelism({wanted})"
        text += " on the processes backend, where subtasks do not share an interpreter."
        params = {"parallelism": wanted, "busy": round(stage.busy, 3)}
        found.append(Suggestion("raise_parallelism", uid, text, params))
    cost = own.per_record_us
    if slowest.kind == "map" and cost is not None and cost > 1000:
        text = f"{name}: takes {cost / 1000:.1f} ms a record; if it waits for others, async_map"
        text += " waits for many records at once, and map_batch asks for many in one call."
        found.append(Suggestion("wait_elsewhere", uid, text, {"per_record_us": round(cost, 1)}))
    return found
