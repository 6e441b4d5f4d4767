"""What engines with this vocabulary are known to get wrong."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.conformance.conftest import MakeEnvironment, SharedEnvironment
from weft_engine.kernel import (
    CoMapFunction,
    FunctionContext,
    JobFailedError,
    MapFunction,
    ProcessFunction,
    SinkFunction,
    SourceFunction,
    StopSignal,
)

PATIENCE = 60


def test_every_branch_of_a_fan_out_gets_everything(make_env: MakeEnvironment) -> None:
    env = make_env()
    numbers = env.from_collection(range(100))
    doubled = numbers.map(lambda n: n * 2).collect()
    odd = numbers.filter(lambda n: n % 2).collect()
    env.submit()
    assert doubled.get() == [n * 2 for n in range(100)]
    assert odd.get() == [n for n in range(100) if n % 2]


def test_streams_are_joined_by_key(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    people = env.from_collection([(1, "Ada"), (2, "Bob"), (3, "Eve")])
    cities = env.from_collection([(1, "Cork"), (3, "Kyoto"), (3, "Turin")])
    both = people.join(
        cities,
        lambda p: p[0],
        lambda c: c[0],
        lambda p, c: (p[1], c[1]),  # type: ignore[index]
    )
    assert sorted(env.execute_and_collect(both)) == [
        ("Ada", "Cork"),
        ("Eve", "Kyoto"),
        ("Eve", "Turin"),
    ]


class Tell(CoMapFunction[int, str, str]):
    def map1(self, value: int) -> str:
        return f"number {value}"

    def map2(self, value: str) -> str:
        return f"text {value}"


def test_connected_streams_keep_their_functions_apart(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    told = env.from_collection([1, 2]).connect(env.from_collection(["a", "b"])).co_map(Tell())
    assert sorted(env.execute_and_collect(told)) == ["number 1", "number 2", "text a", "text b"]


def test_three_streams_can_be_connected(make_env: MakeEnvironment) -> None:
    env = make_env()
    streams = [env.from_collection([n]) for n in range(3)]
    told = (
        streams[0]
        .connect(*streams[1:])
        .co_map(lambda n: ("first", n), lambda n: ("second", n), lambda n: ("third", n))
    )
    assert sorted(env.execute_and_collect(told)) == [("first", 0), ("second", 1), ("third", 2)]


def test_a_union_has_the_records_of_all(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    streams = [env.from_collection(range(n * 10, n * 10 + 10)) for n in range(3)]
    found = env.execute_and_collect(streams[0].union(*streams[1:]).map(lambda n: n))
    assert sorted(found) == list(range(30))


def test_one_record_becomes_many(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    words = env.from_collection(["to be", "", "or not to be"]).flat_map(str.split)
    assert Counter(env.execute_and_collect(words)) == Counter(["to", "be", "or", "not", "to", "be"])


def test_records_go_round_a_loop_until_they_leave_it(make_env: MakeEnvironment) -> None:
    env = make_env()
    done = env.from_collection([3, 1, 5]).iterate(
        lambda numbers: numbers.map(lambda n: n - 1).partition(lambda n: n > 0)
    )
    assert env.execute_and_collect(done) == [0, 0, 0]


class Numbered(MapFunction[Any, Any]):
    """A function that remembers: every use of it must have its own memory."""

    def __init__(self, step: int = 1) -> None:
        self.step = step
        self.count = 0

    def process(self, value: Any) -> Any:
        self.count += self.step
        return (value, self.count) if not isinstance(value, tuple) else (*value, self.count)


def test_the_same_function_used_three_times_has_three_memories(make_env: MakeEnvironment) -> None:
    env = make_env()
    numbered = Numbered()
    stream = env.from_collection("abc").map(numbered).map(numbered).map(numbered)
    assert env.execute_and_collect(stream) == [("a", 1, 1, 1), ("b", 2, 2, 2), ("c", 3, 3, 3)]
    assert numbered.count == 0  # what the program holds is a pattern, not a part of the job


def test_a_function_is_never_run_by_two_threads(make_env: MakeEnvironment) -> None:
    env = make_env()
    counted = env.execute_and_collect(env.from_collection(range(100)).map(Numbered()))
    assert [count for _, count in counted] == list(range(1, 101))


class Where(MapFunction[Any, Any]):
    context: FunctionContext

    def open(self, context: FunctionContext) -> None:
        self.context = context

    def process(self, value: Any) -> Any:
        return (value, self.context.subtask)


@pytest.mark.parametrize("falsy", [0, "", False, None, ()], ids=repr)
def test_a_falsy_key_is_a_key(make_env: MakeEnvironment, falsy: Any) -> None:
    env = make_env(parallelism=3)
    stream = env.from_collection([falsy] * 50 + ["other"] * 50).key_by(lambda v: v).map(Where())
    places: dict[Any, set[int]] = {}
    for value, place in env.execute_and_collect(stream):
        places.setdefault(value, set()).add(place)
    assert all(len(found) == 1 for found in places.values())


def test_a_key_finds_the_same_subtask_in_every_run(make_env: MakeEnvironment) -> None:
    def run() -> dict[Any, int]:
        env = make_env(parallelism=4)
        keys = ["ada", "bob", 7, ("a", 1), b"x", None, 2.5]
        return dict(
            env.execute_and_collect(env.from_collection(keys).key_by(lambda k: k).map(Where()))
        )

    assert run() == run()


def test_none_is_a_record_like_any_other(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    stream = env.from_collection([1, None, 2, None, None, 3]).rebalance().map(lambda v: v)
    assert Counter(env.execute_and_collect(stream)) == Counter([1, None, 2, None, None, 3])


def test_a_map_may_return_none(make_env: MakeEnvironment) -> None:
    env = make_env()
    assert env.execute_and_collect(env.from_collection("ab").map(lambda _: None)) == [None, None]


def _fail_on_seven(value: int) -> int:
    if value == 7:
        raise ValueError("seven is not to be had")
    return value


def test_a_failing_record_fails_the_job_and_says_what_failed(make_env: MakeEnvironment) -> None:
    env = make_env()
    env.from_collection(range(10)).map(_fail_on_seven, name="careful").collect()
    with pytest.raises((JobFailedError, ValueError)) as failed:
        env.submit()
    told = str(failed.value)
    assert "careful" in told
    assert "seven is not to be had" in told
    assert "7" in told


def test_what_failed_can_be_left_out_or_led_aside(make_env: MakeEnvironment) -> None:
    env = make_env()
    numbers = env.from_collection(range(10))
    left = numbers.map(_fail_on_seven).on_error("skip").collect()
    led = numbers.map(_fail_on_seven).on_error("route")
    went_on, aside = led.collect(), led.dead_letters().collect()
    env.submit()
    assert left.get() == [n for n in range(10) if n != 7] == went_on.get()
    assert [letter["item"] for letter in aside.get()] == [7]


def _broken() -> Iterator[int]:
    yield 1
    raise OSError("the disk is gone")


def test_a_failing_source_fails_the_job(make_env: MakeEnvironment) -> None:
    env = make_env()
    env.from_source(_broken).collect()
    with pytest.raises((JobFailedError, OSError), match="the disk is gone"):
        env.submit()


class FailsOnce(MapFunction[int, int]):
    """Fails in the first attempt only; told by a file, for attempts may be other processes."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def process(self, value: int) -> int:
        if value == 30 and not self.mark.exists():
            self.mark.touch()
            raise RuntimeError("only this once")
        return value


