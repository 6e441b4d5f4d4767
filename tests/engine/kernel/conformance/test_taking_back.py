"""Sinks that had made a checkpoint visible which turns out to be damaged."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.backends.jobs import Numbers
from tests.engine.kernel.conformance.test_storage_faults import newest, truncate
from weft_engine.kernel import FileSink, LocalEnvironment, SqliteSink
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.files import Files

COUNT = 1000


class Program:
    """Numbers, counted by key, to a folder and to a table."""

    def __init__(self, folder: Path, name: str = "job", count: int = COUNT) -> None:
        self.folder, self.name, self.count = folder, name, count
        self.checkpoints = folder / "checkpoints"
        self.files = FileSink(folder / "files")
        self.table = SqliteSink(folder / "out.sqlite", "counts", ["key", "count"])

    def start(self, *, resume: Any = None, wait: bool = False, parallelism: int = 2) -> Any:
        config = {
            "parallelism": parallelism,
            "batch.size": 16,
            "checkpoint.dir": str(self.checkpoints),
            "checkpoint.interval": 20,
        }
        env = LocalEnvironment(self.name, config, backend="inline")
        numbers = env.from_source(Numbers(self.count, 4), uid="numbers")
        counts = numbers.key_by(lambda n: n % 7).count(uid="counts")
        counts.sink(self.files, uid="files")
        rows = counts.map(lambda pair: {"key": pair[0], "count": pair[1]})
        rows.sink(self.table, uid="table")
        return env.submit(wait=wait, resume=resume)

    def interrupted(self, checkpoints: int, *, resume: Any = None) -> None:
        job = self.start(resume=resume)
        while len(job.checkpoints) < checkpoints:
            assert job.state != "finished"
            job.step()
        job.cancel()

    def written(self) -> tuple[list[Any], list[Any]]:
        lines = [line for part in self.files.parts() for line in part.read_text().splitlines()]
        with sqlite3.connect(self.folder / "out.sqlite") as db:
            rows = db.execute("SELECT * FROM counts").fetchall()
        return sorted(tuple(json.loads(line)) for line in lines), sorted(rows)


def expected(count: int = COUNT) -> list[tuple[int, int]]:
    return sorted((n % 7, n // 7 + 1) for n in range(count))


@pytest.mark.parametrize("parallelism", [2, 3])
@pytest.mark.parametrize("what", ["manifest", "part"])
@pytest.mark.parametrize("damage", [truncate, Path.unlink])
def test_what_a_damaged_checkpoint_held_is_there_once(
    damage: Callable[[Path], None], what: str, parallelism: int, tmp_path: Path
) -> None:
    program = Program(tmp_path)
    program.interrupted(4)
    manifest, parts = newest(program.checkpoints)
    before = program.written()
    damage(manifest if what == "manifest" else parts[-1])
    job = program.start(resume="latest", parallelism=parallelism)
    job.step()
    now = program.written()
    assert len(now[0]) < len(before[0])  # taken back
    assert len(now[1]) < len(before[1])
    job.wait(120)
    assert program.written() == (expected(), expected())


@pytest.mark.parametrize("parallelism", [2, 3])
def test_the_last_checkpoint_of_all_is_damaged(parallelism: int, tmp_path: Path) -> None:
    """Also what subtasks have prepared at their ends, some before others, is taken back."""
    program = Program(tmp_path)
    program.start(wait=True)
    for _ in range(2):
        manifest, _ = newest(program.checkpoints)
        truncate(manifest)
        job = program.start(resume="latest", parallelism=parallelism)
        job.wait(120)
        assert job.damaged
        assert program.written() == (expected(), expected())
        truncated = manifest.name
        manifest.unlink()
        assert truncated not in {path.name for path in manifest.parent.iterdir()}


@pytest.mark.parametrize("point", [crash_points.AFTER_MANIFEST, crash_points.AFTER_SINK])
def test_half_of_the_sinks_had_committed(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(tmp_path)
    came = 0

    def fail() -> None:
        nonlocal came
        came += 1
        if came == 5:
            raise RuntimeError("the end")

    monkeypatch.setitem(crash_points.hooks, point, fail)
    job = program.start()
    with pytest.raises(Exception, match="the end"):
        job.wait(120)
    crash_points.hooks.clear()
    truncate(newest(program.checkpoints)[0])
    program.start(resume="latest").wait(120)
    assert program.written() == (expected(), expected())


def test_other_jobs_and_earlier_runs_are_left_alone(tmp_path: Path) -> None:
    other = Program(tmp_path, "other")
    other.start(wait=True)
    earlier = Program(tmp_path)
    earlier.start(wait=True)
    shutil.rmtree(earlier.checkpoints / "job")  # numbers begin anew
    program = Program(tmp_path)
    program.interrupted(4)
    assert Files(program.checkpoints, "job").checkpoints()[0] <= 5
    truncate(newest(program.checkpoints)[0])
    program.start(resume="latest").wait(120)
    thrice = sorted(expected() * 3)
    assert program.written() == (thrice, thrice)


def test_what_was_visible_before_a_savepoint_is_gone_back_to_stays(tmp_path: Path) -> None:
    program = Program(tmp_path)
    job = program.start()
    while len(job.checkpoints) < 2:
        job.step()
    point = job.savepoint(tmp_path / "point")
    at_point = program.written()
    job.wait(120)
    shutil.rmtree(program.checkpoints / "job")
    program.interrupted(2, resume=str(point))
    truncate(newest(program.checkpoints)[0])
    program.start(resume="latest").wait(120)
    rest = sorted(expected() * 2)
    for record in at_point[0]:
        rest.remove(record)
    assert program.written() == (rest, rest)


def test_rows_that_somebody_has_changed_stay(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    sink = SqliteSink(path, "numbers", ["n"])
    batches = []
    for checkpoint in (1, 2, 3):
        writer = sink.writer(0, 1, f"job-home-start-0-0-{checkpoint}")
        writer.write([{"n": 10 * checkpoint}, {"n": 10 * checkpoint + 1}])
        batches.append(writer.prepare(checkpoint))
        sink.commit(batches[-1:])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE numbers SET n = -1 WHERE n = 31")
    sink.recover_job(batches[:1], "job-home", 1)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT n FROM numbers").fetchall() == [(10,), (11,), (30,), (-1,)]


@pytest.mark.parametrize(
    "made",
    ["n INTEGER PRIMARY KEY, rowid TEXT", "n INTEGER, rowid TEXT", "rowid TEXT, n INT DEFAULT 1"],
)
def test_tables_that_others_have_made(made: str, tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(f"CREATE TABLE numbers ({made})")
        db.execute("INSERT INTO numbers (n) VALUES (7)")
    sink = SqliteSink(path, "numbers", ["n"])
    writer = sink.writer(0, 1, "job-home-start-0-0-x")
    writer.write([{"n": 90}, {"n": 5}, {"n": 40}])
    batch = writer.prepare(4)
    sink.commit([batch])
    sink.recover_job([], "job-home", 4)
    sink.recover_job([], "job", 3)
    with sqlite3.connect(path) as db:
        assert len(db.execute("SELECT n FROM numbers").fetchall()) == 4
    writer.write([{"n": 91}, {"n": 6}, {"n": 41}])
    sink.commit([writer.prepare(5)])
    sink.recover_job([], "job-home-start", 4)
    with sqlite3.connect(path) as db:
        found = sorted(n for (n,) in db.execute("SELECT n FROM numbers"))
    assert found == [5, 7, 40, 90]
