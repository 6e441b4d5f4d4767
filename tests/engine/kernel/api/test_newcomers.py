"""What somebody tries who has just begun."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import Count, DataStream, LocalEnvironment, ProgramError, Sliding


def test_a_keyed_stream_can_be_printed_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    env = LocalEnvironment()
    keyed = env.from_collection([1, 2, 3]).key_by(lambda n: n % 2)
    seen: list[int] = []
    keyed.print()
    keyed.sink(seen.append)
    keyed.for_each(seen.append)
    kept = keyed.collect()
    env.submit()
    assert kept.get() == [1, 2, 3]
    assert sorted(seen) == [1, 1, 2, 2, 3, 3]
    assert capsys.readouterr().out == "1\n2\n3\n"
    assert keyed.execute_and_collect() == [1, 2, 3]
    times: Any = keyed.assign_timestamps(lambda n: n).process(lambda n, c: [c.timestamp])
    assert times.execute_and_collect() == [1, 2, 3]


def test_what_a_keyed_stream_cannot_do_is_said() -> None:
    keyed = LocalEnvironment().from_collection([1]).key_by(lambda n: n)
    with pytest.raises(AttributeError, match=r"'on_error'.*in front of key_by"):
        keyed.on_error("skip")  # type: ignore[attr-defined]


def test_windows_that_leave_records_out_are_refused() -> None:
    with pytest.raises(ProgramError, match="leave records out"):
        Sliding(2, 5)
    assert Sliding(5, 5).slide == 5


def test_nothing_is_collected_by_a_job_that_has_failed() -> None:
    env = LocalEnvironment()
    kept = env.from_collection([1, 0]).map(lambda n: 1 // n).collect()
    with pytest.raises(WeftError):
        env.submit()
    with pytest.raises(WeftError, match="ZeroDivisionError"):
        kept.get()


def test_only_what_is_near_is_suggested() -> None:
    with pytest.raises(ProgramError) as near:
        LocalEnvironment("e", {"paralelism": 2})
    assert "'parallelism'" in near.value.hint
    with pytest.raises(ProgramError) as far:
        LocalEnvironment("e", {"flavour": 2})
    assert "Did you mean" not in far.value.hint
    assert "parameters" in far.value.hint


def test_streams_of_two_environments_do_not_meet() -> None:
    one, other = (LocalEnvironment().from_collection([1], name=name) for name in ("one", "other"))
    meetings: list[Callable[[], Any]] = [
        lambda: one.union(other),
        lambda: one.zip(other),
        lambda: one.connect(other).map(abs, abs),
        lambda: one.key_by(abs).window_join(other.key_by(abs), Count(2), max),
    ]
    for meet in meetings:
        with pytest.raises(ProgramError, match="'one' and 'other' belong to different") as caught:
            meet()
        assert "same environment" in caught.value.hint


def test_files_are_read_by_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.csv").write_text("n\n1\n2\n")
    (tmp_path / "c.json").write_text('{"n": 1}\n2\n')
    env = LocalEnvironment()
    assert env.read_text(tmp_path / "a.txt").execute_and_collect() == ["one", "two"]
    assert env.read_csv(str(tmp_path / "*.csv")).execute_and_collect() == [{"n": "1"}, {"n": "2"}]
    assert env.read_json([tmp_path / "c.json"]).execute_and_collect() == [{"n": 1}, 2]


def test_results_of_windows_are_typed() -> None:
    """Checked by mypy, and true."""
    env = LocalEnvironment()
    windows = env.from_collection([1, 2, 3]).key_by(str).window(Count(1))
    assert_type(windows.reduce(max), DataStream[int])
    assert_type(windows.fold(int, lambda held, n: held + n), DataStream[tuple[str, int]])
    named = windows.fold(int, lambda held, n: held + n, result=lambda key, window, n: key * n)
    assert_type(named, DataStream[str])
    assert sorted(named.execute_and_collect()) == ["1", "22", "333"]
