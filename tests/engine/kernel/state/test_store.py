"""Snapshots, restoring, and time to live, on both backends."""

import threading
from typing import Any

import pytest

from tests.engine.kernel.state.conftest import HandClock, Make
from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint.api import Part
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.state import parts as layout
from weft_engine.kernel.state.api import KeyedStore, StateSpec
from weft_engine.kernel.state.hashing import key_group
from weft_engine.kernel.state.heap import HeapStore, HeapTable

COUNTS = StateSpec("counts")
SEEN = StateSpec("seen", ttl_ms=1000)


class Box:
    """A value of a program's own class, which can be changed in place."""

    def __init__(self, inside: list[int]) -> None:
        self.inside = inside


def put(store: KeyedStore, spec: StateSpec, entries: dict[Any, Any]) -> None:
    table = store.table(spec)
    table.begin(entries).update(entries)
    table.done(entries)


def content(store: KeyedStore, spec: StateSpec) -> dict[Any, Any]:
    return dict(store.table(spec).items())


def written(store: KeyedStore, storage: Memory, number: int, *, full: bool = False) -> Any:
    return store.snapshot(number, full=full).write(storage, f"{number}/0")


def restored(make: Make, storage: Memory, parts: Any, **given: Any) -> KeyedStore:
    store = make(**given)
    store.restore(storage, [parts])
    return store


def size(parts: tuple[Part, ...]) -> int:
    return sum(part.size for part in parts)


def test_a_delta_names_the_parts_before_and_adds_only_what_changed(make: Make) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {n: n for n in range(5000)})
    first = written(store, storage, 1)
    put(store, COUNTS, {3: "changed"})
    store.table(COUNTS).delete(4)
    second = written(store, storage, 2)
    assert second[: len(first)] == first
    assert 0 < size(second[len(first) :]) < size(first) / 10
    third = written(store, storage, 3)
    assert third == second  # nothing has changed since
    found = content(restored(make, storage, third), COUNTS)
    assert found == {**{n: n for n in range(5000) if n != 4}, 3: "changed"}


def test_every_so_often_a_snapshot_is_full_again(make: Make) -> None:
    store, storage = make(full_every=2), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    lengths = []
    for number in range(1, 8):
        put(store, COUNTS, {0: number})
        lengths.append(len(written(store, storage, number)))
    assert lengths == [1, 2, 3, 1, 2, 3, 1]


def test_when_much_has_changed_a_full_snapshot_is_written(make: Make) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    first = written(store, storage, 1)
    put(store, COUNTS, {n: -n for n in range(40)})
    second = written(store, storage, 2)
    assert not set(first) & set(second)
    assert content(restored(make, storage, second), COUNTS) == content(store, COUNTS)


def test_without_increments_every_snapshot_is_full(make: Make) -> None:
    store, storage = make(incremental=False), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    first = written(store, storage, 1)
    put(store, COUNTS, {0: "new"})
    second = written(store, storage, 2)
    assert not set(first) & set(second)
    assert content(restored(make, storage, second), COUNTS)[0] == "new"


def test_a_savepoint_stands_alone_and_changes_nothing(make: Make) -> None:
    store, storage, elsewhere = make(), Memory(), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    first = written(store, storage, 1)
    put(store, COUNTS, {0: "a"})
    saved = written(store, elsewhere, 2, full=True)
    put(store, COUNTS, {1: "b"})
    third = written(store, storage, 3)
    assert third[:1] == first
    assert not set(saved) & set(third)
    assert content(restored(make, elsewhere, saved), COUNTS)[0] == "a"
    found = content(restored(make, storage, third), COUNTS)
    assert (found[0], found[1]) == ("a", "b")


def test_the_first_snapshot_after_restoring_is_full(make: Make) -> None:
    store, storage, elsewhere = make(), Memory(), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    again = restored(make, storage, written(store, storage, 1))
    put(again, COUNTS, {0: "new"})
    parts = written(again, elsewhere, 2)
    assert content(restored(make, elsewhere, parts), COUNTS) == content(again, COUNTS)


def test_a_subtask_reads_only_its_key_groups(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {n: n for n in range(1000)})
    parts = written(store, storage, 1)
    opened = 0
    loads = layout.pickle.loads

    def counting(data: Any) -> Any:
        nonlocal opened
        opened += 1
        return loads(data)

    monkeypatch.setattr(layout.pickle, "loads", counting)
    groups = range(32, 40)
    found = content(restored(make, storage, parts, groups=groups), COUNTS)
    assert found == {n: n for n in range(1000) if key_group(n, 128) in groups}
    if isinstance(store, HeapStore):
        assert opened == 1 + len(groups)  # the head, and a chunk a group


