"""Shares, priorities and order, compared with what is promised; and waiting, in real threads."""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ResourceError
from weft_engine.kernel.fair_order import HIGHEST, FairOrder
from weft_engine.kernel.fair_queue import Empty, FairQueue

weights = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from([1, 2, 3, 5, 0.5, 10]), min_size=2
)


@given(weights, st.integers(1, 150))
def test_tenants_that_always_wait_get_their_shares_to_within_one_item(
    weights: dict[str, float], count: int
) -> None:
    order: FairOrder[str] = FairOrder(weights)
    for tenant in weights:
        for _ in range(count):
            order.push(tenant, tenant, 0, None)
    total = sum(weights.values())
    served: Counter[str] = Counter()
    for taken in range(1, count + 1):  # so many that nobody runs out
        served[order.pop()] += 1
        for tenant, weight in weights.items():
            assert abs(served[tenant] - taken * weight / total) < 1 + 1e-6


puts = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, HIGHEST),
        st.sampled_from([None, None, "k", "l"]),
        st.integers(0, 2),
    ),
    max_size=150,
)


def played(puts: list[Any], ageing: int) -> tuple[list[Any], list[Any]]:
    """Items put in and taken out in turns: all of them in the order of coming, and of going."""
    order: FairOrder[Any] = FairOrder({"a": 1, "b": 3}, ageing)
    came, went = [], []
    for number, (tenant, priority, key, takes) in enumerate(puts):
        came.append((number, tenant, priority, key))
        order.push(came[-1], tenant, priority, key)
        went += [order.pop() for _ in range(min(takes, len(order)))]
    went += [order.pop() for _ in range(len(order))]
    return came, went


@given(puts, st.integers(0, 5))
def test_every_item_is_taken_once_and_no_key_changes_its_order(
    puts: list[Any], ageing: int
) -> None:
    came, went = played(puts, ageing)
    assert sorted(went, key=lambda item: item[0]) == came
    for tenant in "ab":
        for key in "kl":
            line = [item for item in went if item[1] == tenant and item[3] == key]
            assert line == sorted(line, key=lambda item: item[0])


@given(puts, st.integers(0, 5))
def test_no_item_is_overtaken_by_more_later_ones_than_ageing_allows(
    puts: list[Any], ageing: int
) -> None:
    _, went = played(puts, ageing)
    for place, (number, tenant, _, _) in enumerate(went):
        overtaken_by = [one for one in went[:place] if one[0] > number and one[1] == tenant]
        assert len(overtaken_by) <= HIGHEST * ageing


@given(puts)
def test_without_ageing_it_is_first_come_first_served_in_a_tenant(puts: list[Any]) -> None:
    _, went = played(puts, 0)
    for tenant in "ab":
        line = [item for item in went if item[1] == tenant]
        assert line == sorted(line, key=lambda item: item[0])


def test_what_is_urgent_goes_first() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for number in range(5):
        queue.put(f"low-{number}")
    queue.put("urgent", priority=5)
    assert queue.get() == "urgent"
    assert queue.get() == "low-0"


def test_a_tenant_that_comes_back_has_saved_nothing_up() -> None:
    order: FairOrder[str] = FairOrder()
    for _ in range(50):
        order.push("busy", "busy", 0, None)
    for _ in range(20):
        order.pop()
    for _ in range(50):
        order.push("late", "late", 0, None)
    assert abs(Counter(order.pop() for _ in range(20))["late"] - 10) <= 1


def test_a_tenant_that_leaves_for_a_moment_gets_no_more_than_its_share() -> None:
    order: FairOrder[str] = FairOrder()
    for _ in range(100):
        order.push("steady", "steady", 0, None)
    served: Counter[str] = Counter()
    for _ in range(50):
        if not order.waiting("jumpy"):
            order.push("jumpy", "jumpy", 0, None)
        served[order.pop()] += 1
    assert abs(served["jumpy"] - 25) <= 1


def test_many_tenants_are_not_remembered_for_ever() -> None:
    order: FairOrder[int] = FairOrder()
    order.push(-1, "rock", 0, None)
    for n in range(5000):
        order.push(-1, "rock", 0, None)
        order.push(n, n, 0, None)
        order.pop()
        order.pop()
    assert len(order._tenants) <= 2001


def test_full_queues_reject() -> None:
    queue: FairQueue[int] = FairQueue(2, policy="reject")
    queue.put(1)
    queue.put(2)
    with pytest.raises(ResourceError) as caught:
        queue.put(3)
    assert caught.value.code == "service.busy"
    assert caught.value.retryable
    assert queue.get_some(10) == [1, 2]


