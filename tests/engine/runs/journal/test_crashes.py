"""Killed, stopped, without space, without a database: what was acknowledged is there."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.journal.postgres_server import PostgresServer
from tests.engine.runs.journal.writing_child import request, store_at
from weft_engine.runs.journal.base import JournalStore, StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.journal.writer import writer_of

ROOT = Path(__file__).parents[4]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A kind of store, and where one is that several processes may open."""
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "journal.sqlite3")
    server: PostgresServer = request.getfixturevalue("postgres")
    return "postgres", server.address()


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.runs.journal.writing_child", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def opened(place: tuple[str, str]) -> Iterator[JournalStore]:
    store = store_at(*place)
    try:
        yield store
    finally:
        store.close()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def until(done: Callable[[], Any]) -> Any:
    """Ask again until there is an answer; the test's time limit ends it else."""
    while not (answer := done()):
        threading.Event().wait(0.02)
    return answer


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    place: tuple[str, str], tmp_path: Path
) -> None:
    chance = random.Random(20)
    blobs = ValueStore(tmp_path)
    for round_ in range(5):
        said: list[tuple[str, int]] = []
        with child("write", *place, str(tmp_path), str(round_)) as process:
            for _ in range(chance.choice([1, 10, 100, 300]) + chance.randrange(20)):
                run_id, number = line(process).split()
                said.append((run_id, int(number)))
            process.send_signal(signal.SIGKILL)
            rest, _ = process.communicate()
        for text in rest.splitlines():
            run_id, number = text.split()
            said.append((run_id, int(number)))
        with opened(place) as store:
            for run_id in {run_id for run_id, _ in said}:
                steps = store.steps(run_id)
                found = [int(step.node) for step in steps]
                assert found == list(range(len(found)))  # no gap, nothing twice
                assert {n for r, n in said if r == run_id} <= set(found)
                for step in steps:
                    for stored in step.outputs.values():
                        assert blobs.get(stored).startswith(f"{run_id} {step.node} ")
                # Whoever takes its place goes on at once.
                again = open_run(store, request(run_id), "p", "sync", "child")
                again.record(StepRow(node=str(len(found))))
                again.end("completed")
                assert len(store.steps(run_id)) == len(found) + 1


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "nobody-took-it"])
def test_a_process_that_was_stopped_too_long_writes_nothing_any_more(
    place: tuple[str, str], *, taken: bool
) -> None:
    with opened(place) as store, child("hold", *place, "1.5") as process:
        assert line(process) == "ready"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        if taken:
            lease = until(lambda: store.acquire("held", "other", 60))
            assert store.write([(lease, StepRow(node="other"), None)]) == []
        else:
            until(store.unfinished)
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert line(process) == "journal.fenced True"
        assert process.wait() == 0
        expected = ["before", "other"] if taken else ["before"]
        assert [step.node for step in store.steps("held")] == expected


def acknowledged(process: subprocess.Popen[str]) -> tuple[list[int], list[str]]:
    """The numbers that were acknowledged, and what was said in the end."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    rows = [int(text.split()[1]) for text in lines if text.startswith("fill ")]
    return rows, [text for text in lines if not text.startswith("fill ")]


def written(store: JournalStore) -> list[int]:
    return [int(step.node) for step in store.steps("fill")]


def test_a_quota_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    place = ("sqlite", str(tmp_path / "journal.sqlite3"))
    with child("fill", *place, "600000") as process:
        rows, end = acknowledged(process)
    assert end == ["stopped journal.full", "ended journal.full"]
    assert len(rows) > 50
    with opened(place) as store:
        assert written(store)[: len(rows)] == rows == list(range(len(rows)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = mount and subprocess.run([mount, *options], capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip("mounting a small file system needs rights that there are not")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_loses_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    place = ("sqlite", str(small_disk / "journal.sqlite3"))
    with child("fill", *place, "0") as process:
        rows, end = acknowledged(process)
    assert end == ["stopped journal.full", "ended journal.full"]
    assert len(rows) > 50
    with pytest.raises(JournalError) as caught:
        ValueStore(small_disk).put("x" * 2_000_000)
    assert caught.value.code == "journal.full"
    ballast.unlink()
    with opened(place) as store:
        assert written(store)[: len(rows)] == rows == list(range(len(rows)))
        lease = until(lambda: store.acquire("fill", "child", 60))
        assert store.write([(lease, StepRow(node="9999"), None)]) == []


def test_a_database_that_dies_stops_the_run_and_loses_nothing(postgres: PostgresServer) -> None:
    place = ("postgres", postgres.address())
    with child("fill", *place, "0", "0.5") as process:
        first = [line(process) for _ in range(200)]
        assert first[-1] == "fill 199"
        postgres.stop("immediate")
        try:
            rows, end = acknowledged(process)
        finally:
            postgres.start()
    assert end == ["stopped journal.unavailable", "ended journal.unavailable"]
    with opened(place) as store:
        found = written(store)
        assert found == list(range(len(found)))
        assert len(found) >= 200 + len(rows)


def test_a_database_that_starts_again_in_time_stops_nothing(postgres: PostgresServer) -> None:
    with opened(("postgres", postgres.address())) as store:
        writer = writer_of(store)
        writer.patience_s = 120
        journal = open_run(store, request("fill"), "p", "sync", "me")
        journal.record(StepRow(node="0"))
        journal.flush()
        postgres.stop("immediate")
        journal.record(StepRow(node="1"))
        postgres.start()
        journal.record(StepRow(node="2"))
        journal.end("completed")
        assert written(store) == [0, 1, 2]


def test_no_database_at_all() -> None:
    with pytest.raises(JournalError) as caught:
        store_at("postgres", "postgresql://weft:hidden@127.0.0.1:1/none")
    assert caught.value.code == "journal.unavailable"
    assert caught.value.retryable
    assert "hidden" not in f"{caught.value} {caught.value.params}"
