"""Timers: in order, once each, kept and dealt with the keys."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.state.conftest import HandClock, Make
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.physical import key_group_range
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.hashing import key_group


def test_timers_fire_in_order_of_time_and_then_of_setting(make: Make) -> None:
    timers = make().timers()
    for key, time, tag in [
        ("b", 5, None),
        ("a", 3, "x"),
        ("a", 5, None),
        ("c", 9, 1),
        ("a", 3, "w"),
    ]:
        timers.set_event(key, time, tag)
    assert list(timers.pop_event(5)) == [
        (3, "a", "x"),
        (3, "a", "w"),
        (5, "b", None),
        (5, "a", None),
    ]
    assert list(timers.pop_event(8)) == []
    assert list(timers.pop_event(9)) == [(9, "c", 1)]


def test_event_and_processing_time_are_apart(make: Make) -> None:
    timers = make().timers()
    timers.set_event("a", 5)
    timers.set_processing("a", 7)
    assert timers.next_processing() == 7
    assert list(timers.pop_processing(6)) == []
    assert list(timers.pop_event(100)) == [(5, "a", None)]
    assert list(timers.pop_processing(7)) == [(7, "a", None)]
    assert timers.next_processing() is None


def test_a_timer_that_is_set_twice_fires_once(make: Make) -> None:
    timers = make().timers()
    for _ in range(3):
        timers.set_event("a", 5, "x")
    timers.set_event("a", 5, "y")
    timers.set_event("a", 5)
    assert list(timers.pop_event(5)) == [(5, "a", "x"), (5, "a", "y"), (5, "a", None)]
    assert list(timers.pop_event(5)) == []


def test_a_timer_can_be_taken_back_and_set_again(make: Make) -> None:
    timers = make().timers()
    timers.set_processing("a", 5)
    timers.set_processing("b", 5)
    timers.delete_processing("a", 5)
    timers.delete_processing("a", 5)
    timers.delete_processing("nobody", 5)
    timers.delete_event("b", 5)
    assert timers.next_processing() == 5
    timers.set_processing("a", 5)
    assert list(timers.pop_processing(5)) == [(5, "b", None), (5, "a", None)]


def test_timers_set_while_others_fire_fire_too(make: Make) -> None:
    timers = make().timers()
    timers.set_event("a", 1)
    fired = []
    for time, key, _ in timers.pop_event(4):
        fired.append((time, key))
        timers.set_event(key, time + 1)
        timers.delete_event("never", 4)
    assert fired == [(1, "a"), (2, "a"), (3, "a"), (4, "a")]
    assert list(timers.pop_event(5)) == [(5, "a", None)]


def test_timers_that_are_moved_all_the_time_do_not_pile_up(make: Make) -> None:
    timers: Any = make().timers()
    for time in range(10_000, 20_000):
        timers.set_event("session", time)
        timers.delete_event("session", time)
    timers.set_event("session", 5)
    assert len(timers._heaps[0]) < 2500
    assert list(timers.pop_event(30_000)) == [(5, "session", None)]


def test_timers_survive_a_restart(make: Make) -> None:
    store, storage = make(), Memory()
    timers = store.timers()
    for n in range(10):
        timers.set_event(f"key-{9 - n}", 7)
    first = store.snapshot(1, full=False).write(storage, "1/0")
    timers.delete_event("key-3", 7)
    timers.set_processing("key-3", 1)
    second = store.snapshot(2, full=False).write(storage, "2/0")
    for parts, keys in ((first, range(10)), (second, (n for n in range(10) if n != 3))):
        again = make()
        again.restore(storage, [parts])
        fired = [key for _, key, _ in again.timers().pop_event(7)]
        assert fired == [f"key-{n}" for n in sorted(keys, reverse=True)]
    assert again.timers().next_processing() == 1
    again.timers().set_event("later", 7)
    assert [key for _, key, _ in again.timers().pop_event(7)] == ["later"]


times = st.integers(0, 20)
keys = st.sampled_from(["a", "b", 1, 1.0, None, ("c", 2)])
tags = st.sampled_from([None, "x", 1])
steps = st.lists(
    st.tuples(st.sampled_from(["set", "set", "delete", "pop", "restart"]), keys, times, tags),
    max_size=60,
)


@given(steps, st.integers(1, 4))
def test_timers_do_what_a_list_would_do(steps: list[Any], parallelism: int) -> None:
    storage = Memory()
    clock = HandClock()

    def deploy(count: int) -> list[Any]:
        return [
            make_store(Settings(), key_group_range(i, count, 16), 16, "uid", clock, None)
            for i in range(count)
        ]

    stores = deploy(1)
    mixed = False  # timers of several subtasks have come together: no order among equal times
    model: list[tuple[int, Any, Any]] = []
    for number, (step, key, time, tag) in enumerate(steps):
        timers = next(s for s in stores if key_group(key, 16) in s.key_groups).timers()
        if step == "set":
            timers.set_event(key, time, tag)
            if (time, key, tag) not in model:
                model.append((time, key, tag))
        elif step == "delete":
            timers.delete_event(key, time, tag)
            if (time, key, tag) in model:
                model.remove((time, key, tag))
        elif step == "pop":
            fired = [timer for s in stores for timer in s.timers().pop_event(time)]
            due = sorted((timer for timer in model if timer[0] <= time), key=lambda t: t[0])
            assert Counter(fired) == Counter(due)
            assert mixed or fired == due
            model = [timer for timer in model if timer[0] > time]
        else:
            taken = [store.snapshot(number, full=False) for store in stores]
            parts = [s.write(storage, f"{number}/{i}") for i, s in enumerate(taken)]
            stores = deploy(parallelism if len(stores) == 1 else 1)
            mixed = mixed or parallelism > 1
            for store in stores:
                store.restore(storage, parts)
