"""Where channels come together."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.kernel.batch import Barrier, Batch, End, Watermark
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.settings import Settings


def drained(gate: Gate) -> list[tuple[int, Any]]:
    found = []
    while (item := gate.next(0)) is not None:
        event = item[1]
        found.append((item[0], event.values if isinstance(event, Batch) else event))
    return found


def test_channels_take_turns() -> None:
    gate = Gate([0, 0, 1], Settings(batch_size=1))
    for channel in range(3):
        for value in range(2):
            gate.channel(channel).put(Batch([value]))
    assert [channel for channel, _ in drained(gate)] == [0, 1, 2, 0, 1, 2]


def test_a_blocked_channel_is_not_read() -> None:
    gate = Gate([0, 0], Settings())
    gate.channel(0).put(Batch([1]))
    gate.channel(1).put(Batch([2]))
    gate.block(0)
    assert drained(gate) == [(1, [2])]
    gate.channel(0).put(Batch([3]))
    assert drained(gate) == []
    gate.unblock(0)
    assert drained(gate) == [(0, [1, 3])]


def test_a_control_event_is_never_overtaken_and_never_waits() -> None:
    gate = Gate([0], Settings(queue_records=1))
    channel = gate.channel(0)
    channel.put(Batch([1]))
    assert not channel.room()
    channel.put(Barrier(1))
    channel.put(End())
    assert drained(gate) == [(0, [1]), (0, Barrier(1)), (0, End())]


@given(st.lists(st.integers(1, 5), max_size=40), st.integers(1, 20), st.integers(1, 7))
def test_a_channel_is_bounded(sizes: list[int], bound: int, batch_size: int) -> None:
    """Only the batch that fills it may go over the bound, however fast the sender is."""
    gate = Gate([0], Settings(queue_records=bound, batch_size=batch_size))
    channel = gate.channel(0)
    highest = 0

    def send() -> None:
        number = 0
        for size in sizes:
            channel.put(Batch(list(range(number, number + size))))
            number += size
        channel.put(End())

    sender = threading.Thread(target=send)
    sender.start()
    received: list[int] = []
    while True:
        highest = max(highest, gate.records)
        item = gate.next(30)
        assert item is not None
        if isinstance(item[1], End):
            break
        assert isinstance(item[1], Batch)
        received += item[1].values
    sender.join(30)
    assert received == list(range(sum(sizes)))
    assert highest < bound + max(sizes, default=0)


def test_cancelling_lets_everybody_go() -> None:
    gate = Gate([0], Settings(queue_records=1))
    channel = gate.channel(0)
    channel.put(Batch([1]))
    stopped: list[str] = []

    def send() -> None:
        try:
            channel.put(Batch([2]))
        except Stopped:
            stopped.append("sender")

    def receive(other: Gate) -> None:
        try:
            other.next(60)
        except Stopped:
            stopped.append("receiver")

    empty = Gate([0], Settings())
    threads = [threading.Thread(target=send), threading.Thread(target=receive, args=(empty,))]
    for thread in threads:
        thread.start()
    gate.cancel()
    empty.cancel()
    for thread in threads:
        thread.join(30)
    assert sorted(stopped) == ["receiver", "sender"]
    with pytest.raises(Stopped):
        gate.next(0)
    with pytest.raises(Stopped):
        channel.put(Batch([3]))


def test_a_channel_can_be_cancelled_by_its_sender() -> None:
    gate = Gate([0, 0], Settings(queue_records=1))
    channel, other = gate.channel(0), gate.channel(1)
    channel.put(Batch([1]))
    threading.Timer(0.01, channel.cancel).start()
    with pytest.raises(Stopped):
        channel.put(Batch([2]))
    other.put(Batch([3]))
    assert drained(gate) == [(0, [1]), (1, [3])]


def test_waking_ends_a_wait_even_if_it_comes_first() -> None:
    gate = Gate([0], Settings())
    gate.wake()
    assert gate.next(60) is None
    gate.channel(0).put(Batch([1]))
    gate.wake()
    gate.wait(60)
    assert gate.next(60) == (0, Batch([1]))


def test_what_is_fed_is_given_back_as_credits() -> None:
    gate = Gate([0], Settings(batch_size=3, queue_records=2))
    taken: list[tuple[int, int]] = []
    gate.on_taken(0, lambda records, size: taken.append((records, size)))
    for _ in range(4):
        gate.feed(0, Batch([1, 2, 3, 4, 5]), 50)
    gate.feed(0, Watermark(3))
    assert sum(len(event) for _, event in drained(gate) if isinstance(event, list)) == 20
    assert (sum(r for r, _ in taken), sum(s for _, s in taken)) == (20, 200)


def test_feedback_is_read_first_when_much_is_under_way() -> None:
    gate = Gate([0, 0], Settings(queue_records=4, batch_size=2), feedback=[1])
    back = gate.channel(1)
    for value in range(0, 8, 2):
        back.put(Batch([value, value + 1]))
        gate.channel(0).put(Batch([value]))
    assert back.room(), "a feedback channel never holds up its sender"
    order = [channel for channel, _ in drained(gate)]
    assert order[:3] == [1, 1, 1] or order[:3] == [0, 1, 1]
    assert sorted(order) == [0, 0, 1, 1, 1, 1]


def test_what_waits_is_bounded_by_how_long_it_takes() -> None:
    gate = Gate([0, 0], Settings(batch_size=1024, queue_records=8192))
    channel = gate.channel(0)
    channel.put(Batch([0] * 16))
    assert not channel.room(), "nobody knows yet how long records take"
    for _ in range(12):
        gate.adapt(1_000 * gate.limit, gate.limit)
    assert (gate.limit, gate.bound) == (1024, 8192)
    assert channel.room()
    gate.adapt(5_000_000 * 1024, 1024)
    assert gate.limit <= 8, "some 20 ms at once"
    assert gate.bound <= 16, "some 80 ms in two channels"
    for _ in range(40):
        gate.adapt(1_000_000_000, 1)
    assert (gate.limit, gate.bound) == (1, 1)


def test_a_gate_becomes_quick_again_after_one_long_list() -> None:
    gate = Gate([0], Settings(batch_size=1024, queue_records=8192))
    gate.adapt(1_000_000_000, 16)  # it loaded a model, say
    assert gate.limit == 1
    for _ in range(20_000):
        gate.adapt(20_000 + 1_000 * gate.limit, gate.limit)
    assert (gate.limit, gate.bound) == (1024, 8192)


def test_nothing_depends_on_time_where_nobody_waits() -> None:
    gate = Gate([0], Settings(batch_size=64, queue_records=640), blocking=False)
    gate.adapt(50_000_000, 64)
    assert gate.limit == 64


def test_a_closed_gate_drops_everything_and_tells_its_senders() -> None:
    gate = Gate([0, 0, 0], Settings(queue_records=2, batch_size=2), feedback=[2])
    told: list[int] = []
    for index in range(2):
        gate.channel(index).when_closed(lambda index=index: told.append(index))
    gate.channel(0).put(Batch([1, 2]))
    gate.channel(2).put(Batch([3]))
    gate.block(1)
    waiting = threading.Thread(target=lambda: gate.channel(0).put(Batch([4])))
    waiting.start()
    gate.close()
    gate.close()
    waiting.join(60)
    assert not waiting.is_alive()
    assert told == [0, 1]
    gate.channel(2).when_closed(lambda: told.append(2))
    assert told == [0, 1, 2], "who asks later is told at once"
    for index in range(3):
        assert gate.channel(index).room()
        gate.channel(index).put(Batch([5]))
        gate.channel(index).put(Barrier(1))
    gate.unblock(1)
    assert drained(gate) == []
    assert (gate.records, gate.size, gate.ready) == (0, 0, False)


def test_a_look_that_does_not_wait_leaves_a_wake_to_the_one_that_does() -> None:
    gate = Gate([0], Settings())
    gate.wake()
    assert gate.next(0) is None
    assert gate.next() is None
