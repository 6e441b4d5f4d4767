"""The bus between server modules."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from weft_server.events import Bus


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


def test_readers_get_what_comes_after_they_subscribed() -> None:
    async def scene() -> None:
        bus = Bus()
        bus.publish("flow:1", {"n": 0})
        first, second = bus.subscribe("flow:1"), bus.subscribe("flow:1")
        other = bus.subscribe("flow:2")
        bus.publish("flow:1", {"n": 1})
        bus.publish("flow:1", {"n": 2})
        for reader in (first, second):
            assert [await anext(reader), await anext(reader)] == [{"n": 1}, {"n": 2}]
        other.close()
        assert [event async for event in other] == []

    run(scene)


def test_publishing_from_a_thread_reaches_the_loop() -> None:
    async def scene() -> None:
        bus = Bus()
        with bus.subscribe("x") as reader:
            await asyncio.to_thread(bus.publish, "x", {"n": 1})
            assert await anext(reader) == {"n": 1}

    run(scene)


def test_closing_ends_a_waiting_reader() -> None:
    async def scene() -> None:
        bus = Bus()
        reader = bus.subscribe("x")
        waiting = asyncio.ensure_future(anext(reader, None))
        await asyncio.sleep(0)
        reader.close()
        assert await waiting is None
        bus.publish("x", {"n": 1})

    run(scene)


def test_a_slow_reader_loses_the_oldest_and_is_told() -> None:
    async def scene() -> None:
        bus = Bus()
        reader = bus.subscribe("x", size=2)
        for number in range(5):
            bus.publish("x", {"n": number})
        assert [await anext(reader), await anext(reader)] == [{"n": 3}, {"n": 4}]
        assert reader.lost == 3

    run(scene)


@pytest.mark.parametrize("started", [False, True], ids=["before", "after"])
def test_publishing_to_nobody_is_nothing(started: bool) -> None:
    bus = Bus()
    if started:
        loop = asyncio.new_event_loop()
        bus.attach(loop)
        loop.close()
    bus.publish("x", {})
