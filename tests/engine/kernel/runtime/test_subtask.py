"""What a subtask makes of what comes in."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.kernel.runtime.parts import (
    Apply,
    Collect,
    Numbers,
    PlanBuilder,
    SumByKey,
    restored,
    start,
)
from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.batch import MAX_TIME, Barrier, Batch, Event, Watermark
from weft_engine.kernel.checkpoint.api import Part
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.operators.base import RecordError
from weft_engine.kernel.runtime.driver import OperatorEnded
from weft_engine.kernel.runtime.messages import Acknowledged, Declined, Failed, Finished, Measured
from weft_engine.kernel.runtime.operator import Later, OperatorContext, Pull, StreamOperator
from weft_engine.kernel.settings import Settings


def inline(plan: PlanBuilder, seed: int | None = None) -> Inline:
    return Inline(seed, plan.operators)


def test_time_and_the_end_come_in_order() -> None:
    log: list[Any] = []
    plan = PlanBuilder(Settings(batch_size=2))
    source = plan.stage(lambda: Numbers(3, timed=True))
    plan.edge(source, plan.stage(lambda: Apply(lambda x: -x), lambda: Collect(log)))
    watcher = start(inline(plan), plan.job()).finish()
    assert log == [
        ("batch", 0, [0, -1]),
        ("watermark", 1),
        ("batch", 0, [-2]),
        ("watermark", 2),
        ("watermark", MAX_TIME),
        ("ended", 0),
        ("finish",),
    ]
    assert watcher.committables("1-1") == [0, -1, -2]


class AtTheEnd(StreamOperator):
    """Says what it has counted when all is over, at the last time it knows of."""

    count = 0

    def restore(self, pieces: Sequence[Any]) -> None:
        self.count = sum(pieces)

    def process(self, port: int, batch: Batch) -> None:
        self.count += len(batch)

    def advance(self, time: int) -> int | None:
        return None

    def finish(self) -> None:
        self.context.emit(Batch([self.count]))

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self.count]


class Slow(StreamOperator):
    """Hands its records on only when somebody opens the door."""

    def __init__(self, door: threading.Event) -> None:
        self.door = door
        self.held: list[Any] = []

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        opener = threading.Thread(target=lambda: (self.door.wait(60), context.wake()))
        opener.daemon = True
        opener.start()

    def restore(self, pieces: Sequence[Any]) -> None:
        self.held = list(pieces)

    def process(self, port: int, batch: Batch) -> None:
        self.held += batch.values

    @property
    def busy(self) -> bool:
        return bool(self.held)

    def poll(self) -> None:
        if self.door.is_set():
            held, self.held = self.held, []
            self.context.emit(Batch(held))

    def snapshot(self, checkpoint: int) -> list[Any]:
        return list(self.held)


def test_an_operator_that_has_finished_does_not_finish_again_after_a_restart() -> None:
    """The one behind it was still at work when the checkpoint was made."""
    door = threading.Event()
    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(10))
    plan.edge(source, plan.stage(AtTheEnd, lambda: Slow(door), Collect))
    job = plan.job()
    attempt = start(inline(plan), job)
    attempt.until(lambda: len(attempt.watcher.of(Finished)) == 1)
    while attempt.deployment.step():
        pass
    parts = attempt.checkpoint(1)
    assert isinstance(parts[0, 0], Finished)
    assert isinstance(parts[1, 0], Acknowledged), "it draws its inputs' end, no barrier can come"
    attempt.deployment.stop(1)
    door.set()
    again = start(inline(plan), job, restored(parts, 1), attempt=1).finish()
    assert again.committables("1-2") == [10]


def test_a_failure_names_operator_record_and_cause() -> None:
    def fail(value: int) -> int:
        if value == 3:
            raise RecordError({"password": "x", "value": 3}) from ZeroDivisionError("no")
        return value

    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(10))
    plan.edge(source, plan.stage(lambda: Apply(abs), lambda: Apply(fail), Collect))
    (failed,) = start(inline(plan), plan.job()).finish().of(Failed)
    report = failed.report
    assert (report.uid, report.type, report.message) == ("1-1", "ZeroDivisionError", "no")
    assert report.sample == {"password": "•••", "value": 3}
    assert isinstance(failed.error, ZeroDivisionError)
    assert "ZeroDivisionError" in report.traceback
    assert report.pickled


class Swallows(StreamOperator):
    """Lives with every exception of its own."""

    def process(self, port: int, batch: Batch) -> None:
        try:
            self.context.emit(batch)
        except Exception:  # noqa: BLE001 - the point of the test
            self.context.emit(Batch(["swallowed"]))


def test_a_failure_is_not_taken_for_one_of_the_operator_before() -> None:
    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(10), Swallows, lambda: Apply(lambda x: 1 // x))
    plan.edge(source, plan.stage(Collect), "hash", lambda x: x)
    (failed,) = start(inline(plan), plan.job()).finish().of(Failed)
    assert failed.report.uid == "0-2"


class Full(Memory):
    """A storage that is full for a while."""

    full = True

    def write(self, name: str, data: bytes | memoryview) -> Part:
        if self.full:
            raise ResourceError("no space", code="checkpoint.storage_full")
        return super().write(name, data)


def test_what_a_sink_has_prepared_is_not_lost_with_its_checkpoint() -> None:
    storage = Full()
    plan = PlanBuilder(Settings(batch_size=4))
    source = plan.stage(lambda: Numbers(20))
    plan.edge(source, plan.stage(SumByKey, Collect), "hash", lambda x: x % 3)
    attempt = start(inline(plan), plan.job(storage))
    attempt.until(lambda: attempt.deployment.step() and len(attempt.watcher.reports) >= 2)
    for _ in range(4):
        attempt.deployment.step()
    declined = attempt.checkpoint(1)[1, 0]
    assert isinstance(declined, Declined)
    assert (declined.fatal, declined.code) == (True, "checkpoint.storage_full")
    assert declined.committables["1-1"]
    storage.full = False
    sums = [0, 0, 0]
    expected = []
    for value in range(20):
        sums[value % 3] += value
        expected.append((value % 3, sums[value % 3]))
    assert attempt.finish().committables("1-1") == expected


class Loop(StreamOperator):
    """Sends every record round until it is zero; what is under way belongs to its state."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen
        self.under_way = 0
        self.later: Later | None = None
        self.logged: list[Any] = []

    def restore(self, pieces: Sequence[Any]) -> None:
        self.again = list(pieces)
        if self.again:
            self.context.wake()

    def poll(self) -> None:
        again, self.again = self.again, []
        self.send(again)

    def send(self, values: list[Any]) -> None:
        self.under_way += len(values)
        self.context.emit(Batch(values))

    def process(self, port: int, batch: Batch) -> None:
        self.send(batch.values)

    def fed_back(self, event: Event) -> None:
        if isinstance(event, Batch):
            if self.later is not None:
                self.logged += event.values
            self.under_way -= len(event)
            self.seen += [value for value in event.values if value == 0]
            self.send([value for value in event.values if value])
        elif isinstance(event, Barrier) and self.later is not None:
            later, self.later = self.later, None
            later.complete(self.logged)

    @property
    def busy(self) -> bool:
        return self.under_way > 0 or bool(self.again)

    def snapshot(self, checkpoint: int) -> Any:
        if not self.busy:
            return list(self.again)
        self.later, self.logged = Later(), []
        return self.later


