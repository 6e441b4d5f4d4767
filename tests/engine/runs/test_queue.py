"""Whose turn it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.runs.queue import AGE_S, FairQueue, Job
from weft_engine.runs.run import RunRequest


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def job(name: str, tenant: str = "", priority: int = 0) -> Job:
    return Job(RunRequest(run_id=name, flow={}, tenant=tenant, priority=priority))


def drain(queue: FairQueue, most: int = 10_000) -> list[str]:
    """The order in which runs go when each ends before the next starts."""
    order = []
    while len(queue) and len(order) < most:
        taken = queue.take()
        assert taken is not None
        order.append(taken.request.run_id)
        queue.done(taken)
    return order


def test_a_thousand_runs_of_two_tenants_alternate() -> None:
    queue = FairQueue()
    for n in range(500):
        queue.put(job(f"a{n}", "a"))
    for n in range(500):
        queue.put(job(f"b{n}", "b"))
    expected = [f"{tenant}{n}" for n in range(500) for tenant in "ab"]
    assert drain(queue) == expected


def test_a_tenant_that_comes_late_does_not_wait_for_the_others() -> None:
    queue = FairQueue()
    for n in range(100):
        queue.put(job(f"a{n}", "a"))
    assert drain(queue, 3) == ["a0", "a1", "a2"]
    queue.put(job("b0", "b"))
    assert "b0" in drain(queue, 2)


@pytest.mark.parametrize(
    ("waits", "first"),
    [(0.0, "urgent"), (AGE_S * 4, "urgent"), (AGE_S * 6, "old")],
    ids=["at once", "not long enough", "long enough"],
)
def test_the_more_urgent_goes_first_unless_the_other_waited_long(waits: float, first: str) -> None:
    clock = Clock()
    queue = FairQueue(clock=clock)
    queue.put(job("old"))
    clock.now += waits
    queue.put(job("urgent", priority=5))
    assert drain(queue, 1) == [first]


def test_urgent_runs_do_not_starve_another() -> None:
    clock = Clock()
    queue = FairQueue(clock=clock)
    queue.put(job("patient"))
    for n in range(1_000):
        queue.put(job(f"urgent{n}", priority=10))
        clock.now += 1
        (taken,) = drain(queue, 1)
        if taken == "patient":
            return
    raise AssertionError("it starved")


def test_no_tenant_has_more_runs_under_way_than_it_may() -> None:
    queue = FairQueue(workers=3, per_tenant=2)
    for n in range(3):
        queue.put(job(f"a{n}", "a"))
    queue.put(job("b0", "b"))
    taken = [queue.take() for _ in range(3)]
    assert [one.request.run_id for one in taken if one] == ["a0", "b0", "a1"]
    assert taken[1] is not None
    assert queue.take() is None
    queue.done(taken[1])
    assert queue.take() is None, "a worker is free, but not for this tenant"
    assert taken[0] is not None
    queue.done(taken[0])
    last = queue.take()
    assert last is not None
    assert last.request.run_id == "a2"


def test_where_it_stands_is_told() -> None:
    queue = FairQueue(workers=2)
    assert [queue.put(job(f"r{n}")) for n in range(4)] == [0, 0, 1, 2]


def test_too_many_of_one_tenant_are_refused_and_others_are_not() -> None:
    queue = FairQueue(limit=2)
    assert [queue.put(job(f"a{n}", "a")) for n in range(3)][2] is None
    assert queue.put(job("b0", "b")) is not None


def test_what_was_removed_does_not_run() -> None:
    queue = FairQueue()
    for n in range(3):
        queue.put(job(f"r{n}"))
    removed = queue.remove("r1")
    assert removed is not None
    assert queue.remove("r1") is None
    assert drain(queue) == ["r0", "r2"]
    assert len(queue) == 0


def test_a_closed_queue_gives_nothing() -> None:
    queue = FairQueue()
    queue.put(job("r0"))
    queue.close()
    assert queue.take() is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 3)), max_size=40),
    st.lists(st.integers(0, 39), max_size=10),
)
def test_every_run_goes_once_and_tenants_take_turns(
    runs: list[tuple[str, int]], removed: list[int]
) -> None:
    queue = FairQueue()
    for n, (tenant, priority) in enumerate(runs):
        queue.put(job(f"{tenant}{n}", tenant, priority))
    gone = {f"{runs[n][0]}{n}" for n in removed if n < len(runs)}
    for name in gone:
        assert queue.remove(name) is not None
    order = drain(queue)
    assert Counter(order) == Counter({f"{t}{n}" for n, (t, _) in enumerate(runs)} - gone)
    left = Counter(name[0] for name in order)
    for place, name in enumerate(order):
        # Between two turns of one tenant each other one that waits has had its turn.
        before = order[max(place - 1, 0) : place]
        others = [tenant for tenant, number in left.items() if number and tenant != name[0]]
        assert not (others and before and before[0][0] == name[0])
        left[name[0]] -= 1
