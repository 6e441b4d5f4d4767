"""Runs single nodes on the real kernel."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel.environment import LocalEnvironment

Run = Callable[..., list[Any]]


def run_node(node: Any, *streams: Iterable[Any], batch_size: int = 3) -> list[Any]:
    """Run a node that builds streams; small batches, so that every boundary is crossed."""
    env = LocalEnvironment(batch_size=batch_size)
    result = node.build(*(env.from_collection(list(stream)) for stream in streams))
    return env.run(result) if result is not None else env.run()


def failure_of(work: Callable[[], Any]) -> WeftError:
    """The coded error behind what the kernel raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the cause is what counts
        work()
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, WeftError):
        error = error.__cause__
    assert isinstance(error, WeftError), caught.value
    return error


@pytest.fixture
def run() -> Run:
    return run_node


@pytest.fixture
def failure() -> Callable[..., WeftError]:
    return lambda node, *streams: failure_of(lambda: run_node(node, *streams))
