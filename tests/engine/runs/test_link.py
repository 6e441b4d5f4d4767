"""A connection to the engine's process: its other side gone, or saying what nobody understands."""

import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

from weft_engine.runs import protocol
from weft_engine.runs.events import RunEvent
from weft_engine.runs.link import Link

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
if sys.platform != "win32":
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


@pytest.mark.parametrize("make", LOOPS, ids=lambda make: make.__module__.partition(".")[0])
def test_what_is_written_to_an_engine_that_is_gone_is_lost_quietly(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def work() -> None:
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: Link(lambda push: None), sock=here)
        link.write(b"heard")
        assert await loop.run_in_executor(None, there.recv, 5) == b"heard"
        there.close()
        await link.closed.wait()
        link.write(b"lost")
        link.close()
        link.write(b"lost")

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(work())


def event(seq: int, **data: object) -> RunEvent:
    return RunEvent(seq=seq, at="now", type="log", run="r", node=None, data=data)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(protocol.HEADER, "big") + body


def test_of_events_that_cannot_all_be_read_the_others_are_heard() -> None:
    heard: list[protocol.Push] = []
    link = Link(heard.append)
    good = protocol.encode(protocol.Events([event(1), event(3)]))
    bad = good[protocol.HEADER :].replace(b'"events":[', b'"events":[{"seq":"two"},', 1)
    link.data_received(framed(bad) + protocol.encode(protocol.Pong(5)))
    assert heard == [protocol.Events([event(1), event(3)]), protocol.Pong(5)]


def test_a_listener_that_fails_does_not_end_the_connection() -> None:
    heard: list[protocol.Push] = []

    def listen(push: protocol.Push) -> None:
        heard.append(push)
        if len(heard) == 1:
            raise ValueError("a mistake")

    link = Link(listen)
    link.data_received(protocol.encode(protocol.Pong(1)) + protocol.encode(protocol.Pong(2)))
    assert heard == [protocol.Pong(1), protocol.Pong(2)]


@pytest.mark.parametrize("body", [b"abc", b'{"op":"dance"}', b'{"op":"events","events":[{}]}'])
def test_what_cannot_be_read_at_all_ends_the_connection(body: bytes) -> None:
    async def work() -> None:
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        heard: list[protocol.Push] = []
        _, link = await loop.create_connection(lambda: Link(heard.append), sock=here)
        await loop.run_in_executor(None, there.sendall, framed(body))
        await link.closed.wait()
        there.close()
        assert heard == []

    asyncio.run(work())