def test_state_moves_between_the_backends(make: Make, clock: HandClock) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {(n, "x"): [n] for n in range(3000)})
    put(store, SEEN, {"old": 1})
    parts = written(store, storage, 1)
    for backend in ("heap", "disk"):
        other = restored(make, storage, parts, state_backend=backend)
        assert content(other, COUNTS) == content(store, COUNTS)
        assert other.table(SEEN).get("old") == 1
    clock.now += 1000
    for backend in ("heap", "disk"):
        other = restored(make, storage, parts, state_backend=backend)
        assert other.table(SEEN).get("old") is None


def test_other_key_groups_are_refused(make: Make, tmp_path: Any) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {1: 1})
    parts = written(store, storage, 1)
    data = storage.read(parts[0])
    with pytest.raises(ResourceError) as caught:
        list(layout.read_part(storage, parts[0], range(64), 64))
    assert caught.value.code == "checkpoint.key_groups"
    strange = storage.write("strange", b"something" + data)
    with pytest.raises(ResourceError) as caught:
        store.restore(storage, [(strange,)])
    assert caught.value.code == "checkpoint.format"


def test_state_of_another_kind_is_refused(make: Make) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {1: 1})
    again = restored(make, storage, written(store, storage, 1))
    with pytest.raises(ResourceError) as caught:
        again.table(StateSpec("counts", "list"))
    assert caught.value.code == "state.incompatible"
    assert "counts" in caught.value.message


def test_what_cannot_be_pickled_is_named_and_does_not_poison_later_snapshots(make: Make) -> None:
    store, storage = make(), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    written(store, storage, 1)

    def spoil(number: int) -> None:
        put(store, COUNTS, {5: lambda: 0})
        store.snapshot(number, full=False).write(storage, f"{number}/0")

    with pytest.raises(ResourceError, match="counts") as caught:
        spoil(2)
    assert caught.value.code == "state.unpicklable"
    put(store, COUNTS, {5: "plain"})
    third = written(store, storage, 3)
    assert content(restored(make, storage, third), COUNTS) == content(store, COUNTS)


