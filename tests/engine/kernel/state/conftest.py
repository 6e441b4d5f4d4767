"""Stores to test, with a clock that stands still until it is set."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import KeyedStore


class HandClock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


Make = Callable[..., KeyedStore]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["heap", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> Iterator[Make]:
    """Makes stores of either backend."""
    made: list[KeyedStore] = []

    def build(groups: range = range(128), **given: Any) -> KeyedStore:
        settings = Settings(**{"state_backend": request.param, **given})
        made.append(make_store(settings, groups, 128, f"uid-{len(made)}", clock, tmp_path))
        return made[-1]

    yield build
    for store in made:
        store.close()
