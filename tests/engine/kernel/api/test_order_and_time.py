"""When timers fire among records, and which order records come in."""

from typing import Any

import pytest

from weft_engine.kernel import (
    DataStream,
    FileSource,
    LocalEnvironment,
    ProcessFunction,
    ProgramError,
    Session,
)

BACKENDS = ["threads", "inline"]


class LastTenSeconds(ProcessFunction[Any, Any]):
    """How many records there were in ten seconds, by forgetting every one when its time is over."""

    def open(self, context: Any) -> None:
        self.recent = context.state.value("recent", 0)

    def process(self, value: Any, context: Any) -> Any:
        self.recent.update(self.recent.value() + 1)
        context.set_timer(context.timestamp + 10_000, tag=value)
        yield (value, self.recent.value())

    def on_timer(self, time: int, context: Any) -> Any:
        self.recent.update(self.recent.value() - 1)
        return []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_timers_fire_between_the_records_of_a_list(backend: str, parallelism: int) -> None:
    env = LocalEnvironment("t", {"parallelism": parallelism}, backend=backend)
    times = [0, 5_000, 4_000, 20_000, 21_000, 30_000, 30_001, 60_000]
    timed = env.from_collection(times).assign_timestamps(lambda n: n, watermarks="record")
    counts = timed.key_by(lambda n: "all").process(LastTenSeconds()).execute_and_collect()
    assert counts == [
        (0, 1),
        (5_000, 2),
        (4_000, 3),
        (20_000, 1),
        (21_000, 2),
        (30_000, 3),
        (30_001, 3),  # the timer at 30 000 has fired
        (60_000, 1),
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_records_that_come_too_late_are_late_within_a_list(backend: str) -> None:
    env = LocalEnvironment("t", backend=backend)
    timed = env.from_collection([100, 5, 101]).assign_timestamps(lambda n: n, watermarks="record")
    result = timed.key_by(lambda n: 0).window(Session(3)).late_output().count()
    assert result.side_output("late").execute_and_collect() == [5]


def test_watermarks_are_one_of_two() -> None:
    stream = LocalEnvironment().from_collection([1])
    with pytest.raises(ProgramError, match="batch or record"):
        stream.assign_timestamps(lambda n: n, watermarks="list")  # type: ignore[arg-type]


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_times_right_behind_a_source_leave_its_order_alone(
    parallelism: int, seed: int, tmp_path: Any
) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"{n}\n" for n in range(500)))
    config = {"parallelism": parallelism, "seed": seed, "batch.size": 7}
    env = LocalEnvironment("t", config, backend="inline")
    timed = env.from_source(FileSource(path)).assign_timestamps(int)
    windows = timed.key_by(lambda row: 0).window(Session(10))
    found = windows.process(lambda key, window, rows: [list(map(int, rows))])
    assert found.execute_and_collect() == [list(range(500))]


def test_times_can_be_read_by_several() -> None:
    env = LocalEnvironment("t", {"parallelism": 2}, backend="inline")
    stream = env.from_collection(range(10)).rebalance().assign_timestamps(int)
    where: DataStream[Any] = stream.process(lambda n, context: [(context.subtask, n)])
    assert {subtask for subtask, _ in where.execute_and_collect()} == {0, 1}
