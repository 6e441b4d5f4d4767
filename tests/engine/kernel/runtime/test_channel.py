"""The queue of a channel, compared with a plain list of events."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from weft_engine.kernel.batch import Barrier, Batch, Event, Idle, Watermark
from weft_engine.kernel.runtime.channel import EventQueue, estimated_size

batches = st.builds(
    lambda n, timed, keyed: Batch(
        list(range(n)), list(range(n)) if timed else None, list("abcdefgh"[:n]) if keyed else None
    ),
    st.integers(0, 8),
    st.booleans(),
    st.booleans(),
)
events: st.SearchStrategy[Event] = st.one_of(
    batches,
    st.builds(Barrier, st.integers(1, 3)),
    st.builds(Watermark, st.integers(0, 9)),
    st.just(Idle()),
)
steps = st.lists(st.one_of(events, st.integers(1, 9)), max_size=60)


def flat(event: Event) -> list[Any]:
    """An event as its records, or as itself."""
    if not isinstance(event, Batch):
        return [event]
    times = event.times or ["-"] * len(event)
    keys = event.keys or ["-"] * len(event)
    return list(zip(event.values, times, keys, strict=True))


def without_times(items: list[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, Watermark | Idle)]


def time_at_records(items: list[Any]) -> list[Any]:
    """Which word about time was the last one before every other item, and at the end."""
    last: Any = None
    seen = []
    for item in items:
        if isinstance(item, Watermark | Idle):
            last = item
        else:
            seen.append(last)
    return [*seen, last]


@given(steps, st.integers(1, 12))
def test_what_is_put_in_comes_out_in_order(steps: list[Any], batch_size: int) -> None:
    queue = EventQueue(100, 10**6, batch_size)
    put: list[Any] = []
    taken: list[Any] = []
    given_: list[tuple[Batch, list[Any]]] = []
    sizes = 0

    def take(limit: int) -> None:
        nonlocal sizes
        event, records, size = queue.take(limit)
        assert records == (len(event) if isinstance(event, Batch) else 0)
        assert records <= max(limit, 0) or not isinstance(event, Batch)
        sizes += size
        taken.extend(flat(event))

    total = 0
    for step in steps:
        if isinstance(step, int):
            if len(queue):
                take(step)
        else:
            queue.append(step, 10 * len(step) if isinstance(step, Batch) else None)
            put.extend(flat(step))
            if isinstance(step, Batch):
                given_.append((step, flat(step)))
                total += 10 * len(step)
    while len(queue):
        take(batch_size)
    assert without_times(taken) == without_times(put)
    assert time_at_records(taken) == time_at_records(put)
    assert (queue.records, queue.size, sizes) == (0, 0, total)
    for batch, content in given_:
        assert flat(batch) == content, "lists that were given are not changed"


def test_records_that_come_alone_grow_together() -> None:
    queue = EventQueue(100, 10**6, 4)
    for value in range(10):
        queue.append(Batch([value]))
    sizes = []
    while len(queue):
        sizes.append(queue.take(100)[1])
    assert sizes == [4, 4, 2]


def test_watermarks_and_idleness_do_not_pile_up() -> None:
    queue = EventQueue(100, 10**6, 4)
    for time in range(1000):
        queue.append(Watermark(time))
        queue.append(Idle())
        queue.append(Idle())
    assert [queue.take(1)[0] for _ in range(len(queue))] == [Watermark(999), Idle()]


def test_it_is_full_by_records_or_by_bytes() -> None:
    by_records = EventQueue(3, 10**6, 1024)
    by_records.append(Batch([1, 2, 3]))
    assert by_records.full
    by_bytes = EventQueue(10**6, 1000, 1024)
    by_bytes.append(Batch(["x" * 2000]))
    assert by_bytes.full
    assert not by_bytes.relaxed
    by_bytes.take(1)
    assert by_bytes.relaxed


class Broken:
    def __sizeof__(self) -> int:
        raise RuntimeError


def test_the_size_of_a_batch_is_estimated_from_a_record() -> None:
    assert estimated_size(Batch(["x" * 1000] * 10)) > 10_000
    assert estimated_size(Batch([{"text": "x" * 1000}])) > 1000
    assert estimated_size(Batch([("x" * 1000, 1)])) > 1000
    assert estimated_size(Batch([Broken()])) > 0
    assert estimated_size(Batch([{}])) > 0
