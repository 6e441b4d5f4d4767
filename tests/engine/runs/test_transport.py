"""The parts between the server and its runs: frames, turns, events sent together."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import KernelError
from weft_engine.runs import protocol
from weft_engine.runs.events import RunEvent
from weft_engine.runs.outbox import FRAME_BYTES, Outbox, pack
from weft_engine.runs.protocol import Cancel, FrameReader, Ping, Run
from weft_engine.runs.run import RunRequest


def event(run: str, seq: int, text: str = "") -> RunEvent:
    return RunEvent(seq=seq, at="", type="log", run=run, data={"message": text})


@given(
    bodies=st.lists(st.text(max_size=50), max_size=10),
    cuts=st.lists(st.integers(1, 20), min_size=1, max_size=60),
)
def test_frames_survive_any_cut(bodies: list[str], cuts: list[int]) -> None:
    sent = [protocol.encode(Cancel(body)) for body in bodies]
    data, reader, got = b"".join(sent), FrameReader(), []
    for cut in cuts:
        got += reader.feed(data[:cut])
        data = data[cut:]
    got += reader.feed(data)
    assert [protocol.decode_request(body) for body in got] == [Cancel(body) for body in bodies]


def test_requests_come_through_whole() -> None:
    request = RunRequest(
        run_id="r", flow={"name": "x"}, inputs={"a": [1]}, allow_hosts=("h:1",), tenant="t"
    )
    for message in (Run(request), Cancel("r"), Ping(7)):
        assert protocol.decode_request(protocol.encode(message)[protocol.HEADER :]) == message


def test_a_frame_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(KernelError):
        FrameReader().feed((protocol.MAX_FRAME + 1).to_bytes(4, "big"))


# Events


def test_events_are_sent_in_order_and_together() -> None:
    here, there = socket.socketpair()
    with here, there:
        box = Outbox(here)
        sent = [event("r", number) for number in range(1, 501)]
        for each in sent:
            box.event(each)
        reader, got, frames = FrameReader(), [], 0
        while len(got) < len(sent):
            for body in reader.feed(there.recv(65536)):
                push = protocol.decode_push(body)
                assert isinstance(push, protocol.Events)
                got += push.events
                frames += 1
        box.close()
    assert got == sent
    assert frames <= len(sent)


def test_long_events_do_not_make_long_frames() -> None:
    each = FRAME_BYTES // 10
    frames = pack([b"x" * each] * 50)
    assert max(map(len, frames)) < FRAME_BYTES + 2 * each
    assert len(frames) == 5


def test_a_listener_that_left_holds_nobody_up() -> None:
    here, there = socket.socketpair()
    with here:
        box = Outbox(here)
        there.close()
        for number in range(1000):
            box.event(event("r", number, "x" * 1000))
        box.close()
