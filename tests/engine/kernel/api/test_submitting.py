"""What keeps a job from beginning is said where it is submitted."""

import threading
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import LocalEnvironment, MapFunction, QueueSource


class Unopened(MapFunction[Any, Any]):
    def open(self, context: Any) -> None:
        raise ValueError("no such model")

    def process(self, value: Any) -> Any:
        return value


def test_a_plan_that_cannot_be_sent_to_workers_is_refused_at_once() -> None:
    env = LocalEnvironment("p", backend="processes")
    lock = threading.Lock()
    env.from_ticks("10ms").map(lambda n: n if lock.acquire() else None).for_each(lambda n: None)
    with pytest.raises(WeftError, match="lock") as caught:
        env.submit()
    assert caught.value.code == "kernel.unpicklable"


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_what_fails_to_open_is_refused_at_once(backend: str) -> None:
    env = LocalEnvironment("p", {"parallelism": 2}, backend=backend)
    env.from_ticks("10ms").rebalance().map(Unopened()).for_each(lambda n: None)
    with pytest.raises(WeftError) as caught:
        env.submit()
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_fails_later_is_the_jobs_own_affair() -> None:
    queue = QueueSource[int]()
    env = LocalEnvironment("p")
    env.from_source(queue).map(lambda n: 1 // n).for_each(lambda n: None)
    job = env.submit()
    assert job.state == "running"
    queue.put(0)
    with pytest.raises(WeftError):
        job.wait(60)