@pytest.mark.parametrize("name", ["threads", None, *range(6)])
def test_what_goes_round_is_part_of_the_checkpoint(name: str | int | None) -> None:
    """Also: a loop does not block itself, however little its channels hold."""
    seen: list[Any] = []
    plan = PlanBuilder(Settings(batch_size=4, queue_records=8))
    source = plan.stage(lambda: Numbers(60))
    head = plan.stage(lambda: Loop(seen))
    body = plan.stage(lambda: Apply(lambda x: max(0, x - 1)))
    plan.edge(source, head)
    plan.edge(head, body)
    plan.edge(body, head, feedback=True)
    backend = Threads(plan.operators) if name == "threads" else Inline(name, plan.operators)
    job = plan.job()
    attempt = start(backend, job)
    if attempt.stepping:
        attempt.until(lambda: attempt.deployment.step() and len(seen) >= 5)
    parts = attempt.checkpoint(1)
    attempt.finish()
    assert len(seen) == 60

    seen.clear()
    start(backend, job, restored(parts, 1), attempt=1).finish()
    under_way = parts[1, 0].snapshot.pieces["1-0"]
    unread = range(parts[0, 0].snapshot.pieces["0-0"][0], 60)
    assert len(seen) == len([x for x in under_way if not isinstance(x, OperatorEnded)]) + len(
        unread
    )


class Side(StreamOperator):
    """Sends even numbers to its first output and odd ones to its second."""

    def process(self, port: int, batch: Batch) -> None:
        self.context.emit(Batch([x for x in batch.values if x % 2 == 0]))
        self.context.emit(Batch([x for x in batch.values if x % 2]), 1)


@pytest.mark.parametrize("name", ["threads", None, *range(4)])
def test_paths_that_part_and_meet_again(name: str | int | None) -> None:
    """Barriers are aligned over both paths; every port ends once; nothing is lost or doubled."""
    log: list[Any] = []
    plan = PlanBuilder(Settings(batch_size=4, queue_records=8))
    source = plan.stage(lambda: Numbers(400), Side, outputs=2)
    slow = plan.stage(lambda: Apply(lambda x: x))
    meet = plan.stage(lambda: Collect(log), inputs=2)
    plan.edge(source, slow)
    plan.edge(slow, meet)
    plan.edge(source, meet, port=1, output=1)
    backend = Threads(plan.operators) if name == "threads" else Inline(name, plan.operators)
    job = plan.job()
    attempt = start(backend, job)
    parts = attempt.checkpoint(1)
    attempt.finish()
    assert sorted(item[1] for item in log if item[0] == "ended") == [0, 1]
    assert {x % 2 for item in log if item[:2] == ("batch", 1) for x in item[2]} == {1}
    kept = [x for part in parts.values() for x in part.snapshot.committables.get("2-0", [])]
    again = start(backend, job, restored(parts, 1), attempt=1).finish()
    assert sorted(kept + again.committables("2-0")) == list(range(400))