def test_a_restart_loses_and_repeats_nothing(make_env: MakeEnvironment, tmp_path: Path) -> None:
    env = make_env(
        **{
            "restart.strategy": "fixed",
            "restart.delay": "1ms",
            "checkpoint.dir": str(tmp_path / "checkpoints"),
            "checkpoint.interval": "5ms",
        }
    )
    stream = env.from_collection(range(40)).map(FailsOnce(tmp_path / "failed"))
    assert env.execute_and_collect(stream) == list(range(40))
    assert (tmp_path / "failed").exists()


class Greeter:
    def greet(self, name: str) -> str:
        return f"hello {name}"


class Greeting(MapFunction[str, str]):
    context: FunctionContext

    def open(self, context: FunctionContext) -> None:
        self.context = context

    def process(self, value: str) -> str:
        told: str = self.context.call_service("greeter", "greet", value)
        return told


def test_a_service_is_called_from_a_simple_pipeline(make_env: MakeEnvironment) -> None:
    env = make_env()
    env.register_service("greeter", Greeter)
    stream = env.from_collection(["ada", "bob"]).map(Greeting())
    assert env.execute_and_collect(stream) == ["hello ada", "hello bob"]


class Endless(SourceFunction[int]):
    def __init__(self) -> None:
        self.next = 0

    def process(self) -> int:
        self.next += 1
        return self.next


