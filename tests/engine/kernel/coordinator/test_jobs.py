"""Jobs on real backends, through failures, to exact results."""

import asyncio
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.coordinator.programs import Ledger, Mine, Trip, job, pipeline, totals
from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.backends.inline import Inline
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.checkpoint.files import Files
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.coordinator import JobCancelledError, JobFailedError, start_job
from weft_engine.kernel.settings import Restart

TIMEOUT = 120
COUNT = 4000


def until(running: Any, ready: Any) -> None:
    """Let a job go on until something is so; looks whenever the job tells of something."""
    heard = threading.Event()
    running.listen(lambda event: heard.set())
    give_up = time.monotonic() + TIMEOUT
    while not ready():
        assert running.error is None, running.error
        assert time.monotonic() < give_up
        if running._stepping:
            running.step()
        else:
            heard.wait(TIMEOUT)
            heard.clear()


def ends(records: list[Any]) -> dict[int, int]:
    last: dict[int, int] = {}
    for key, total in records:
        last[key] = max(total, last.get(key, total))
    return last


def exact(records: list[Any], count: int) -> None:
    """Every record has counted once: as many sums as records, and the last ones are right."""
    assert len(records) == count
    assert Counter(key for key, _ in records) == Counter(n % 10 for n in range(count))
    assert ends(records) == ends(totals(count))


@pytest.fixture(params=["inline", "inline-3", "threads"])
def backend(request: pytest.FixtureRequest) -> Any:
    if request.param == "threads":
        return Threads()
    return Inline(seed=3 if request.param == "inline-3" else None)


def test_a_job_without_checkpoints_runs_to_its_end(backend: Any) -> None:
    ledger = Ledger()
    running = start_job(job(pipeline(COUNT, ledger)), backend)
    running.wait(TIMEOUT)
    assert running.state == "finished"
    exact(ledger.records, COUNT)
    exact(running.results["results"], COUNT)
    assert running.attempts == 1


@pytest.mark.parametrize("at", [(1,), (700,), (500, 1500, 2800), (3999, 4300)])
def test_failures_change_nothing_in_the_result(backend: Any, at: tuple[int, ...]) -> None:
    ledger = Ledger()
    spec = job(pipeline(COUNT, ledger, Mine(*at)), Memory(), checkpoint_interval_s=0.005)
    running = start_job(spec, backend)
    running.wait(TIMEOUT)
    exact(ledger.records, COUNT)
    exact(running.results["results"], COUNT)
    assert 2 <= running.attempts <= len(at) + 1  # two subtasks may fail in one attempt
    assert running.checkpoints[-1].kind == "final"
    assert ledger.recovered == running.attempts


def test_without_a_store_the_job_fails_with_what_failed(backend: Any) -> None:
    running = start_job(job(pipeline(COUNT, Ledger(), Mine(700))), backend)
    with pytest.raises(JobFailedError, match="record 700") as caught:
        running.wait(TIMEOUT)
    assert running.state == "failed"
    assert "'pass'" in caught.value.message
    assert "subtask" in caught.value.message
    assert isinstance(caught.value.__cause__, Trip)
    assert running.error is caught.value


def test_a_job_that_keeps_failing_is_given_up(backend: Any) -> None:
    ledger = Ledger()
    spec = job(
        pipeline(COUNT, ledger, Mine(*range(100, 9000))),
        Memory(),
        checkpoint_interval_s=0.005,
        restart=Restart("fixed", 2, 0.001),
    )
    running = start_job(spec, backend)
    with pytest.raises(JobFailedError, match="Trip"):
        running.wait(TIMEOUT)
    assert running.attempts == 3
    assert running.state == "failed"


def test_a_sink_that_fails_to_commit_is_asked_again(backend: Any) -> None:
    ledger = Ledger()
    ledger.fail_commits = 2
    spec = job(pipeline(COUNT, ledger), Memory(), checkpoint_interval_s=0.005)
    running = start_job(spec, backend)
    running.wait(TIMEOUT)
    exact(ledger.records, COUNT)
    assert running.attempts == 3


def test_a_full_disk_stops_the_job_and_loses_nothing_committed(
    backend: Any, tmp_path: Path
) -> None:
    ledger, storage = Ledger(), Memory()

    def full(name: str) -> None:
        if len(storage.checkpoints()) >= 1:
            raise ResourceError("no space", code="checkpoint.storage_full", retryable=False)

    storage.before_put = full
    spec = job(pipeline(None, ledger), storage, checkpoint_interval_s=0.005)
    running = start_job(spec, backend)
    with pytest.raises(ResourceError) as caught:
        running.wait(TIMEOUT)
    assert caught.value.code == "checkpoint.storage_full"
    assert running.attempts == 1
    assert len(storage.checkpoints()) == 1
    read = storage.load(1).operators["numbers"]
    assert len(ledger.records) == sum(
        (piece.position - piece.split) // 4 if piece.position is not None else 0
        for pieces in read.pieces
        for piece in pieces
    )


