"""The same plan on threads and inline: the same results, through restarts too."""

import threading
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
from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.runtime.messages import Acknowledged, Failed, Finished
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.runtime.tempo import FIRST
from weft_engine.kernel.settings import Settings

COUNT = 3000
BACKENDS = ["threads", "inline", *range(5)]


def backend(name: str | int, plan: PlanBuilder) -> Backend:
    if name == "threads":
        return Threads(plan.operators)
    return Inline(name if isinstance(name, int) else None, plan.operators)


def job_a(settings: Settings, sources: int, reducers: int) -> PlanBuilder:
    """Numbers, a map, a keyed exchange, sums that run on, a sink."""
    plan = PlanBuilder(settings)
    source = plan.stage(lambda: Numbers(COUNT), lambda: Apply(lambda x: x + 1), parallelism=sources)
    reduce = plan.stage(SumByKey, Collect, parallelism=reducers)
    plan.edge(source, reduce, "hash", lambda x: x % 10)
    return plan


def check_sums(pairs: list[tuple[int, int]]) -> None:
    """Every key's sums, one after the other, whatever the order of the records was."""
    assert len(pairs) == COUNT
    for key in range(10):
        sums = [total for at, total in pairs if at == key]
        assert sums == sorted(sums)
        values = sorted(b - a for a, b in zip([0, *sums], sums, strict=False))
        assert values == [x + 1 for x in range(COUNT) if (x + 1) % 10 == key]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("mode", ["exactly_once", "at_least_once"])
def test_results_are_the_same_and_exact_after_a_restart(name: str | int, mode: Any) -> None:
    plan = job_a(Settings(batch_size=32, queue_records=64, checkpoint_mode=mode), 2, 3)
    job = plan.job()
    made = backend(name, plan)
    attempt = start(made, job)
    check_sums(attempt.finish().committables("1-1"))

    first = start(made, job)
    parts = first.checkpoint(1)
    first.deployment.stop(10)
    kept = [value for part in parts.values() for value in part.snapshot.committables.get("1-1", [])]
    again = start(made, job, restored(parts, 1), attempt=1).finish()
    if mode == "exactly_once":
        check_sums(kept + again.committables("1-1"))
    else:
        assert len(kept + again.committables("1-1")) >= COUNT


def test_a_seed_gives_the_same_run_again_and_another_one_a_different_one() -> None:
    def trace(seed: int | None) -> list[Any]:
        log: list[Any] = []
        plan = PlanBuilder(Settings(batch_size=8))
        source = plan.stage(lambda: Numbers(100), parallelism=2)
        plan.edge(source, plan.stage(lambda: Collect(log), parallelism=2), "hash", lambda x: x)
        start(Inline(seed, plan.operators), plan.job()).finish()
        return log

    assert trace(1) == trace(1)
    assert trace(None) == trace(None)
    assert len({str(trace(seed)) for seed in range(4)}) > 1


def test_inline_leads_a_batch_through_everything_before_the_next() -> None:
    order: list[Any] = []

    def note(stage: str) -> Any:
        return lambda value: order.append((stage, value)) or value

    plan = PlanBuilder(Settings(batch_size=1))
    one = plan.stage(lambda: Numbers(3), lambda: Apply(note("one")))
    two = plan.stage(lambda: Apply(note("two")))
    three = plan.stage(lambda: Apply(note("three")), Collect)
    plan.edge(one, two)
    plan.edge(two, three)
    start(Inline(None, plan.operators), plan.job()).finish()
    assert order == [(stage, value) for value in range(3) for stage in ("one", "two", "three")]


class Endless(StreamOperator):
    """A function that does not come back until the test lets it."""

    def __init__(self, entered: threading.Event, door: threading.Event) -> None:
        self.entered = entered
        self.door = door

    def process(self, port: int, batch: Batch) -> None:
        self.entered.set()
        self.door.wait()


def test_a_function_that_never_returns_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entered, door = threading.Event(), threading.Event()
    plan = PlanBuilder(Settings(queue_records=16))
    source = plan.stage(lambda: Numbers(10_000), name="numbers")
    plan.edge(source, plan.stage(lambda: Endless(entered, door), name="endless"))
    attempt = start(Threads(plan.operators), plan.job())
    assert entered.wait(60)
    reports = len(attempt.watcher.reports)
    attempt.deployment.stop(0.05)
    assert "endless" in caplog.text
    assert "numbers" not in caplog.text, "what waits for room lets go"
    door.set()
    for thread in threading.enumerate():
        if thread.name.startswith("weft-test"):
            thread.join(60)
    assert not [r for r in attempt.watcher.reports[reports:] if isinstance(r, Finished | Failed)]


def test_the_first_failure_ends_the_attempt() -> None:
    plan = PlanBuilder(Settings(batch_size=16, queue_records=32))
    source = plan.stage(lambda: Numbers(100_000))
    plan.edge(source, plan.stage(lambda: Apply(lambda x: 1 // (500 - x)), Collect))
    (failed,) = start(Threads(plan.operators), plan.job()).finish().of(Failed)
    assert isinstance(failed.error, ZeroDivisionError)
    assert failed.report.operator == "1-0"


def test_a_paused_source_stands_still_and_takes_checkpoints() -> None:
    plan = job_a(Settings(batch_size=4, queue_records=8), 1, 1)
    attempt = start(Inline(None, plan.operators), plan.job())
    for _ in range(20):
        attempt.deployment.step()
    attempt.deployment.pause()
    one, two = attempt.checkpoint(1), attempt.checkpoint(2)
    assert all(isinstance(part, Acknowledged) for part in (*one.values(), *two.values()))
    assert one[0, 0].snapshot.pieces == two[0, 0].snapshot.pieces
    attempt.deployment.resume()
    check_sums(attempt.finish().committables("1-1"))


class Late(Collect):
    """Does not look at records before its queue is full at first; notes how many are under way."""

    def __init__(self, sources: list[Numbers], under_way: list[int]) -> None:
        super().__init__()
        self.sources = sources
        self.under_way = under_way

    def process(self, port: int, batch: Batch) -> None:
        while self.sources[0].at < FIRST:
            self.context.pause(0.001)
        self.under_way.append(self.sources[0].at - len(self.values))
        super().process(port, batch)


def test_a_slow_reader_holds_up_the_source() -> None:
    sources: list[Numbers] = []
    under_way: list[int] = []

    def source() -> Numbers:
        sources.append(Numbers(20_000))
        return sources[-1]

    plan = PlanBuilder(Settings(batch_size=10, queue_records=100))
    plan.edge(plan.stage(source), plan.stage(lambda: Late(sources, under_way)))
    watcher = start(Threads(plan.operators), plan.job()).finish()
    assert watcher.committables("1-0") == list(range(20_000))
    assert FIRST <= max(under_way) <= 130, "a full queue, and a batch at each of its ends"