def _until(ready: Callable[[], bool], env: SharedEnvironment, job: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "nothing happened"
        if env.backend().stepping:
            job.step()
        else:
            threading.Event().wait(0.005)


def test_an_endless_source_can_be_cancelled(make_env: MakeEnvironment, tmp_path: Path) -> None:
    env = make_env()
    seen = tmp_path / "seen"
    env.from_source(Endless()).filter(lambda n: n == 1000).map(lambda _: seen.touch()).for_each(
        print
    )
    job = env.submit(wait=False)
    _until(seen.exists, env, job)
    job.cancel()
    with pytest.raises(Exception, match="cancelled"):
        job.wait(PATIENCE)
    assert job.state == "cancelled"


@pytest.mark.parametrize(("before", "behind"), [(4, 1), (1, 4), (4, 3)])
def test_nothing_is_lost_between_parallelisms(
    make_env: MakeEnvironment, before: int, behind: int
) -> None:
    env = make_env()
    numbers = env.from_collection(range(300)).rebalance().map(lambda n: n).set_parallelism(before)
    found = env.execute_and_collect(numbers.map(lambda n: -n).set_parallelism(behind))
    assert sorted(found) == [-n for n in reversed(range(300))]


class Counting(SourceFunction[int]):
    """Says now and then that it has nothing, and ends with a typed signal."""

    def __init__(self) -> None:
        self.asked = 0

    def process(self) -> Any:
        self.asked += 1
        if self.asked % 3 == 0:
            return None
        return StopSignal("done") if self.asked > 30 else self.asked


def test_a_source_that_pauses_has_not_ended(make_env: MakeEnvironment) -> None:
    env = make_env()
    found = env.from_source(Counting()).collect()
    env.submit(wait=True)
    assert found.get() == [n for n in range(1, 31) if n % 3]


def test_submit_loses_nothing_at_the_end(make_env: MakeEnvironment, tmp_path: Path) -> None:
    env = make_env()
    out = tmp_path / "out"
    env.from_collection(range(2000)).sink(Append(out))
    env.submit()
    assert out.read_text().split() == [str(n) for n in range(2000)]


class Append(SinkFunction[Any]):
    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, context: FunctionContext) -> None:
        self.file = self.path.open("a")
        self.file.write("" if self.path.stat().st_size == 0 else "again\n")

    def process(self, value: Any) -> None:
        self.file.write(f"{value}\n")

    def close(self) -> None:
        self.file.close()


def test_functions_are_opened_and_closed_once(make_env: MakeEnvironment, tmp_path: Path) -> None:
    class Life(MapFunction[int, int]):
        def open(self, context: FunctionContext) -> None:
            self.path = tmp_path / f"{context.subtask}-{os.getpid()}-{threading.get_ident()}"
            with self.path.open("a") as file:
                file.write("open\n")

        def process(self, value: int) -> int:
            return value

        def close(self) -> None:
            with self.path.open("a") as file:
                file.write("close\n")

    env = make_env(parallelism=2)
    env.execute_and_collect(env.from_collection(range(10)).rebalance().map(Life()))
    lives = [path.read_text().split() for path in sorted(tmp_path.iterdir())]
    assert sorted(word for life in lives for word in life) == ["close", "close", "open", "open"]


class Ready(ProcessFunction[int, tuple[int, int]]):
    def open(self, context: FunctionContext) -> None:
        self.sum = context.state.value("sum", 0)

    def process(self, value: int, context: FunctionContext) -> Iterator[tuple[int, int]]:
        self.sum.update((self.sum.value() or 0) + value)
        yield context.key, self.sum.value() or 0


def test_state_belongs_to_its_key(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=2)
    sums = env.from_collection(range(60)).key_by(lambda n: n % 3).process(Ready())
    last = dict(env.execute_and_collect(sums))
    assert last == {rest: sum(n for n in range(60) if n % 3 == rest) for rest in range(3)}


def test_several_jobs_run_at_once(make_env: MakeEnvironment) -> None:
    environments = [make_env() for _ in range(3)]
    found = [
        env.from_collection(range(500)).map(lambda n, i=index: n + i).collect()
        for index, env in enumerate(environments)
    ]
    for job in [env.submit(wait=False) for env in environments]:
        job.wait(PATIENCE)
    assert [one.get() for one in found] == [[n + i for n in range(500)] for i in range(3)]


def test_nothing_is_printed_that_was_not_asked_for(
    make_env: MakeEnvironment, capfd: pytest.CaptureFixture[str]
) -> None:
    env = make_env(parallelism=2)
    capfd.readouterr()
    env.execute_and_collect(env.from_collection(range(500)).key_by(lambda n: n % 5).sum())
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ""


def test_a_stream_is_not_read_further_than_it_must_be(
    make_env: MakeEnvironment, tmp_path: Path
) -> None:
    """An engine that first reads everything never gets here."""

    def forever() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    env = make_env()
    assert env.execute_and_collect(env.from_source(forever).limit(5)) == [0, 1, 2, 3, 4]


def test_what_the_last_key_saw_is_what_a_loop_computes(make_env: MakeEnvironment) -> None:
    env = make_env(parallelism=3)
    words = [f"w{n * n % 17}" for n in range(400)]
    counts = env.from_collection(words).key_by(lambda word: word).count()
    last: dict[str, int] = {}
    for word, count in env.execute_and_collect(counts):
        assert count == last.get(word, 0) + 1  # running, in order, per key
        last[word] = count
    assert last == Counter(words)


def test_results_are_plain_data(make_env: MakeEnvironment) -> None:
    env = make_env()
    record = {"a": [1, {"b": None}], "ü": "文", "n": 1.5}
    assert json.loads(json.dumps(env.execute_and_collect(env.from_collection([record])))) == [
        record
    ]
