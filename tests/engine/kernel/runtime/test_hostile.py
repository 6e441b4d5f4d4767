"""Functions that do what no function should: the job ends all the same, and says why."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import NodeError, ResourceError
from weft_engine.kernel import DataStream, LocalEnvironment, ProcessFunction, Sink, Source
from weft_engine.kernel.coordinator import JobCancelledError, JobFailedError
from weft_engine.kernel.sources.ingress import IngressLog

LONG_S = 60.0
"""Only a safety net: nothing here takes a second."""


def outcome(build: Callable[[DataStream[int]], DataStream[Any]], parallelism: int = 1) -> Any:
    """What a program over some numbers gives, or what it fails with."""
    env = LocalEnvironment("hostile", {"parallelism": parallelism})
    build(env.from_collection([1, 2, 3, 4])).for_each(lambda record: None)
    job = env.submit(wait=False)
    try:
        job.wait(LONG_S)
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    finally:
        job.cancel()
    return None


def cause(
    build: Callable[[DataStream[int]], DataStream[Any]], parallelism: int = 1
) -> BaseException | None:
    """The exception of the function that the job has failed with."""
    error = outcome(build, parallelism)
    assert isinstance(error, JobFailedError)
    return error.__cause__


class Closing(ProcessFunction[int, int]):
    """Raises when it is closed."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def process(self, value: int, context: Any) -> list[int]:
        return [value]

    def close(self) -> None:
        raise self.error


