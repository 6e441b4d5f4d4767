"""A snapshot is what was there at its barrier, whatever happens to the table while it is written.

The writer is stopped between any two chunks, several snapshots are written at once, and some are
written again, given up or forgotten. What each must hold is a deep copy made at its barrier.
"""

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from weft_engine.errors import ResourceError
from weft_engine.kernel.state import frozen as frozen_module
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.frozen import Frozen
from weft_engine.kernel.state.hashing import key_group
from weft_engine.kernel.state.heap import HeapTable
from weft_engine.kernel.state.parts import Chunk, Entries

GROUPS = 4
KEYS = [None, -1, -2, 1, 1.0, "a", "b", "user-17", ("a", 1), (), 2, 3, 4, 5]
keys = st.sampled_from(KEYS)
batches = st.lists(keys, min_size=1, max_size=6)
values = st.one_of(
    st.integers(),
    st.tuples(st.integers(), st.text(max_size=2)),
    st.lists(st.integers(), max_size=2),
    st.tuples(st.lists(st.integers(), max_size=1)),
)


def content(chunks: list[Chunk]) -> tuple[dict[Any, Any], dict[Any, int], set[Any]]:
    """The entries of chunks, their times, and the keys that are gone; twice only if equal."""
    held: dict[Any, Any] = {}
    times: dict[Any, int] = {}
    dead: set[Any] = set()
    for chunk in chunks:
        entries = Entries(*pickle.loads(chunk.data))
        for at, (key, value) in enumerate(zip(entries.keys, entries.values, strict=True)):
            assert key_group(key, GROUPS) == chunk.group
            assert held.setdefault(key, value) == value
            if entries.times is not None:
                assert times.setdefault(key, entries.times[at]) == entries.times[at]
        dead.update(entries.dead)
    return held, times, dead


class Taken:
    """A snapshot that is being written, and what must come of it."""

    def __init__(self, table: HeapTable, *, full: bool, keep: bool) -> None:
        self.held = copy.deepcopy(table._data)
        expiry = table._expiry
        self.times = {} if expiry is None else dict(expiry.times)
        self.only = None if full else set(table._dirty)
        self.frozen: Frozen = table.freeze(full=full, keep=keep)
        self.chunks: list[Chunk] = []
        self.writing: Iterator[Chunk] | None = None

    def step(self) -> bool:
        """Write one chunk; whether there may be more."""
        if self.writing is None:
            self.writing, self.chunks = self.frozen.chunks(), []
        chunk = next(self.writing, None)
        if chunk is not None:
            self.chunks.append(chunk)
        return chunk is not None

    def check(self) -> None:
        while self.step():
            pass
        held, times, dead = content(self.chunks)
        if self.only is None:
            assert held == self.held
            assert not dead
        else:
            assert held == {k: v for k, v in self.held.items() if k in self.only}
            assert dead == self.only - self.held.keys()
        assert times == {key: time for key, time in self.times.items() if key in held}

    def check_in(self, failures: list[BaseException]) -> Callable[[], None]:
        """`check` for another thread."""

        def work() -> None:
            try:
                self.check()
            except BaseException as exc:  # noqa: BLE001 - told to the thread of the test
                failures.append(exc)

        return work


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sizes = frozen_module.CHUNK, frozen_module.PIECE
        frozen_module.CHUNK, frozen_module.PIECE = 2, 5  # type: ignore[misc]
        self.now = 0
        self.table = HeapTable(StateSpec("s"), GROUPS, lambda: self.now)
        self.taken: list[Taken] = []

    @rule(batch=batches, value=values)
    def change_batch(self, batch: list[Any], value: Any) -> None:
        live = self.table.begin(batch)
        for key in batch:
            held = live.get(key)
            if isinstance(held, list):
                held.append("later")
            elif isinstance(held, tuple) and held and isinstance(held[0], list):
                held[0].append("later")
            else:
                live[key] = copy.deepcopy(value)
        self.table.done(batch)

    @rule(batch=batches, again=values | st.none())
    def take_out(self, batch: list[Any], again: Any) -> None:
        live = self.table.begin(batch)
        for key in batch:
            live.pop(key, None)
            if again is not None:
                live[key] = copy.deepcopy(again)
        self.table.done(batch)

    @rule(key=keys, value=values)
    def put(self, key: Any, value: Any) -> None:
        self.table.put(key, copy.deepcopy(value))

    @rule(key=keys)
    def delete(self, key: Any) -> None:
        self.table.delete(key)

    @rule(key=keys)
    def change_what_was_got(self, key: Any) -> None:
        held = self.table.get(key)
        if isinstance(held, list):
            held.append("later")
            self.table.put(key, held)

    @rule()
    def change_all(self) -> None:
        for key, held in list(self.table.items()):
            if isinstance(held, list):
                held.append("later")
                self.table.put(key, held)

    @rule(batch=batches, value=values, gone=batches)
    def load(self, batch: list[Any], value: Any, gone: list[Any]) -> None:
        unique = list(dict.fromkeys(batch))
        held = [copy.deepcopy(value) for _ in unique]
        self.table.load(Entries(unique, held, None, gone))

    @rule(ttl_ms=st.sampled_from([None, 5, 50]))
    def declare(self, ttl_ms: int | None) -> None:
        self.table.declare(StateSpec("s", ttl_ms=ttl_ms))

    @rule(by=st.integers(1, 20))
    def time_goes_by(self, by: int) -> None:
        self.now += by

    @rule(full=st.booleans(), keep=st.sampled_from([False, False, True]))
    def freeze(self, full: bool, keep: bool) -> None:
        # As the store does: changes only where they were noted, and all where there is to be no
        # trace of the snapshot.
        full = full or keep or not self.table.tracking
        self.taken.append(Taken(self.table, full=full, keep=keep))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), steps=st.integers(1, 4))
    def write_a_little(self, data: st.DataObject, steps: int) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        for _ in range(steps):
            taken.step()

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def break_off(self, data: st.DataObject) -> None:
        """The storage fails; all is asked for again later."""
        data.draw(st.sampled_from(self.taken)).writing = None

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), how=st.sampled_from(["written", "released", "forgotten"]))
    def end(self, data: st.DataObject, how: str) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        self.taken.remove(taken)
        if how == "written":
            taken.check()
        if how != "forgotten":
            taken.frozen.release()
            assert list(taken.frozen.chunks()) == []

    def teardown(self) -> None:
        for taken in self.taken:
            taken.check()
        frozen_module.CHUNK, frozen_module.PIECE = self.sizes  # type: ignore[misc]


