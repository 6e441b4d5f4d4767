"""The parts between the server and its runs: frames, turns, events sent together."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import KernelError
from weft_engine.runs import protocol
from weft_engine.runs.events import RunEvent
from weft_engine.runs.outbox import FRAME_BYTES, Outbox, pack
from weft_engine.runs.protocol import Cancel, FrameReader, Ping, Run
from weft_engine.runs.queue import FairQueue, Job
from weft_engine.runs.run import RunRequest


def job(name: str, tenant: str = "") -> Job:
    return Job(RunRequest(run_id=name, flow={}, tenant=tenant))


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


# Turns


def test_tenants_take_turns() -> None:
    queue = FairQueue()
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        queue.put(job(name, name[0]))
    taken = [queue.take() for _ in range(6)]
    assert [each.request.run_id for each in taken if each] == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_waiting_run_can_be_taken_out() -> None:
    queue = FairQueue()
    queue.put(job("a1", "a"))
    queue.put(job("a2", "a"))
    removed = queue.remove("a1")
    assert removed is not None
    assert queue.remove("a1") is None
    rest = queue.take()
    assert rest is not None
    assert (rest.request.run_id, len(queue)) == ("a2", 0)


def test_a_full_queue_takes_no_more() -> None:
    queue = FairQueue(limit=2)
    assert [queue.put(job(str(n))) for n in range(3)] == [1, 2, None]


def test_a_free_worker_means_no_waiting() -> None:
    queue = FairQueue()
    got: list[str] = []
    started, done = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        found = queue.take()
        got.append(found.request.run_id if found else "")
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    started.wait(10)
    while not queue._idle:
        threading.Event().wait(0.001)
    assert queue.put(job("a")) == 0
    assert done.wait(10)
    worker.join()
    assert got == ["a"]


def test_a_closed_queue_lets_everybody_go() -> None:
    queue = FairQueue()
    workers = [threading.Thread(target=queue.take) for _ in range(3)]
    for worker in workers:
        worker.start()
    queue.close()
    for worker in workers:
        worker.join(10)
        assert not worker.is_alive()


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
    frames = pack([b"x" * 100_000] * 50)
    assert max(map(len, frames)) < FRAME_BYTES + 200_000
    assert len(frames) == 5


def test_a_listener_that_left_holds_nobody_up() -> None:
    here, there = socket.socketpair()
    with here:
        box = Outbox(here)
        there.close()
        for number in range(1000):
            box.event(event("r", number, "x" * 1000))
        box.close()
