"""What samples of subtasks say of a job."""

import json
from typing import Any

import pytest

from weft_engine.kernel.batch import MAX_TIME
from weft_engine.kernel.coordinator.events import CheckpointStats
from weft_engine.kernel.metrics.aggregate import Aggregate
from weft_engine.kernel.metrics.sample import OperatorSample, SubtaskSample
from weft_engine.kernel.physical import Edge, OperatorSpec, PhysicalPlan, Stage

SECOND = 10**9
READ = OperatorSpec("read", "source", "read")
PARSE = OperatorSpec("parse", "map", "parse")
WRITE = OperatorSpec("write", "sink", "write")
PLAN = PhysicalPlan(
    "job",
    (Stage(0, "read → parse", (READ, PARSE), 1), Stage(1, "write", (WRITE,), 2)),
    (Edge(0, 0, 1, 0, 1, 0, "rebalance"),),
)


def first(time_ms: int, read: int, parse_ns: int = 0, **more: Any) -> SubtaskSample:
    operators = (
        OperatorSample("read", records_out=read),
        OperatorSample("parse", records_in=read, records_out=read // 2, busy_ns=parse_ns),
    )
    given = {"attempt": 0, "began_ms": 1000, "pid": 7, "memory_bytes": 100, **more}
    return SubtaskSample(stage=0, subtask=0, time_ms=time_ms, operators=operators, **given)


def second(subtask: int, time_ms: int, written: int, **more: Any) -> SubtaskSample:
    operators = (OperatorSample("write", records_in=written, state_entries=3),)
    given = {"attempt": 0, "began_ms": 1000, "pid": 8, "memory_bytes": 50, **more}
    return SubtaskSample(stage=1, subtask=subtask, time_ms=time_ms, operators=operators, **given)


def aggregate(*samples: SubtaskSample) -> Aggregate:
    made = Aggregate(PLAN, "job-1")
    for sample in samples:
        made.take(sample)
    return made


def test_rates_are_of_the_last_interval_and_counts_of_all() -> None:
    made = aggregate(first(2000, 100), first(4000, 700, SECOND, busy_ns=SECOND // 2))
    found = made.metrics("running", 0)
    parse = found.operator("parse")
    assert (parse.records_in, parse.records_out) == (700, 350)
    assert (parse.records_in_per_s, parse.records_out_per_s) == (300, 150)
    assert parse.busy == 0.5
    assert found.stages[0].busy == 0.25
    assert (found.records_in, found.records_in_per_s) == (700, 300)
    assert found.uptime_s == 3


def test_the_first_interval_begins_with_the_attempt() -> None:
    found = aggregate(first(3000, 100)).metrics("running", 0)
    assert found.records_in_per_s == 50


def test_subtasks_of_different_stages_are_kept_apart() -> None:
    made = aggregate(first(2000, 10), second(0, 2000, 4), second(1, 2000, 5))
    assert len(made.samples) == 3
    found = made.metrics("running", 0)
    assert found.operator("write").records_in == 9
    assert found.operator("write").state_entries == 6
    assert found.stages[1].reported == 2


def test_memory_is_counted_once_a_process() -> None:
    made = aggregate(first(2000, 1), second(0, 2000, 1), second(1, 2500, 1, memory_bytes=60))
    assert made.metrics("running", 0).memory_bytes == 160
    elsewhere = second(1, 2500, 1, host="other")
    assert aggregate(second(0, 2000, 1), elsewhere).metrics("running", 0).memory_bytes == 100


def test_what_an_earlier_attempt_says_does_not_count() -> None:
    made = aggregate(first(2000, 500), first(9000, 20, attempt=1, began_ms=8000))
    made.take(first(9500, 900))
    found = made.metrics("running", 1)
    assert (found.records_in, found.records_in_per_s, found.restarts) == (20, 20, 1)
    assert made.metrics("restarting", 2).records_in == 0


def test_a_subtask_that_says_nothing_more_does_nothing() -> None:
    made = aggregate(
        first(2000, 500, busy_ns=SECOND), second(0, 2000, 1), second(0, 60_000, 101, busy_ns=1)
    )
    found = made.metrics("running", 0)
    assert found.operator("parse").records_in == 500
    assert found.operator("parse").records_in_per_s == 0
    assert found.stages[0].busy == 0
    assert found.operator("write").records_in_per_s > 0


def test_samples_of_the_same_moment_keep_the_interval() -> None:
    made = aggregate(first(2000, 100), first(2000, 300))
    assert made.metrics("running", 0).records_in_per_s == 300


@pytest.mark.parametrize(
    ("watermarks", "expected"),
    [((900, 500), 500), ((900, None), None), ((MAX_TIME, 700), 700), ((MAX_TIME, MAX_TIME), None)],
)
def test_the_watermark_of_a_stage(watermarks: tuple[int, int], expected: int | None) -> None:
    samples = [second(n, 2000, 0, watermark=time) for n, time in enumerate(watermarks)]
    stage = aggregate(*samples).metrics("running", 0).stages[1]
    assert stage.watermark == expected
    assert stage.watermark_lag_ms == (None if expected is None else 2000 - expected)


def test_checkpoints() -> None:
    made = aggregate()
    made.checkpoint(CheckpointStats(1, "checkpoint", 2.0, 5.0, 100))
    made.checkpoint_failed()
    made.checkpoint(CheckpointStats(3, "checkpoint", 1.0, 9.0, 300))
    made.checkpoint(CheckpointStats(4, "final", 0.0, 0.0, 310))
    found = made.metrics("finished", 0).checkpoints
    assert (found.completed, found.failed, found.last_id, found.last_bytes) == (3, 1, 4, 310)
    assert (found.last_duration_s, found.max_duration_s) == (1.0, 2.0)
    assert (found.last_pause_ms, found.max_pause_ms) == (9.0, 9.0)


def test_nothing_has_been_reported() -> None:
    found = aggregate().metrics("created", -1)
    assert (found.records_in, found.uptime_s, found.restarts) == (0, 0, 0)
    assert [operator.uid for operator in found.operators] == ["read", "parse", "write"]


def test_all_of_it_is_json() -> None:
    found = aggregate(first(2000, 100), second(0, 2000, 4)).metrics("running", 0)
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    assert found.as_dict()["upstream"] == {"0": [], "1": [0]}


def test_an_operator_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        aggregate().metrics("running", 0).operator("nobody")