TestPreimages = Machine.TestCase
TestPreimages.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


class Box:
    """A value that has something done while it is pickled, once."""

    def __init__(self, inside: list[Any]) -> None:
        self.inside = inside
        self.meanwhile: Callable[[], None] | None = None

    def __reduce__(self) -> Any:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return Box, (list(self.inside),)


def table_of(entries: dict[Any, Any]) -> HeapTable:
    table = HeapTable(StateSpec("s"), GROUPS, lambda: 0)
    table.begin(entries).update(entries)
    table.done(entries)
    return table


def test_what_changes_while_it_is_pickled_is_pickled_again() -> None:
    boxes = {n: Box([n]) for n in range(8)}
    table = table_of({**boxes, 8: 8, 9: (9, 9)})
    frozen = table.freeze(full=True, keep=False)

    def meanwhile() -> None:
        for box in boxes.values():
            box.meanwhile = None
        live = table.begin(range(10))
        for n in range(8):
            live[n].inside.append("later")
        live[8] = "later"
        del live[9]
        table.done(range(10))

    for box in boxes.values():
        box.meanwhile = meanwhile
    held = unboxed(list(frozen.chunks()))
    assert held == {**{n: [n] for n in range(8)}, 8: 8, 9: (9, 9)}
    assert "later" in boxes[0].inside
    assert table.get(9) is None


def unboxed(chunks: list[Chunk]) -> dict[Any, Any]:
    held: dict[Any, Any] = {}
    for chunk in chunks:
        entries = Entries(*pickle.loads(chunk.data))
        for key, value in zip(entries.keys, entries.values, strict=True):
            plain = value.inside if isinstance(value, Box) else value
            assert held.setdefault(key, plain) == plain
    return held


def test_a_value_that_came_later_and_is_changed_in_place_is_no_part_of_it() -> None:
    table = table_of({1: 1})
    frozen = table.freeze(full=True, keep=False)
    table.put(2, [])
    held = table.get(2)
    held.append("later")
    table.put(2, held)
    assert content(list(frozen.chunks()))[0] == {1: 1}


@pytest.mark.parametrize("touched", [False, True], ids=["by the writer", "by the stream"])
def test_what_cannot_be_pickled_fails_whoever_pickles_it(touched: bool) -> None:
    table = table_of({1: 1, 2: lambda: 0})
    frozen = table.freeze(full=True, keep=False)
    if touched:
        table.begin([2])[2] = "plain"
        table.done([2])
    for _ in range(2):
        with pytest.raises(ResourceError) as caught:
            list(frozen.chunks())
        assert caught.value.code == "state.unpicklable"


def test_nothing_is_kept_of_a_snapshot_that_is_over() -> None:
    table = table_of({n: n for n in range(100)})
    for end in (lambda frozen: list(frozen.chunks()), lambda frozen: frozen.release()):
        frozen = table.freeze(full=True, keep=False)
        end(frozen)
        table.put(1, "new")
        assert table._frozen == []
        frozen = table.freeze(full=True, keep=False)
        del frozen
        table.put(1, "newer")
        assert table._frozen == []


@pytest.mark.parametrize("full", [True, False], ids=["whole", "changes"])
def test_the_stream_goes_on_while_another_thread_writes(full: bool) -> None:
    """Threads are switched all the time, so that each stands at any place of the other's."""
    count, rounds = 600, 15
    table = table_of({n: n if n % 3 else [n] for n in range(count)})
    if not full:
        list(table.freeze(full=True, keep=False).chunks())
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(rounds):
            for n in range(0, count, 2):
                table.put(n, number if n % 3 else [number])
            taken = Taken(table, full=full, keep=False)
            writer = threading.Thread(target=taken.check_in(failures := []))
            writer.start()
            at = 0
            while writer.is_alive():
                some = [n % count for n in range(at, at + 7)]
                live = table.begin(some)
                for n in some:
                    held = live.get(n)
                    if isinstance(held, list):
                        held.append("later")
                    elif at % 5 == 0:
                        live.pop(n, None)
                    else:
                        live[n] = ("later", at)
                table.done(some)
                at += 7
            writer.join()
            assert failures == []
    finally:
        sys.setswitchinterval(interval)
