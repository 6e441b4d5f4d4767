"""Puts the samples of all subtasks together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME
from weft_engine.kernel.metrics.histogram import merged, quantile
from weft_engine.kernel.metrics.job import (
    CheckpointMetrics,
    JobMetrics,
    OperatorMetrics,
    StageMetrics,
)
from weft_engine.kernel.metrics.sample import OperatorSample, SubtaskSample
from weft_engine.kernel.physical import PhysicalPlan, Stage

_STALE: Final = 3.5
"""After so many intervals without a sample a subtask is taken to do nothing."""
_SUMMED: Final = (
    "records_in",
    "records_out",
    "batches",
    "errors",
    "retries",
    "late",
    "dropped",
    "state_entries",
    "state_bytes",
)


@dataclass(slots=True)
class _Two:
    """The last two samples of a subtask: what lies between them is the last interval."""

    before: SubtaskSample
    now: SubtaskSample

    @property
    def seconds(self) -> float:
        return max(0.0, (self.now.time_ms - self.before.time_ms) / 1000)

    def ratio(self, before: int, now: int) -> float:
        """Nanoseconds as a share of the interval."""
        return min(1.0, max(0.0, (now - before) / 1e9 / self.seconds)) if self.seconds else 0.0


class Aggregate:
    """The newest numbers of one job. Fed by one thread; may be read by any."""

    def __init__(self, plan: PhysicalPlan, id_: str, interval_s: float = 1.0) -> None:
        self._plan = plan
        self._id = id_
        self._stale_ms = _STALE * 1000 * interval_s
        self._samples: dict[tuple[int, int], _Two] = {}
        self._checkpoints = CheckpointMetrics()
        self._upstream = {
            stage.id: sorted({edge.source for edge in plan.into(stage.id) if not edge.feedback})
            for stage in plan.stages
        }

    def take(self, sample: SubtaskSample) -> None:
        """A subtask has reported; what an earlier attempt still says is not listened to."""
        key = sample.stage, sample.subtask
        last = self._samples.get(key)
        if last is not None and sample.attempt < last.now.attempt:
            return
        if last is None or sample.attempt > last.now.attempt:
            before = _at_start(sample)
        elif sample.time_ms > last.now.time_ms:
            before = last.now
        else:  # both of the same moment, as on a clock that stands still
            before = last.before
        self._samples[key] = _Two(before, sample)

    def checkpoint(self, stats: Any) -> None:
        """A checkpoint is complete (`CheckpointStats`)."""
        so_far = replace(self._checkpoints, completed=self._checkpoints.completed + 1)
        if stats.kind == "final":  # nothing runs any more that it could hold up
            self._checkpoints = replace(so_far, last_id=stats.id, last_bytes=stats.size)
            return
        self._checkpoints = replace(
            so_far,
            last_id=stats.id,
            last_duration_s=stats.duration_s,
            last_pause_ms=stats.pause_ms,
            last_bytes=stats.size,
            max_duration_s=max(so_far.max_duration_s or 0.0, stats.duration_s),
            max_pause_ms=max(so_far.max_pause_ms or 0.0, stats.pause_ms),
        )

    def checkpoint_failed(self) -> None:
        """A checkpoint could not be made."""
        self._checkpoints = replace(self._checkpoints, failed=self._checkpoints.failed + 1)

    @property
    def samples(self) -> list[SubtaskSample]:
        """The latest of every subtask."""
        return [two.now for two in self._samples.copy().values()]

    def metrics(self, state: str, attempt: int) -> JobMetrics:
        """How things stand."""
        samples = {k: t for k, t in self._samples.copy().items() if t.now.attempt == attempt}
        now = max((two.now.time_ms for two in samples.values()), default=0)
        began = min((two.now.began_ms for two in samples.values()), default=now)
        operators: list[OperatorMetrics] = []
        stages: list[StageMetrics] = []
        for stage in self._plan.stages:
            mine = [two for (id_, _), two in samples.items() if id_ == stage.id]
            fresh = [two for two in mine if now - two.now.time_ms <= self._stale_ms]
            stages.append(_stage(stage, mine, fresh, now))
            operators += _operators(stage, mine, fresh)
        sources = [
            operator
            for operator in operators
            if not self._upstream[operator.stage] and _is_first(self._plan, operator)
        ]
        return JobMetrics(
            job=self._plan.job,
            id=self._id,
            state=state,
            attempt=attempt,
            restarts=max(0, attempt),
            time_ms=now,
            uptime_s=(now - began) / 1000,
            records_in=sum(source.records_out for source in sources),
            records_in_per_s=sum(source.records_out_per_s for source in sources),
            memory_bytes=_memory(two.now for two in samples.values()),
            operators=tuple(operators),
            stages=tuple(stages),
            checkpoints=self._checkpoints,
            upstream=self._upstream,
        )


def _at_start(sample: SubtaskSample) -> SubtaskSample:
    """What a sample would have been at the very beginning."""
    return SubtaskSample(
        stage=sample.stage,
        subtask=sample.subtask,
        attempt=sample.attempt,
        time_ms=sample.began_ms,
        began_ms=sample.began_ms,
        operators=tuple(OperatorSample(each.uid) for each in sample.operators),
    )


def _is_first(plan: PhysicalPlan, operator: OperatorMetrics) -> bool:
    stage = next(stage for stage in plan.stages if stage.id == operator.stage)
    return stage.operators[0].uid == operator.uid


def _memory(samples: Iterable[SubtaskSample]) -> int:
    processes: dict[tuple[str, int], SubtaskSample] = {}
    for sample in samples:
        known = processes.get((sample.host, sample.pid))
        if known is None or known.time_ms < sample.time_ms:
            processes[sample.host, sample.pid] = sample
    return sum(sample.memory_bytes for sample in processes.values())


def _stage(stage: Stage, mine: list[_Two], fresh: list[_Two], now: int) -> StageMetrics:
    histogram = merged(two.now.batch_ns for two in mine)
    times = [_milliseconds(quantile(histogram, q)) for q in (0.5, 0.95, 0.99)]
    watermark = _watermark(mine)
    return StageMetrics(
        id=stage.id,
        name=stage.name,
        parallelism=stage.parallelism,
        operators=tuple(spec.uid for spec in stage.operators),
        reported=len(mine),
        busy=_mean(fresh, "busy_ns", stage.parallelism),
        busy_s=sum(two.now.busy_ns for two in mine) / 1e9,
        blocked_in=_mean(fresh, "blocked_in_ns", stage.parallelism),
        blocked_out=_mean(fresh, "blocked_out_ns", stage.parallelism),
        queue_records=sum(two.now.queue_records for two in mine),
        queue_bytes=sum(two.now.queue_bytes for two in mine),
        watermark=watermark,
        watermark_lag_ms=None if watermark is None else now - watermark,
        batch_p50_ms=times[0],
        batch_p95_ms=times[1],
        batch_p99_ms=times[2],
        batch_ns=histogram,
    )


def _watermark(mine: list[_Two]) -> int | None:
    known = [two.now.watermark for two in mine if two.now.watermark is not None]
    going = [time for time in known if MIN_TIME < time < MAX_TIME]
    return min(going) if going and len(known) == len(mine) else None


def _mean(twos: list[_Two], field: str, parallelism: int) -> float:
    """The mean of all subtasks; those that have nothing new to say did nothing."""
    ratios = [two.ratio(getattr(two.before, field), getattr(two.now, field)) for two in twos]
    return round(sum(ratios) / parallelism, 4)


def _milliseconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 4)


def _operators(stage: Stage, mine: list[_Two], fresh: list[_Two]) -> list[OperatorMetrics]:
    return [_operator(stage, at, mine, fresh) for at in range(len(stage.operators))]


def _operator(stage: Stage, at: int, mine: list[_Two], fresh: list[_Two]) -> OperatorMetrics:
    spec = stage.operators[at]
    now = [two.now.operators[at] for two in mine]
    sums = {name: sum(getattr(sample, name) for sample in now) for name in _SUMMED}

    def rate(name: str) -> float:
        return sum(_rate(two, at, name) for two in fresh)

    return OperatorMetrics(
        uid=spec.uid,
        name=spec.name,
        kind=spec.kind,
        stage=stage.id,
        records_in_per_s=round(rate("records_in"), 3),
        records_out_per_s=round(rate("records_out"), 3),
        busy_s=max(0, sum(sample.busy_ns for sample in now)) / 1e9,
        busy=round(min(1.0, max(0.0, rate("busy_ns") / 1e9 / stage.parallelism)), 4),
        **sums,
    )


def _rate(two: _Two, at: int, name: str) -> float:
    if not two.seconds:
        return 0.0
    before, now = two.before.operators[at], two.now.operators[at]
    return float(max(0, getattr(now, name) - getattr(before, name)) / two.seconds)
