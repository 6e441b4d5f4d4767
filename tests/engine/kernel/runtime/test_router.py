"""How records find the subtask that takes them."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import Barrier, Batch, Event
from weft_engine.kernel.operators.base import RecordError
from weft_engine.kernel.physical import Edge, Exchange, channel_targets, subtask_of
from weft_engine.kernel.runtime.router import Router
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.hashing import key_group


class Sent:
    """A channel that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)

    def room(self) -> bool:
        return True

    def cancel(self) -> None:
        pass

    def column(self, name: str = "values") -> list[Any]:
        batches = [event for event in self.events if isinstance(event, Batch)]
        return [item for batch in batches for item in getattr(batch, name) or ()]


def router(
    exchange: Exchange, targets: int, key: Any = None, index: int = 0, **more: Any
) -> tuple[Router, list[Sent]]:
    channels = [Sent() for _ in channel_targets(exchange, index, targets)]
    edge = Edge(0, 0, 0, 0, 1, 0, exchange, key)
    return Router(edge, index, channels, targets, 128, **more), channels


keys = st.one_of(st.integers(-5, 300), st.text(max_size=3), st.none(), st.booleans())


@given(st.lists(st.lists(keys, min_size=1), max_size=6), st.integers(1, 5), st.booleans())
def test_equal_keys_go_to_the_subtask_of_their_group(
    batches: list[list[Any]], targets: int, timed: bool
) -> None:
    sender, channels = router("hash", targets, key=lambda value: value[0])
    number = 0
    sent = []
    for batch in batches:
        values = [(key, number + n) for n, key in enumerate(batch)]
        number += len(batch)
        sent += values
        sender.send(Batch(values, [n for _, n in values] if timed else None))
    for target, channel in enumerate(channels):
        mine = [
            value for value in sent if subtask_of(key_group(value[0], 128), targets, 128) == target
        ]
        assert channel.column() == mine
        assert channel.column("keys") == [key for key, _ in mine]
        assert channel.column("times") == ([n for _, n in mine] if timed else [])


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 6), st.integers(0, 5))
def test_rebalance_gives_everybody_the_same(sizes: list[int], targets: int, index: int) -> None:
    sender, channels = router("rebalance", targets, index=index)
    for number, size in enumerate(sizes):
        sender.send(Batch([(number, n) for n in range(size)]))
    counts = [len(channel.column()) for channel in channels]
    assert max(counts) - min(counts) <= 1
    everything = Counter(value for channel in channels for value in channel.column())
    assert everything == Counter(
        (number, n) for number, size in enumerate(sizes) for n in range(size)
    )


def test_broadcast_gather_and_forward() -> None:
    sender, channels = router("broadcast", 3)
    sender.send(Batch([1, 2]))
    assert [channel.column() for channel in channels] == [[1, 2]] * 3
    for exchange, index in (("gather", 2), ("forward", 2)):
        sender, channels = router(exchange, 3, index=index)  # type: ignore[arg-type]
        sender.send(Batch([1, 2]))
        assert [channel.column() for channel in channels] == [[1, 2]]


def test_custom_takes_the_number_modulo_the_parallelism() -> None:
    sender, channels = router("custom", 3, key=lambda value: value)
    sender.send(Batch([-1, 0, 1, 2, 3, 4]))
    assert [channel.column() for channel in channels] == [[0, 3], [1, 4], [-1, 2]]
    with pytest.raises(NodeError):
        router("custom", 3, key=str)[0].send(Batch([1]))


def test_a_key_function_that_fails_names_the_record() -> None:
    sender, _ = router("hash", 2, key=lambda value: value["id"])
    with pytest.raises(RecordError) as failure:
        sender.send(Batch([{"id": 1}, {"name": "x"}]))
    assert failure.value.record == {"name": "x"}
    assert isinstance(failure.value.__cause__, KeyError)


@pytest.mark.parametrize("key", [[1], {"a": 1}, object()])
def test_a_key_without_a_stable_hash_is_refused(key: Any) -> None:
    sender, _ = router("hash", 2, key=lambda value: key)
    with pytest.raises((RecordError, TypeError)) as failure:
        sender.send(Batch([1]))
    cause = failure.value.__cause__ or failure.value
    assert getattr(cause, "code", "") == "kernel.unstable_key"


def test_the_cache_of_targets_is_bounded() -> None:
    sender, channels = router("hash", 3, key=lambda value: value)
    for start in range(0, 200_000, 1000):
        sender.send(Batch(list(range(start, start + 1000))))
        assert len(sender.cache) <= 65_536
    assert sum(len(channel.column()) for channel in channels) == 200_000


def test_small_parts_may_linger_but_no_longer_than_they_may() -> None:
    now = [0.0]
    settings = Settings(linger_ms=10, batch_size=4)
    sender, (one, other) = router(
        "custom", 2, key=lambda value: value, settings=settings, seconds=lambda: now[0]
    )
    sender.send(Batch([0, 2]))
    assert one.events == []
    assert sender.due == 0.01
    now[0] = 0.005
    sender.send(Batch([4, 1, 6]))
    assert one.column() == [0, 2, 4, 6], "a full batch goes at once"
    assert other.events == []
    sender.flush()
    assert other.column() == [1]
    assert sender.due is None
    sender.send(Batch([3]))
    sender.control(Barrier(1))
    assert other.events == [Batch([1]), Batch([3]), Barrier(1)]
    assert one.events[-1] == Barrier(1)