def test_tolerable_failures_are_tolerated(backend: Any, tmp_path: Path) -> None:
    ledger, storage = Ledger(), Memory()

    def failing(name: str) -> None:
        if name in {"manifest-2.json", "manifest-3.json"}:
            raise ResourceError("no space", code="checkpoint.storage_full", retryable=False)

    storage.before_put = failing
    settings = {"checkpoint_interval_s": 0.005, "checkpoint_tolerable_failures": 2}
    running = start_job(job(pipeline(None, ledger), storage, **settings), backend)
    until(running, lambda: len(running.checkpoints) >= 2)
    assert [each.id for each in running.checkpoints][:2] == [1, 4]
    path = running.savepoint(tmp_path / "saved", stop=True, timeout=TIMEOUT)
    running.wait(TIMEOUT)
    assert running.attempts == 1
    files = Files(path, None)
    pieces = files.load(files.checkpoints()[0]).operators["numbers"].pieces
    assert len(ledger.records) == sum(
        (piece.position - piece.split) // 4 for mine in pieces for piece in mine if piece.position
    )


def test_a_finished_job_is_not_run_again(backend: Any, tmp_path: Path) -> None:
    ledger = Ledger()
    spec = job(pipeline(COUNT, ledger), None, checkpoint_dir=str(tmp_path))
    start_job(spec, backend).wait(TIMEOUT)
    again = start_job(spec, backend, resume="latest")
    again.wait(TIMEOUT)
    assert again.state == "finished"
    exact(ledger.records, COUNT)
    exact(again.results["results"], COUNT)
    assert len(ledger.commits) == 2
    assert set(ledger.commits[1]) == set(ledger.commits[0])


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_a_savepoint_is_gone_on_from_with_another_parallelism(
    backend: Any, parallelism: int, tmp_path: Path
) -> None:
    ledger = Ledger()
    spec = job(pipeline(20_000, ledger), Files(tmp_path, "one"), checkpoint_interval_s=0.01)
    running = start_job(spec, backend)
    path = running.savepoint(tmp_path / "saved", stop=True, timeout=TIMEOUT)
    running.wait(TIMEOUT)
    assert running.state == "finished"
    seen = len(ledger.records)
    follow = job(
        pipeline(20_000, ledger, parallelism=parallelism),
        Files(tmp_path, "two"),
        checkpoint_interval_s=0.01,
    )
    going_on = start_job(follow, backend, resume=path)
    going_on.wait(TIMEOUT)
    assert seen <= 20_000
    exact(ledger.records, 20_000)
    exact(going_on.results["results"], 20_000)


def test_a_savepoint_does_not_stop_the_job(backend: Any, tmp_path: Path) -> None:
    ledger = Ledger()
    spec = job(pipeline(20_000, ledger), Memory(), checkpoint_interval_s=10.0)
    running = start_job(spec, backend)
    path = running.savepoint(tmp_path / "deep" / "saved", timeout=TIMEOUT)
    running.wait(TIMEOUT)
    exact(ledger.records, 20_000)
    assert Files(path, None).checkpoints()
    with pytest.raises(ResourceError) as caught:
        running.savepoint(path)
    assert caught.value.code == "savepoint.exists"
    with pytest.raises(ResourceError) as caught:
        running.savepoint(tmp_path / "late")
    assert caught.value.code == "job.not_running"


def test_a_damaged_checkpoint_is_passed_over(backend: Any, tmp_path: Path) -> None:
    ledger = Ledger()
    storage = Files(tmp_path, "test")
    spec = job(pipeline(None, ledger), storage, checkpoint_interval_s=0.01, checkpoint_keep=5)
    running = start_job(spec, backend)
    until(running, lambda: len(running.checkpoints) >= 3)
    running.cancel()
    with pytest.raises(JobCancelledError):
        running.wait(TIMEOUT)
    newest, before = storage.checkpoints()[:2]
    path = storage.root / f"manifest-{newest}.json"
    path.write_bytes(path.read_bytes()[:-10])
    again = start_job(spec, backend, resume="latest")
    assert [id_ for id_, _ in again.damaged] == [newest]
    assert again._coordinator._start.checkpoint.id == before
    again.cancel()
    with pytest.raises(JobCancelledError):
        again.wait(TIMEOUT)
    assert path.exists()