@pytest.mark.parametrize("incremental", [True, False])
def test_nothing_that_comes_later_leaks_into_a_snapshot(make: Make, incremental: bool) -> None:
    """One thread writes while another changes lists, dicts and objects in place."""
    store, storage = make(incremental=incremental), Memory()
    count = 12_000

    def value(n: int) -> Any:
        return ([n], {"n": [n]}, Box([n]), (n, [n]))[n % 4]

    def change(held: Any) -> None:
        inner: Any = held
        if isinstance(held, dict):
            inner = held["n"]
        elif isinstance(held, Box):
            inner = held.inside
        elif isinstance(held, tuple):
            inner = held[1]
        inner.append("later")

    def plain(held: Any) -> Any:
        return held.inside if isinstance(held, Box) else held

    put(store, COUNTS, {n: value(n) for n in range(count)})
    if incremental:
        written(store, storage, 1)
        put(store, COUNTS, {n: value(n) for n in range(count // 4)})
    taken = store.snapshot(2, full=False)
    found: list[Any] = []
    writer = threading.Thread(target=lambda: found.append(taken.write(storage, "2/0")))
    writer.start()
    table = store.table(COUNTS)
    for start in range(0, count, 500):
        keys = range(start, start + 500)
        live = table.begin(keys)
        for key in keys:
            change(live[key])
        table.done(keys)
    writer.join(60)
    again = content(restored(make, storage, found[0]), COUNTS)
    assert {n: plain(held) for n, held in again.items()} == {
        n: plain(value(n)) for n in range(count)
    }
    assert all("later" in str(plain(held)) for held in content(store, COUNTS).values())


def test_a_job_without_checkpoints_does_not_remember_keys_that_are_gone(make: Make) -> None:
    store = make()
    table = store.table(COUNTS)
    for n in range(3000):
        table.put(n, n)
        table.delete(n)
    if isinstance(table, HeapTable):
        assert table.dirty == 0
    assert store.size()[0] == 0


def test_changed_keys_between_snapshots_are_bounded(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_engine.kernel.state.heap._MOST_DIRTY", 50)
    store, storage = make(state_backend="heap"), Memory()
    put(store, COUNTS, {n: n for n in range(20)})
    written(store, storage, 1)
    table = store.table(COUNTS)
    for n in range(1000, 1200):
        table.put(n, n)
        table.delete(n)
    assert isinstance(table, HeapTable)
    assert table.dirty <= 51
    assert content(restored(make, storage, written(store, storage, 2)), COUNTS) == {
        n: n for n in range(20)
    }


def test_entries_live_for_their_time_after_they_were_last_written(
    make: Make, clock: HandClock
) -> None:
    store = make()
    put(store, SEEN, {"a": 1, "b": 2})
    clock.now += 999
    assert store.table(SEEN).get("a") == 1
    put(store, SEEN, {"a": 3})
    clock.now += 1
    assert "b" not in store.table(SEEN).begin(["a", "b"])
    assert content(store, SEEN) == {"a": 3}
    clock.now += 998
    assert store.table(SEEN).get("a") == 3
    clock.now += 1
    assert store.table(SEEN).get("a") is None
    assert store.size()[0] == 0


def test_a_key_that_is_refreshed_stays(make: Make, clock: HandClock) -> None:
    """A sweep must go by the last time, not by the first (Quix Streams, issue 1129)."""
    store = make()
    for _ in range(50):
        put(store, SEEN, {"kept": 1})
        put(store, SEEN, {f"other-{clock.now}": 1})
        clock.now += 300
    assert store.table(SEEN).get("kept") == 1


def test_what_nobody_asks_for_is_swept_too(make: Make, clock: HandClock) -> None:
    store = make()
    put(store, SEEN, {n: n for n in range(500)})
    clock.now += 2000
    for n in range(100):
        put(store, SEEN, {"busy": n})
    assert store.size()[0] == 1


def test_entries_do_not_come_back_from_a_checkpoint(make: Make, clock: HandClock) -> None:
    store, storage = make(), Memory()
    put(store, SEEN, {"a": 1, "b": 1})
    written(store, storage, 1)
    clock.now += 600
    put(store, SEEN, {"b": 2})
    parts = written(store, storage, 2)
    clock.now += 600
    again = restored(make, storage, parts)
    assert content(again, SEEN) == {"b": 2}
    clock.now += 400  # the time goes on from when it was written, not from the restart
    assert again.table(SEEN).get("b") is None


def test_the_time_to_live_can_change_between_two_runs(make: Make, clock: HandClock) -> None:
    store, storage = make(), Memory()
    put(store, SEEN, {"a": 1})
    parts = written(store, storage, 1)
    clock.now += 600
    assert restored(make, storage, parts).table(StateSpec("seen")).get("a") == 1
    shorter = restored(make, storage, parts).table(StateSpec("seen", ttl_ms=500))
    assert shorter.get("a") is None
    longer = restored(make, storage, parts).table(StateSpec("seen", ttl_ms=5000))
    clock.now += 4000
    assert longer.get("a") == 1
    clock.now += 400
    assert longer.get("a") is None


def test_the_size_is_about_right(make: Make) -> None:
    store = make()
    put(store, COUNTS, {n: f"{n:01000d}" for n in range(2000)})
    store.snapshot(1, full=True)
    entries, size_ = store.size()
    assert entries == 2000
    assert 2_000_000 < size_ < 4_000_000


def test_state_on_disk_can_be_larger_than_its_cache(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_engine.kernel.state.disk.CACHED", 100)
    store, storage = make(state_backend="disk"), Memory()
    table = store.table(COUNTS)
    for round_ in range(3):
        for start in range(0, 2000, 50):
            keys = range(start, start + 50)
            live = table.begin(keys)
            assert len(live) <= 50_100
            for key in keys:
                live[key] = live.get(key, 0) + round_
            table.done(keys)
    assert content(store, COUNTS) == dict.fromkeys(range(2000), 3)
    parts = written(store, storage, 1)
    again = restored(make, storage, parts, state_backend="disk")
    assert content(again, COUNTS) == dict.fromkeys(range(2000), 3)


def test_large_state_is_written_in_several_parts(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "PART_BYTES", 10_000)
    store, storage = make(), Memory()
    put(store, COUNTS, {n: f"{n:0100d}" for n in range(1000)})
    parts = written(store, storage, 1)
    assert len(parts) > 5
    assert content(restored(make, storage, parts), COUNTS) == content(store, COUNTS)


def test_a_snapshot_waits_for_the_one_it_builds_on(make: Make) -> None:
    """The writer of the first is still at work when the second is written."""
    store, storage = make(), Memory()
    put(store, COUNTS, {n: n for n in range(100)})
    first = store.snapshot(1, full=False)
    put(store, COUNTS, {0: "new"})
    second = store.snapshot(2, full=False)
    inside, go_on = threading.Event(), threading.Event()

    def hold(name: str) -> None:
        inside.set()
        assert go_on.wait(60)

    storage.before_put = hold
    done: list[Any] = []
    threads = [threading.Thread(target=lambda: done.append(first.write(storage, "1/0")))]
    threads[0].start()
    assert inside.wait(60)
    threads.append(threading.Thread(target=lambda: done.append(second.write(storage, "2/0"))))
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    one, two = sorted(done, key=len)
    assert two[: len(one)] == one
    assert content(restored(make, storage, two), COUNTS)[0] == "new"


def test_closing_removes_the_files(make: Make, tmp_path: Any) -> None:
    store = make(state_backend="disk")
    put(store, COUNTS, {1: 1})
    assert any(tmp_path.iterdir())
    store.snapshot(1, full=False)
    store.close()
    assert not any(tmp_path.iterdir())