def test_full_queues_drop_the_oldest_of_who_has_most() -> None:
    dropped: list[str] = []
    queue: FairQueue[str] = FairQueue(4, policy="drop_oldest", on_drop=dropped.append)
    queue.put("quiet", tenant="q", key="s")
    for number in range(6):
        queue.put(f"loud-{number}", tenant="l", key="s", priority=number)
    assert dropped == ["loud-0", "loud-1", "loud-2"]
    assert sorted(queue.get_some(10)) == ["loud-3", "loud-4", "loud-5", "quiet"]


def test_full_queues_let_wait_and_give_up_in_time() -> None:
    queue: FairQueue[int] = FairQueue(1)
    queue.put(1)
    with pytest.raises(ResourceError, match="no room") as caught:
        queue.put(2, timeout=0.01)
    assert caught.value.code == "service.busy"
    assert queue.get() == 1
    with pytest.raises(Empty):
        queue.get(timeout=0.01)


def test_a_flood_of_one_tenant_does_not_keep_others_out() -> None:
    queue: FairQueue[str] = FairQueue(2)
    queue.put("flood", tenant="f")
    queue.put("flood", tenant="f")
    with ThreadPoolExecutor(6) as pool:
        try:
            for _ in range(4):
                pool.submit(queue.put, "flood", tenant="f")
            waiting(queue, 4)
            pool.submit(queue.put, "other", tenant="o")
            waiting(queue, 5)
            assert queue.get() == "flood"  # makes room, for the other one first
            assert "other" in [queue.get(), queue.get()]
            assert [queue.get(60) for _ in range(4)] == ["flood"] * 4
        finally:
            queue.close()


def waiting(queue: FairQueue[Any], count: int) -> None:
    """Until so many threads wait for room."""
    for _ in range(60_000):
        if len(queue._putters) >= count:
            return
        threading.Event().wait(0.001)
    raise AssertionError("nobody waits")


def test_threads_pass_everything_on_once() -> None:
    queue: FairQueue[int] = FairQueue(7)
    taken: list[int] = []
    lock = threading.Lock()

    def take() -> None:
        while True:
            try:
                item = queue.get(timeout=60)
            except ResourceError:
                return
            with lock:
                taken.append(item)

    def give(start: int) -> None:
        for n in range(start, 800, 4):
            queue.put(n, tenant=start)

    takers = [threading.Thread(target=take) for _ in range(3)]
    for thread in takers:
        thread.start()
    with ThreadPoolExecutor(4) as pool:
        for start in range(4):
            pool.submit(
                lambda first: [queue.put(n, tenant=first) for n in range(first, 800, 4)], start
            )
    queue.close()
    for thread in takers:
        thread.join(60)
    assert sorted(taken) == list(range(800))
    with pytest.raises(ResourceError) as caught:
        queue.put(1)
    assert caught.value.code == "service.closed"


def test_closing_wakes_who_waits() -> None:
    queue: FairQueue[int] = FairQueue(1)
    queue.put(1)
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(queue.put, 2)
        waiting(queue, 1)
        queue.close()
        with pytest.raises(ResourceError) as caught:
            put.result(60)
    assert caught.value.code == "service.closed"
    assert queue.get() == 1


def test_coroutines_wait_without_holding_up_the_loop() -> None:
    async def run() -> list[int]:
        queue: FairQueue[int] = FairQueue(2)
        taken: list[int] = []

        async def take() -> None:
            taken.extend([await queue.aget() for _ in range(50)])

        async def give(start: int) -> None:
            for n in range(start, 100, 2):
                await queue.aput(n)

        async with asyncio.timeout(60):
            await asyncio.gather(take(), give(0), take(), give(1))
        return taken

    assert sorted(asyncio.run(run())) == list(range(100))


def test_a_cancelled_coroutine_loses_nothing() -> None:
    async def run() -> list[int]:
        queue: FairQueue[int] = FairQueue(1)
        first = asyncio.create_task(queue.aget())
        second = asyncio.create_task(queue.aget())
        await asyncio.sleep(0)
        queue.put(1)  # wakes the first, which is cancelled before it runs
        first.cancel()
        async with asyncio.timeout(60):
            found = await second
            queue.put(2)
            late = asyncio.create_task(queue.aput(3))
            await asyncio.sleep(0)
            late.cancel()
            await asyncio.wait([first, late])
            return [found, queue.get(), len(queue)]

    assert asyncio.run(run()) == [1, 2, 0]


@pytest.mark.parametrize("priority", [-1, HIGHEST + 1])
def test_priorities_have_bounds(priority: int) -> None:
    with pytest.raises(ValueError, match="priority"):
        FairQueue[int](1).put(1, priority=priority)


def test_what_is_given_up_is_not_remembered() -> None:
    order = FairOrder[int]()
    for number in range(50_000):
        if len(order) == 10:
            order.drop()
        order.push(number, "flood", number % 10, None)
    (tenant,) = order._tenants.values()
    assert len(tenant._first_of_keys) + len(tenant._in_order) < 3000
    assert sorted(order.pop() for _ in range(10)) == list(range(49_990, 50_000))
