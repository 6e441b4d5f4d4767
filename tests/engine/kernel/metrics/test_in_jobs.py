"""Metrics and traces of jobs at work."""

import threading

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.coordinator import Job, JobEvent

BACKENDS = ["threads", "inline", "processes"]
TIMEOUT = 60.0


def submit(env: LocalEnvironment) -> Job:
    stream = env.from_collection(range(10_000)).map(lambda x: 1 // (x % 1000), name="divide")
    kept = stream.on_error("skip").filter(lambda x: x < 5, name="keep")
    kept.key_by(lambda x: x % 3).count().collect()
    return env.submit()


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_record_is_counted(backend: str) -> None:
    env = LocalEnvironment("counted", {"parallelism": 2, "batch.size": 64}, backend=backend)
    job = submit(env)
    found = job.metrics()
    assert found.state == "finished"
    assert found.records_in == 10_000
    divide, keep = found.operator("divide"), found.operator("keep")
    assert (divide.records_in, divide.errors) == (10_000, 10)
    counts = found.operator("count")
    assert keep.records_out == counts.records_in == counts.records_out == 9_990
    assert counts.state_entries == 2
    assert counts.state_bytes > 0
    assert found.memory_bytes > 2**20
    assert {(sample.stage, sample.subtask) for sample in job.samples} == {
        (stage.id, index) for stage in found.stages for index in range(stage.parallelism)
    }
    assert all(stage.reported == stage.parallelism for stage in found.stages)


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_are_traced(backend: str) -> None:
    config = {"parallelism": 2, "batch.size": 64, "trace.every": 5}
    env = LocalEnvironment("traced", config, backend=backend)
    env.configure_debug(enable_tracing=True)
    job = submit(env)
    spans = job.traces()
    assert {span.name for span in spans} >= {"divide", "keep", "count"}
    assert [span.start_ns for span in spans] == sorted(span.start_ns for span in spans)
    assert all(span.work_ns >= 0 <= span.queue_ns for span in spans)
    of_chain = [span for span in spans if span.name in ("divide", "keep")]
    by_trace = {span.trace: span for span in of_chain if span.name == "divide"}
    for span in of_chain:
        if span.name == "keep":
            assert 0 < span.records <= by_trace[span.trace].records <= 64
    assert any(span.queue_ns for span in spans), "something waited"


def test_nothing_is_traced_unless_asked_for() -> None:
    assert submit(LocalEnvironment("plain")).traces() == []


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_subtask_that_is_held_up_is_seen(backend: str) -> None:
    """Its own thread is at work in a function, or waits for room, and cannot report anything."""
    _LET_GO.clear()
    env = LocalEnvironment(
        "held up",
        {"metrics.interval": "20ms", "queue.records": 16, "batch.size": 8},
        backend=backend,
    )
    numbers = env.from_source(lambda: iter(int, 1)).disable_chaining()
    numbers.map(_hang, name="hang").disable_chaining().for_each(_nothing)
    seen = threading.Event()

    def listen(event: JobEvent) -> None:
        if event.kind == "metrics":
            found = job.metrics()
            source, hanging = (found.stage_of(found.operator(name)) for name in ("source", "hang"))
            if source.blocked_out > 0.9 and hanging.busy > 0.9:
                seen.set()

    job = env.submit(wait=False)
    job.listen(listen)
    try:
        assert seen.wait(TIMEOUT)
    finally:
        _LET_GO.set()
        job.cancel()


_LET_GO = threading.Event()


def _hang(record: int) -> int:
    _LET_GO.wait(60)
    return record


def _nothing(record: int) -> None:
    pass