def test_a_second_job_of_that_name_is_refused(backend: Any, tmp_path: Path) -> None:
    spec = job(pipeline(None, Ledger()), None, checkpoint_dir=str(tmp_path))
    running = start_job(spec, backend)
    with pytest.raises(ResourceError) as caught:
        start_job(spec, backend)
    assert caught.value.code == "checkpoint.in_use"
    running.cancel()
    running.cancel()
    with pytest.raises(JobCancelledError):
        running.wait(TIMEOUT)
    assert running.state == "cancelled"
    again = start_job(spec, backend)
    again.cancel()
    with pytest.raises(JobCancelledError):
        again.wait(TIMEOUT)


def test_cancelled_while_it_waits_to_be_started_again(backend: Any) -> None:
    spec = job(
        pipeline(COUNT, Ledger(), Mine(1)),
        Memory(),
        checkpoint_interval_s=1.0,
        restart=Restart("fixed", 5, 3600.0),
    )
    heard: list[Any] = []
    running = start_job(spec, backend, listeners=[heard.append])
    until(running, lambda: running.state == "restarting")
    running.cancel()
    with pytest.raises(JobCancelledError):
        running.wait(TIMEOUT)
    assert running.attempts == 1
    assert [e.data["state"] for e in heard if e.kind == "state"][-2:] == ["restarting", "cancelled"]


def test_pause_and_resume(backend: Any, tmp_path: Path) -> None:
    ledger = Ledger()
    spec = job(pipeline(None, ledger), Memory(), checkpoint_interval_s=0.01)
    running = start_job(spec, backend)
    until(running, lambda: ledger.records)
    running.pause()
    assert running.state == "paused"
    done = len(running.checkpoints)
    with pytest.raises(TimeoutError):
        running.wait(0.1)
    assert len(running.checkpoints) <= done + 1
    running.resume()
    assert running.state == "running"
    until(running, lambda: len(running.checkpoints) > done + 1)
    running.pause()
    running.savepoint(tmp_path / "saved", timeout=TIMEOUT)
    assert running.state == "paused"
    running.cancel()
    with pytest.raises(JobCancelledError):
        running.wait(TIMEOUT)


def test_a_job_can_be_awaited(backend: Any) -> None:
    async def main() -> None:
        good = start_job(job(pipeline(COUNT, Ledger())), backend)
        await good
        await good
        assert good.state == "finished"
        bad = start_job(job(pipeline(COUNT, Ledger(), Mine(5))), backend)
        with pytest.raises(JobFailedError, match="Trip"):
            await bad

    asyncio.run(main())


def test_a_listener_may_cancel(backend: Any) -> None:
    jobs: list[Any] = []

    def listener(event: Any) -> None:
        if event.kind == "checkpoint":
            jobs[0].cancel()

    spec = job(pipeline(None, Ledger()), Memory(), checkpoint_interval_s=0.01)
    running = start_job(spec, backend)
    jobs.append(running)
    running.listen(listener)
    with pytest.raises(JobCancelledError):
        running.wait(TIMEOUT)


def test_a_plan_that_lost_state_is_refused(backend: Any, tmp_path: Path) -> None:
    ledger = Ledger()
    spec = job(pipeline(None, ledger), Files(tmp_path, "j"), checkpoint_interval_s=0.01)
    running = start_job(spec, backend)
    until(running, lambda: ledger.records)
    path = running.savepoint(tmp_path / "saved", stop=True, timeout=TIMEOUT)
    running.wait(TIMEOUT)
    made = spec.plan
    renamed = replace(made.stages[2].operators[0], uid="other")
    stage = replace(made.stages[2], operators=(renamed,))
    changed = replace(made, stages=(*made.stages[:2], stage, *made.stages[3:]))
    with pytest.raises(FlowError) as caught:
        start_job(job(changed, Memory()), backend, resume=path)
    assert caught.value.code == "checkpoint.state_lost"
    assert caught.value.params["uids"] == ["sums"]
    other_groups = replace(made, key_groups=64)
    with pytest.raises(FlowError) as caught:
        start_job(job(other_groups, Memory()), backend, resume=path)
    assert caught.value.code == "checkpoint.key_groups"
    with pytest.raises(ResourceError) as missing:
        start_job(job(made, Memory()), backend, resume=tmp_path / "nowhere")
    assert missing.value.code == "checkpoint.missing"