def test_an_input_that_nothing_leads_to_has_ended_from_the_start() -> None:
    logs: list[list[Any]] = []

    def collect() -> Collect:
        logs.append([])
        return Collect(logs[-1])

    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(4))
    both = plan.stage(collect, parallelism=2, inputs=2)
    plan.edge(source, both, "rebalance")
    plan.edge(source, both, "gather", port=1)
    start(inline(plan), plan.job()).finish()
    ends = [[item[1] for item in log if item[0] == "ended"] for log in logs]
    assert [sorted(ended) for ended in ends] == [[0, 1], [0, 1]]
    assert ends[1] == [1, 0]


class Interrupts(StreamOperator):
    def process(self, port: int, batch: Batch) -> None:
        raise KeyboardInterrupt


def test_an_interruption_goes_through_to_whoever_steps() -> None:
    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(4))
    plan.edge(source, plan.stage(Interrupts))
    attempt = start(inline(plan), plan.job())
    with pytest.raises(KeyboardInterrupt):
        attempt.finish()
    assert not attempt.watcher.of(Failed)
    attempt.deployment.stop(1)


def test_counters_tell_what_went_through() -> None:
    plan = PlanBuilder(Settings(batch_size=16))
    source = plan.stage(lambda: Numbers(100))
    plan.edge(source, plan.stage(lambda: Apply(abs), Collect))
    watcher = start(inline(plan), plan.job()).finish()
    last = {report.samples[0].stage: report.samples[0] for report in watcher.of(Measured)}
    assert last[0].operators[0].records_out == 100
    assert [(op.records_in, op.records_out) for op in last[1].operators] == [(100, 100), (100, 0)]
    assert last[1].busy_ns >= sum(op.busy_ns for op in last[1].operators) > 0
    assert last[1].watermark == MAX_TIME


class Mutates(StreamOperator):
    def process(self, port: int, batch: Batch) -> None:
        for value in batch.values:
            value.append("changed")


@pytest.mark.parametrize("reuse", [True, False])
def test_records_are_copied_unless_objects_may_be_reused(reuse: bool) -> None:
    plan = PlanBuilder(Settings(object_reuse=reuse))
    source = plan.stage(lambda: Numbers(2), lambda: Apply(lambda x: [x]))
    plan.edge(source, plan.stage(Mutates))
    plan.edge(source, plan.stage(Collect))
    values = start(inline(plan), plan.job()).finish().committables("2-0")
    assert (values == [[0], [1]]) is not reuse


class Ticks(StreamOperator):
    """Wants to be called at times of the clock."""

    def __init__(self, at: list[int], ticked: list[int]) -> None:
        self.at = at
        self.ticked = ticked

    def process(self, port: int, batch: Batch) -> None:
        pass

    def due(self) -> int | None:
        return self.at[0] if self.at else None

    def tick(self, now: int) -> None:
        self.at.pop(0)
        self.ticked.append(now)


class Waits(Numbers):
    """A source with pauses."""

    def pull(self, limit: int) -> Pull:
        if self.context.now() < 10_000:
            return Pull("idle", 4.0)
        return super().pull(limit)


def test_time_jumps_to_what_is_due_when_nothing_else_can_happen() -> None:
    ticked: list[int] = []
    plan = PlanBuilder()
    source = plan.stage(lambda: Waits(3))
    wanted = [1_001, 1_100, 5_000, 5_500, 9_000, 99_000]
    plan.edge(source, plan.stage(lambda: Ticks(list(wanted), ticked)))
    start(inline(plan), plan.job()).finish()
    assert ticked == wanted[:-1]


def test_a_finished_subtask_only_says_that_it_has_ended() -> None:
    log: list[Any] = []
    plan = PlanBuilder()
    source = plan.stage(lambda: Numbers(10))
    plan.edge(source, plan.stage(lambda: Collect(log)))
    job = plan.job()
    first = start(inline(plan), job).finish()
    log.clear()
    parts = first.outcome(1)
    del parts[1, 0]
    again = start(inline(plan), job, restored(parts, 1), attempt=1).finish()
    assert log == [("watermark", MAX_TIME), ("ended", 0), ("finish",)]
    assert len(again.of(Finished)) == 2
    assert Watermark(MAX_TIME).time == MAX_TIME
