"""Sinks: what becomes visible, when, and what is left after a crash."""

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import ResourceError
from weft_engine.kernel import (
    FileSink,
    JobFailedError,
    LocalEnvironment,
    MapFunction,
    ProgramError,
    SqliteSink,
    StopSignal,
)

BACKENDS = [("inline", 1), ("inline", 3), ("threads", 1), ("threads", 3)]


@pytest.fixture(params=BACKENDS, ids=lambda case: f"{case[0]}-{case[1]}")
def env(request: pytest.FixtureRequest) -> LocalEnvironment:
    backend, parallelism = request.param
    return LocalEnvironment("test", {"parallelism": parallelism}, backend=backend)


def lines(sink: FileSink) -> list[Any]:
    texts = [path.read_text(encoding="utf-8") for path in sink.parts()]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def rows(path: Path, table: str = "numbers") -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return sorted(db.execute(f"SELECT * FROM {table}").fetchall())
    finally:
        db.close()


def test_part_files(env: LocalEnvironment, tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out")
    env.from_collection([{"n": n, "ä": None} for n in range(50)]).sink(sink)
    env.submit()
    assert sorted(line["n"] for line in lines(sink)) == list(range(50))
    assert not list((tmp_path / "out" / ".staging").iterdir())


def test_a_function_takes_every_record(env: LocalEnvironment) -> None:
    taken: list[int] = []
    also: list[int] = []
    numbers = env.from_collection(range(50))
    numbers.for_each(taken.append)
    numbers.sink(also.append)
    env.submit()
    assert sorted(taken) == sorted(also) == list(range(50))


def test_files_of_other_formats(tmp_path: Path) -> None:
    env = LocalEnvironment()
    numbers = env.from_collection(range(3))
    table = FileSink(tmp_path / "table", format="csv")
    text = FileSink(tmp_path / "text", format="text")
    numbers.map(lambda n: {"n": n, "said": f'"{n}", twice'}).sink(table)
    numbers.sink(text)
    env.submit()
    (part,) = table.parts()
    assert part.read_text() == 'n,said\n0,"""0"", twice"\n1,"""1"", twice"\n2,"""2"", twice"\n'
    (part,) = text.parts()
    assert part.read_text() == "0\n1\n2\n"


def test_parts_appear_at_the_commit_and_in_order(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    writer = sink.writer(0, 1, "job-0-0-abc")
    prepared = []
    for checkpoint in range(1, 12):
        writer.write([checkpoint, -checkpoint])
        prepared.append(writer.prepare(checkpoint))
    assert writer.prepare(12) is None
    assert not sink.parts()
    writer.write(["never prepared"])
    writer.close()
    sink.recover(prepared)
    sink.commit(prepared[:5])
    sink.commit(prepared)  # again for some, as after a crash
    assert lines(sink) == [sign * n for n in range(1, 12) for sign in (1, -1)]


def test_what_nobody_commits_is_removed(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    writer = sink.writer(0, 1, "first")
    writer.write([1])
    mine = writer.prepare(1)
    other = sink.writer(1, 2, "first")
    other.write([2])
    other.prepare(1)
    sink.recover([mine])
    assert len(list((tmp_path / ".staging").iterdir())) == 1
    sink.commit([mine])
    assert lines(sink) == [1]
    sink.parts()[0].unlink()
    with pytest.raises(ResourceError) as caught:
        sink.commit([mine])
    assert caught.value.code == "sink.commit_failed"


def test_a_bad_record_leaves_no_half_line(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    writer = sink.writer(0, 1, "x")
    writer.write([1])
    with pytest.raises(TypeError):
        writer.write([2, object()])
    sink.commit([writer.prepare(1)])
    assert lines(sink) == [1]


@pytest.mark.parametrize("key", [None, "n"])
def test_tables(env: LocalEnvironment, tmp_path: Path, key: str | None) -> None:
    path = tmp_path / "out.sqlite"
    sink = SqliteSink(path, "numbers", ["n", "data"], key=key)
    assert sink.delivery == ("idempotent" if key else "transactional")
    env.from_collection(range(20)).map(lambda n: {"n": n, "data": [n], "other": 0}).sink(sink)
    env.submit()
    assert rows(path) == [(n, f"[{n}]") for n in range(20)]
    env.submit()
    assert len(rows(path)) == (20 if key else 40)


def test_subtasks_that_open_a_new_table_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(12):
        path = tmp_path / f"{attempt}.sqlite"
        sink = SqliteSink(path, "numbers", ["n"], key="n")
        together = threading.Barrier(4)

        def write(n: int, sink: SqliteSink = sink, together: threading.Barrier = together) -> None:
            writer = sink.writer(n, 4, "first")
            together.wait()
            writer.write([{"n": n}])

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(write, range(4))) == [None] * 4
        assert rows(path) == [(n,) for n in range(4)]


def test_rows_are_not_seen_before_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    sink = SqliteSink(path, 'odd "name"', ["n", "bytes"])
    writer = sink.writer(0, 1, "first")
    writer.write([{"n": 1, "bytes": b"\x00\xff"}])
    mine = writer.prepare(1)
    writer.write([{"n": 2}])
    writer.prepare(2)
    assert rows(path, '"odd ""name"""') == []
    sink.recover([mine])
    sink.commit([mine])
    sink.commit([mine])
    assert rows(path, '"odd ""name"""') == [(1, b"\x00\xff")]
    assert rows(path, "weft_staged") == []


def test_sinks_that_cannot_be() -> None:
    with pytest.raises(ProgramError, match="no format"):
        FileSink("out", format="xml")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="not among the columns"):
        SqliteSink("x", "t", ["a"], key="b")


class FailOnce(MapFunction[int, int]):
    """Fails in the middle, the first time that a job tries."""

    failed = False

    def process(self, value: int) -> int:
        if value == 700 and not FailOnce.failed:
            FailOnce.failed = True
            raise OSError("this once")
        return value


@pytest.mark.parametrize("backend", ["inline", "threads"])
@pytest.mark.parametrize("parallelism", [1, 3])
def test_exactly_once_through_a_restart(backend: str, parallelism: int, tmp_path: Path) -> None:
    FailOnce.failed = False
    config = {
        "parallelism": parallelism,
        "batch.size": 10,
        "checkpoint.interval": "5ms",
        "checkpoint.dir": str(tmp_path / "checkpoints"),
        "restart.strategy": "fixed-delay",
        "restart.delay": "1ms",
    }
    env = LocalEnvironment("restarted", config, backend=backend)
    files = FileSink(tmp_path / "files")
    table = SqliteSink(tmp_path / "out.sqlite", "numbers", ["n"])
    numbers = env.from_collection(range(1000)).map(FailOnce)
    numbers.sink(files)
    numbers.map(lambda n: {"n": n}).sink(table)
    collected = numbers.collect()
    totals = numbers.key_by(lambda n: n % 5).sum().collect()
    job = env.submit()
    assert FailOnce.failed
    assert job.attempts == 2
    assert sorted(lines(files)) == list(range(1000))
    assert rows(tmp_path / "out.sqlite") == [(n,) for n in range(1000)]
    assert sorted(collected.get()) == list(range(1000))
    assert len(totals.get()) == 1000
    assert max(total for key, total in totals.get() if key == 4) == sum(range(4, 1000, 5))


@pytest.mark.parametrize("backend", ["inline", "threads"])
@pytest.mark.parametrize("parallelism", [(1, 1), (1, 3), (3, 2)])
def test_going_on_with_another_parallelism(
    backend: str, parallelism: tuple[int, int], tmp_path: Path
) -> None:
    FailOnce.failed = False
    files = FileSink(tmp_path / "files")
    config = {
        "batch.size": 10,
        "checkpoint.interval": "2ms",
        "checkpoint.dir": str(tmp_path / "checkpoints"),
    }

    def submit(number: int, resume: str | None) -> Any:
        env = LocalEnvironment("moved", {**config, "parallelism": number}, backend=backend)
        numbers = env.from_collection(range(1000)).map(FailOnce)
        totals = numbers.key_by(lambda n: n % 5).sum(uid="totals")
        totals.sink(files, uid="files")
        collected = numbers.collect()
        env.submit(resume=resume)
        return collected

    with pytest.raises(JobFailedError, match="this once"):
        submit(parallelism[0], None)
    collected = submit(parallelism[1], "latest")
    assert sorted(collected.get()) == list(range(1000))
    written = [tuple(pair) for pair in lines(files)]
    assert len(written) == 1000
    for key in range(5):
        mine = sorted(total for each, total in written if each == key)
        assert mine[-1] == sum(range(key, 1000, 5))


def test_sources_that_cannot_be_read_again_go_through_a_log(tmp_path: Path) -> None:
    FailOnce.failed = False
    config = {
        "checkpoint.interval": "5ms",
        "checkpoint.dir": str(tmp_path),
        "restart.strategy": "fixed-delay",
        "restart.delay": "1ms",
        "batch.size": 10,
    }
    left = iter(range(1000))
    env = LocalEnvironment("logged", config)
    asked = env.from_function(lambda: next(left, StopSignal), bounded=True)
    collected = asked.map(FailOnce).collect()
    env.submit()
    assert FailOnce.failed
    assert collected.get() == list(range(1000))
