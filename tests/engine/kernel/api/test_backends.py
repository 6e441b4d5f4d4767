"""The same program on every backend that this machine has without Ray."""

from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import (
    FileSink,
    HybridEnvironment,
    LocalEnvironment,
    ProcessFunction,
    QueueSource,
    RemoteEnvironment,
)


class Turns(ProcessFunction[int, Any]):
    """Numbers the records of a key."""

    def open(self, context: Any) -> None:
        self.seen = context.state.value("seen", 0)

    def process(self, value: int, context: Any) -> Any:
        self.seen.update(self.seen.value() + 1)
        yield (context.key, self.seen.value(), value)


def expected() -> list[Any]:
    return [
        (key, turn + 1, value) for key in range(7) for turn, value in enumerate(range(key, 300, 7))
    ]


@pytest.mark.parametrize(
    "env",
    [
        LocalEnvironment(config={"parallelism": 2}, backend="inline"),
        LocalEnvironment(config={"parallelism": 2}, backend="threads"),
        LocalEnvironment(config={"parallelism": 2}, backend="processes"),
        HybridEnvironment({"here": "processes", "there": "processes"}),
    ],
    ids=["inline", "threads", "processes", "hybrid"],
)
def test_the_same_results(env: LocalEnvironment, tmp_path: Any) -> None:
    numbers = env.from_collection(range(300), parallelism=1)  # for its order
    turns = numbers.key_by(lambda n: n % 7).process(Turns, name="turns")
    if isinstance(env, HybridEnvironment):
        turns.place_on("there")
    sink = FileSink(tmp_path)
    turns.sink(sink)
    collected = turns.collect()
    job = env.submit()
    assert job.state == "finished"
    assert sorted(collected.get()) == expected()
    assert sum(len(part.read_text().splitlines()) for part in sink.parts()) == 300


def test_what_cannot_leave_its_process_says_so() -> None:
    env = LocalEnvironment(backend="processes")
    env.from_source(QueueSource[int](bounded=True)).print()
    with pytest.raises(WeftError, match="cannot leave its process"):
        env.submit()


def test_an_endless_job_is_a_handle() -> None:
    env = LocalEnvironment()
    queue = QueueSource[int]()
    env.from_source(queue).print()
    job = env.submit()
    assert job.state in ("created", "running")
    queue.end()
    job.wait(60)
    assert job.state == "finished"


def test_a_remote_environment_is_made_without_ray() -> None:
    env = RemoteEnvironment(address="head:6379", workers=2)
    assert env.settings.workers == 2
    assert env.backend().name == "ray"
