"""Key groups that are remembered are those that would be found."""

from collections.abc import Callable
from typing import Any

import pytest

from weft_engine.kernel.state import frozen as frozen_module
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.grouping import KnownGroups
from weft_engine.kernel.state.hashing import key_groups_of
from weft_engine.kernel.state.heap import HeapTable

GROUPS = 16


def read(known: KnownGroups, keys: list[Any], piece: int = 4) -> int:
    """Find the groups of all keys; how many of them had to be hashed."""
    hashed = 0

    def find(some: Any) -> list[int]:
        nonlocal hashed
        some = list(some)
        hashed += len(some)
        return key_groups_of(some, GROUPS)

    reader = known.reader(find)
    found: list[int] = []
    for start in range(0, len(keys), piece):
        found += reader.groups_of(keys[start : start + piece])
    assert found == key_groups_of(keys, GROUPS)
    reader.done(keys)
    return hashed


CHANGES: dict[str, tuple[Callable[[list[int]], list[int]], int]] = {
    "nothing changes": (lambda keys: keys, 0),
    "some come": (lambda keys: [*keys, 100, 101, 102, 103], 4),
    "some at the end go": (lambda keys: keys[:12], 0),
    "the first goes": (lambda keys: keys[1:], 15),
    "one in the middle goes": (lambda keys: [*keys[:9], *keys[10:]], 7),
    "all are others": (lambda keys: [key + 1000 for key in keys], 16),
    "none is left": (lambda keys: [], 0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_is_new_is_hashed(name: str) -> None:
    change, expected = CHANGES[name]
    keys = list(range(16))
    known = KnownGroups()
    assert read(known, keys) == 16
    assert read(known, change(keys.copy())) == expected


def test_where_keys_come_and_go_nothing_is_kept() -> None:
    known, others = KnownGroups(), list(range(1000, 1016))
    read(known, list(range(16)))
    read(known, others)
    assert read(known, others) == 16
    assert read(known, others) == 0


def test_a_table_whose_keys_change_their_order_is_written_rightly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frozen_module, "PIECE", 8)
    table = HeapTable(StateSpec("s"), GROUPS, lambda: 0)
    keys = [f"key-{n}" for n in range(100)]
    for number in range(6):
        for key in keys:
            table.put(key, number)
        frozen = table.freeze(full=True, keep=False)
        groups = {chunk.group for chunk in frozen.chunks()}
        assert groups == set(key_groups_of(keys, GROUPS))
        frozen.release()
        table.delete(keys[number * 7])
        table.put(keys[number * 7], "again")  # it stands behind all others now