class UnspeakableError(Exception):
    """Cannot even be looked at."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration])
def test_whatever_a_function_raises_ends_the_job(error: type[BaseException]) -> None:
    def fails(value: int) -> int:
        raise error

    assert isinstance(cause(lambda stream: stream.map(fails)), error)
    assert isinstance(cause(lambda stream: stream.process(Closing(error))), error)


def test_an_exception_that_cannot_be_looked_at_ends_the_job() -> None:
    def fails(value: int) -> int:
        raise UnspeakableError

    error = outcome(lambda stream: stream.map(fails))
    assert isinstance(error, JobFailedError)
    assert error.operator == "map"


def stops_at_two(value: int) -> int:
    if value == 2:
        raise StopIteration
    return value


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize(
    "build",
    [
        lambda stream: stream.key_by(stops_at_two).count(),
        lambda stream: stream.key_by(stops_at_two).process(lambda value, context: [value]),
        lambda stream: stream.assign_timestamps(stops_at_two),
    ],
    ids=["key_by", "process", "assign_timestamps"],
)
def test_stop_iteration_is_not_the_end_of_the_records(
    build: Callable[[DataStream[int]], DataStream[Any]], parallelism: int
) -> None:
    assert isinstance(cause(build, parallelism), RuntimeError | StopIteration)


def test_stop_iteration_skips_one_record_where_failures_are_skipped() -> None:
    env = LocalEnvironment("hostile")
    stream = env.from_collection([1, 2, 3, 4]).map(stops_at_two).on_error("skip")
    assert env.run(stream) == [1, 3, 4]
    assert stream.execute_and_collect() == [1, 3, 4]


class Rearming(ProcessFunction[int, str]):
    """A timer that sets itself again and again."""

    def __init__(self, *, processing: bool) -> None:
        self.processing = processing

    def process(self, value: int, context: Any) -> None:
        context.set_timer(1_000, processing=self.processing)

    def on_timer(self, time: int, context: Any) -> list[str]:
        context.set_timer(time + 1_000, processing=self.processing)
        return ["fired"]


def test_a_timer_of_the_clock_that_sets_itself_again_fires_once_at_the_end() -> None:
    env = LocalEnvironment("timers", {"seed": 1}, backend="inline")
    stream = env.from_collection([1]).key_by(lambda value: value)
    late = stream.process(Future())
    assert late.execute_and_collect() == ["fired"]


class Future(Rearming):
    """Sets its first timer when nothing of the test runs any more."""

    def __init__(self) -> None:
        super().__init__(processing=True)

    def process(self, value: int, context: Any) -> None:
        context.set_timer(context.now() + 10**9, processing=True)


def test_a_timer_of_event_time_that_sets_itself_again_and_again_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("weft_engine.kernel.streaming.process._MOST_AT_THE_END", 100)
    env = LocalEnvironment("timers")
    stream = env.from_collection([1]).assign_timestamps(lambda value: value)
    with pytest.raises(NodeError) as caught:
        stream.key_by(lambda value: value).process(Rearming(processing=False)).execute_and_collect()
    assert caught.value.code == "timer.endless"


class Endless(Source[int]):
    """Has always more."""

    bounded = False

    def reader(self, split: Any, position: Any, context: Any) -> Any:
        return self

    def read(self, limit: int) -> list[int]:
        return [1] * limit

    def position(self) -> int:
        return 0

    def close(self) -> None:
        pass


def test_a_source_with_everything_in_its_own_thread_can_be_cancelled() -> None:
    began = threading.Event()
    env = LocalEnvironment("endless")
    env.from_source(Endless()).for_each(lambda record: began.set())
    job = env.submit(wait=False)
    assert began.wait(LONG_S)
    threads = [thread for thread in threading.enumerate() if "weft-endless-source" in thread.name]
    assert threads
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(LONG_S)
    assert not any(thread.is_alive() for thread in threads)


def test_what_a_slow_function_emits_after_the_end_goes_nowhere() -> None:
    inside, go_on = threading.Event(), threading.Event()
    written: list[int] = []

    def slow(value: int) -> int:
        inside.set()
        go_on.wait(LONG_S)
        return value

    class Passing(ProcessFunction[int, int]):
        def process(self, value: int, context: Any) -> list[int]:
            return [slow(value)]

    class Writing(ProcessFunction[int, int]):
        def process(self, value: int, context: Any) -> None:
            written.append(value)

    env = LocalEnvironment("slow")
    passed = env.from_collection([1, 2, 3]).process(Passing()).process(Writing())
    passed.for_each(lambda record: None)
    job = env.submit(wait=False)
    assert inside.wait(LONG_S)
    threads = [thread for thread in threading.enumerate() if "weft-slow-source" in thread.name]
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(LONG_S)
    go_on.set()
    for thread in threads:
        thread.join(LONG_S)
    assert threads
    assert written == []


@pytest.mark.parametrize("time", [2**63, -(2**63), 2**70, float("inf"), float("nan")])
def test_a_time_that_no_clock_will_show_is_refused(time: float) -> None:
    env = LocalEnvironment("times")
    with pytest.raises(NodeError) as caught:
        env.from_collection([time, 5]).assign_timestamps(lambda t: t).execute_and_collect()
    assert caught.value.code == "time.not_a_time"


class Poison:
    """Cannot be unpickled."""

    def __reduce__(self) -> Any:
        return (int, ("no number",))


class PoisonSink(Sink[Any]):
    """What it prepares can be pickled, and that is all."""

    def writer(self, subtask: int, parallelism: int, attempt: str) -> Any:
        return PoisonWriter()


class PoisonWriter:
    def write(self, values: Any) -> None:
        pass

    def prepare(self, checkpoint: int) -> Poison:
        return Poison()

    def close(self) -> None:
        pass


def test_a_report_that_cannot_be_unpickled_ends_the_job_and_says_why() -> None:
    env = LocalEnvironment("poison", {"parallelism": 1}, backend="processes")
    env.from_collection([1]).sink(PoisonSink())
    job = env.submit(wait=False)
    with pytest.raises(ResourceError, match="what it reports cannot be read: ValueError") as caught:
        job.wait(LONG_S)
    assert caught.value.code == "job.worker_lost"


def test_a_job_forgets_old_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft_engine.kernel.coordinator.coordinator._MOST_STATS", 2)
    env = LocalEnvironment("years", {"checkpoint.interval": "1s", "seed": 1}, backend="inline")
    env.from_source(Endless()).for_each(lambda record: None)
    job = env.submit(wait=False)
    while not job.checkpoints or job.checkpoints[-1].id < 5:
        job.step()
    assert [stats.id for stats in job.checkpoints] == [4, 5]
    job.cancel()


def test_records_on_disk_are_private(tmp_path: Path) -> None:
    log = IngressLog(tmp_path / "log.sqlite")
    log.append([1], None)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    log.close()
    assert modes
    assert set(modes.values()) == {0o600}


class Immeasurable:
    """Refuses to say how large it is, or anything else about itself."""

    def __sizeof__(self) -> int:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("parallelism", [1, 2])
def test_records_and_states_that_cannot_be_measured_harm_nobody(parallelism: int) -> None:
    env = LocalEnvironment("sizes", {"parallelism": parallelism})
    records = [Immeasurable() for _ in range(4)]
    stream = env.from_collection(records).rebalance().key_by(lambda record: 1)
    assert len(stream.reduce(lambda held, record: record).execute_and_collect()) == 4
