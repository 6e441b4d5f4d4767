"""A connection to the engine's process whose other side is gone."""

import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

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
