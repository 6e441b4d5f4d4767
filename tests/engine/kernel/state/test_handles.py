"""Handles of states, on both backends, through snapshots that build on one another."""

from collections.abc import Iterator
from typing import Any

import pytest

from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import KeyedStore
from weft_engine.kernel.streaming.states import KeyedStates

KEYS = range(20)


class Owner:
    key: Any = None
    keyed = True


def store(backend: Any) -> KeyedStore:
    return make_store(Settings(state_backend=backend), range(128), 128, "u", lambda: 0, None)


def failing() -> Iterator[int]:
    yield 1
    raise OSError("gone")


@pytest.mark.parametrize("backend", ["heap", "disk"])
def test_none_is_taken_out_like_any_value(backend: str) -> None:
    owner, storage, held = Owner(), Memory(), store(backend)
    states = KeyedStates(owner, held)
    value = states.value("value", "default")
    states.begin(list(KEYS))
    for owner.key in KEYS:
        value.update(None)
    states.done()
    held.snapshot(1, full=False).write(storage, "first")
    states.begin([3])
    owner.key = 3
    value.clear()
    states.done()
    parts = held.snapshot(2, full=False).write(storage, "second")
    assert len(parts) > 1  # the second builds on the first
    again = store(backend)
    again.restore(storage, [parts])
    states = KeyedStates(owner, again)
    value = states.value("value", "default")
    found = []
    states.begin(list(KEYS))
    for owner.key in KEYS:
        found.append(value.value())
    states.done()
    assert found == [None] * 3 + ["default"] + [None] * 16
    held.close()
    again.close()


@pytest.mark.parametrize("backend", ["heap", "disk"])
def test_a_list_takes_all_or_nothing(backend: str) -> None:
    owner, held = Owner(), store(backend)
    states = KeyedStates(owner, held)
    items = states.list("items")
    owner.key = "k"
    states.begin(["k"])
    items.add(0)
    with pytest.raises(OSError, match="gone"):
        items.extend(failing())
    items.extend(items.get())
    states.done()
    assert items.get() == [0, 0]
    held.close()
