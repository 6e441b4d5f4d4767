"""Sinks at their edges: records that cannot be written, and folders and tables that refuse."""

import json
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel import FileSink, FileSource, Job, LocalEnvironment, ProgramError, SqliteSink


def lines(sink: FileSink) -> list[Any]:
    texts = [path.read_text(encoding="utf-8") for path in sink.parts()]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def rows(path: Path) -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT * FROM t").fetchall()
    finally:
        db.close()


def make_table(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()


def write(sink: SqliteSink, *records: Any) -> None:
    """All that a job would do for one checkpoint."""
    writer = sink.writer(0, 1, "job")
    writer.write(list(records))
    prepared = writer.prepare(1)
    sink.commit([] if prepared is None else [prepared])


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """As on a disk that becomes full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_becomes_full_leaves_no_half(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    writer = sink.writer(0, 1, "x")
    writer.write(["a" * 50])
    with files_up_to(100), pytest.raises(ResourceError) as caught:
        writer.write(["b" * 100, "c"])
    assert caught.value.code == "sink.write_failed"
    writer.write(["d"])
    sink.commit([writer.prepare(1)])
    assert lines(sink) == ["a" * 50, "d"]


def test_a_part_in_which_nothing_could_be_written(tmp_path: Path) -> None:
    sink = FileSink(tmp_path, format="csv")
    writer = sink.writer(0, 1, "x")
    with files_up_to(2), pytest.raises(ResourceError):
        writer.write([{"a": 1}])
    assert writer.prepare(1) is None
    assert not list((tmp_path / ".staging").iterdir())
    writer.write([{"a": 2}])
    writer.write([{"a": 3}])
    sink.commit([writer.prepare(2)])
    assert sink.parts()[0].read_text() == "a\n2\n3\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ResourceError) as caught:
        FileSink(tmp_path / "out").writer(0, 1, "x").write([1])
    assert caught.value.code == "sink.write_failed"


@pytest.mark.parametrize("odd", ["\r", "a\rb", "\r\n", '"\r"', "\n", ",", "", " x ", "\x00", "ä"])
def test_tables_are_read_as_they_were_written(odd: str, tmp_path: Path) -> None:
    records = [{"a": odd, f"b{odd}": "1"}, {"a": "2", f"b{odd}": odd}, {"a": "", f"b{odd}": ""}]
    for number, some in enumerate((records, records[:1], records[1:2])):
        sink = FileSink(tmp_path / str(number), format="csv")
        writer = sink.writer(0, 1, "x")
        writer.write(some)
        writer.write(some)
        sink.commit([writer.prepare(1)])
        found = LocalEnvironment().from_source(FileSource(sink.parts()))
        assert found.execute_and_collect() == [*some, *some]


@pytest.mark.parametrize(
    "bad", [float("nan"), [float("inf")], date(2026, 1, 1), {1}, b"x", "\ud800"]
)
def test_what_is_not_json_is_refused(bad: Any, tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    writer = sink.writer(0, 1, "x")
    writer.write([1])
    with pytest.raises((TypeError, ValueError)):
        writer.write([2, bad])
    sink.commit([writer.prepare(1)])
    assert lines(sink) == [1]


@pytest.mark.parametrize("backend", ["inline", "threads"])
@pytest.mark.parametrize("then", ["skip", "route"])
def test_only_the_records_that_fail_are_given_up(backend: str, then: Any, tmp_path: Path) -> None:
    env = LocalEnvironment(backend=backend)
    bad = {77, 500}
    sink = FileSink(tmp_path)
    env.from_source(lambda: range(1000)).map(lambda n: {n} if n in bad else n).sink(sink).on_error(
        then, retries=1, delay="1ms"
    )
    env.submit()
    assert lines(sink) == [n for n in range(1000) if n not in bad]


@pytest.mark.parametrize("key", [None, "a"])
@pytest.mark.parametrize("bad", [2**63, -(2**63) - 1, "\ud800", object(), [float("nan")]])
def test_rows_are_refused_while_they_can_be(key: str | None, bad: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    sink = SqliteSink(path, "t", ["a", "b"], key=key)
    writer = sink.writer(0, 1, "job")
    with pytest.raises((TypeError, ValueError, ResourceError)):
        writer.write([{"a": 1, "b": 1}, {"a": 2, "b": bad}])
    writer.write([{"a": -(2**63), "b": date(2026, 1, 2)}, {"a": 2**63 - 1, "b": [True]}])
    prepared = writer.prepare(1)
    sink.commit([] if prepared is None else [prepared])
    assert rows(path) == [(-(2**63), "2026-01-02"), (2**63 - 1, "[true]")]


@pytest.mark.parametrize("bad", [None, float("nan")])
def test_keys_that_are_not_equal_to_themselves(bad: Any, tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "x.sqlite", "t", ["a", "b"], key=["a", "b"])
    with pytest.raises(ResourceError, match="the key 'b'") as caught:
        write(sink, {"a": 1, "b": bad})
    assert caught.value.code == "sink.write_failed"


def test_a_key_that_the_table_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    make_table(path, "CREATE TABLE t (a, b)")
    sink = SqliteSink(path, "t", ["a", "b"], key="a")
    with pytest.raises(ResourceError, match="UNIQUE"):
        write(sink, {"a": 1, "b": 1})
    make_table(path, "CREATE UNIQUE INDEX one ON t (a)")
    write(sink, {"a": 1, "b": 1}, {"a": 1, "b": 2})
    write(SqliteSink(path, "t", ["a"], key="a"), {"a": 1}, {"a": 3})
    assert rows(path) == [(1, 2), (3, None)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a)",
        "CREATE TABLE t (a, b NOT NULL)",
        "CREATE TABLE t (a UNIQUE, b)",
        "CREATE TABLE t (a, b CHECK (b > 0))",
    ],
)
def test_a_table_of_others_refuses_before_the_checkpoint(sql: str, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    make_table(path, sql)
    sink = SqliteSink(path, "t", ["a", "b"])
    writer = sink.writer(0, 1, "job")
    writer.write([{"a": 1, "b": 1}, {"a": 1, "b": None}, {"a": 2, "b": 0}])
    with pytest.raises(ResourceError) as caught:
        writer.prepare(1)
    assert caught.value.code == "sink.write_failed"
    assert rows(path) == []


def test_a_table_of_others_takes_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    make_table(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT NOT NULL, a)")
    write(SqliteSink(path, "t", ["a", "b"]), {"a": 1, "b": "x"}, {"a": b"\x00", "b": "y"})
    assert rows(path) == [(1, "x", 1), (2, "y", b"\x00")]


@pytest.mark.parametrize("key", [None, "select"])
def test_names_are_only_names(key: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    columns = ["select", 'a"; DROP TABLE t; --', "ä", "?", "a b", "rowid"]
    sink = SqliteSink(path, "t", columns, key=key)
    write(sink, dict.fromkeys(columns, 1) | {"b); DROP TABLE t": 2})
    assert rows(path) == [(1, 1, 1, 1, 1, 1)]


@pytest.mark.parametrize(
    ("table", "columns"), [("t", ["a", "A"]), ("t", "abc"), ("t", []), ("Weft_staged", ["a"])]
)
def test_tables_that_cannot_be(table: str, columns: Any, tmp_path: Path) -> None:
    with pytest.raises(ProgramError):
        SqliteSink(tmp_path / "x.sqlite", table, columns)


@pytest.mark.parametrize("key", [None, "a"])
def test_a_locked_database_is_waited_for(key: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    sink = SqliteSink(path, "t", ["a"], key=key)
    writing = threading.Thread(target=write, args=(sink, {"a": 1}))
    writing.start()
    writing.join(0.2)  # it is most likely waiting now; nothing depends on it
    db.execute("COMMIT")
    db.close()
    writing.join(60)
    assert rows(path) == [(1,)]


def test_two_sinks_may_share_a_folder_through_a_restart(tmp_path: Path) -> None:
    env = LocalEnvironment("shared", {"checkpoint.dir": str(tmp_path / "checkpoints")})
    sink = FileSink(tmp_path / "out")
    numbers = env.from_collection(range(10))
    numbers.sink(sink, uid="one")
    numbers.map(lambda n: n + 10).sink(sink, uid="other")
    env.submit()
    env.submit(resume="latest")
    assert sorted(lines(sink)) == list(range(20))


def test_an_error_of_a_sink_reaches_the_program(tmp_path: Path) -> None:
    env = LocalEnvironment()
    env.from_collection([{"a": None}]).sink(SqliteSink(tmp_path / "x", "t", ["a"], key="a"))
    with pytest.raises(WeftError, match="the key 'a' of a row of t is None"):
        env.submit()


@pytest.mark.parametrize("others", [None, "other", "same"])
@pytest.mark.parametrize("mine", [None, "mine"])
def test_a_job_leaves_alone_what_others_are_writing(
    mine: str | None, others: str | None, tmp_path: Path
) -> None:
    """Jobs of one name, here that of all jobs, which write to the same places at once."""

    def submit(number: int, folder: str | None) -> Job:
        config = {} if folder is None else {"checkpoint.dir": str(tmp_path / folder)}
        env = LocalEnvironment(config=config)
        numbers = env.from_collection([number])
        numbers.sink(files)
        numbers.map(lambda n: {"n": n}).sink(table)
        return env.submit()

    files = FileSink(tmp_path / "out")
    table = SqliteSink(tmp_path / "x.sqlite", "t", ["n"])
    alive = f"{submit(1, others).id}-0-0-12345678"
    writers = [sink.writer(0, 1, alive) for sink in (files, table)]
    for writer, value in zip(writers, [2, {"n": 2}], strict=True):
        writer.write([value])
    prepared = [writer.prepare(7) for writer in writers]
    submit(3, mine)
    files.commit([prepared[0]])
    table.commit([prepared[1]])
    assert sorted(lines(files)) == [1, 2, 3]
    assert sorted(rows(tmp_path / "x.sqlite")) == [(1,), (2,), (3,)]


def test_a_job_cleans_up_behind_itself(tmp_path: Path) -> None:
    """What an earlier start has left, which shared its checkpoints, nobody will commit."""
    files = FileSink(tmp_path / "out")
    table = SqliteSink(tmp_path / "x.sqlite", "t", ["n"])
    env = LocalEnvironment("mine", {"checkpoint.dir": str(tmp_path / "checkpoints")})
    env.from_collection([1]).sink(files)
    env.from_collection([{"n": 1}]).sink(table)
    dead = f"{env.submit().id}-0-0-12345678"
    for sink, value in ((files, 2), (table, {"n": 2})):
        writer = sink.writer(0, 1, dead)  # type: ignore[attr-defined]
        writer.write([value])
        assert writer.prepare(7)
    env.submit()
    assert not list((tmp_path / "out" / ".staging").iterdir())
    db = sqlite3.connect(tmp_path / "x.sqlite")
    assert db.execute("SELECT * FROM weft_staged").fetchall() == []
    db.close()
