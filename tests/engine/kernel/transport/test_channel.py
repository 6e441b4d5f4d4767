"""Channels between two exchanges: order, bounds, merging, errors, ends."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import WeftError
from weft_engine.kernel.batch import Barrier, Batch, End, Event, Idle, Watermark
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.transport import frames, sender
from weft_engine.kernel.transport.exchange import Events, Exchange
from weft_engine.kernel.transport.handshake import new_token
from weft_engine.kernel.transport.sender import RemoteChannel

TIMEOUT = 60.0


@dataclass
class Pair:
    """Two exchanges, the first of which sends to the second's gate."""

    left: Exchange
    right: Exchange
    gate: Gate
    channels: list[RemoteChannel]
    troubles: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: threading.Event = field(default_factory=threading.Event)

    def take(self) -> tuple[int, Event]:
        """The next event that comes out; waiting for it."""
        found = self.gate.next(TIMEOUT)
        assert found is not None, "nothing came"
        return found


@contextlib.contextmanager
def pair(settings: Settings, at: Any, channels: int = 1) -> Iterator[Pair]:
    token, found = new_token(), []
    made: list[Pair] = []

    def events(name: str) -> Events:
        def note(kind: str, detail: str) -> None:
            found.append((name, kind, detail))
            for one in made:
                one.trouble.set()

        return Events(
            lambda peer, reason: note("lost", f"{peer}: {reason}"),
            lambda error: note("failed", getattr(error, "code", str(error))),
        )

    left = Exchange("left", token, settings, events("left"))
    right = Exchange("right", token, settings, events("right"))
    gate = Gate([0] * channels, settings)
    for number in range(channels):
        right.receive(number, gate, number)
    try:
        left.connect({"right": right.listen(at)})
        ends = [left.channel(number, "right") for number in range(channels)]
        made.append(Pair(left, right, gate, ends, found))
        yield made[0]
    finally:
        left.close()
        right.close()


@pytest.fixture(params=["unix", "tcp"])
def at(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "tcp":
        yield ("127.0.0.1", 0)
        return
    # Paths of sockets have to be short, which those of temporary folders need not be.
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as folder:
        yield f"{folder}/s"


EVENTS = st.lists(
    st.one_of(
        st.lists(st.tuples(st.integers(), st.integers(0, 99)), min_size=1, max_size=30).map(
            lambda pairs: Batch([a for a, _ in pairs], [b for _, b in pairs], [a for a, _ in pairs])
        ),
        st.integers(-(2**63), 2**63 - 1).map(Watermark),
        st.builds(Barrier, st.integers(1, 9)),
        st.just(Idle()),
    ),
    max_size=30,
)


def flat(events: list[Event]) -> list[Any]:
    """What events say, however records were cut into batches and watermarks were merged."""
    result: list[Any] = []
    for event in events:
        if isinstance(event, Batch):
            result += zip(event.values, event.times or [], event.keys or [], strict=True)
        elif isinstance(event, Watermark | Idle):
            while result and isinstance(result[-1], Watermark | Idle):
                result.pop()
            result.append(event)
        else:
            result.append(event)
    return result


@given(EVENTS, st.integers(1, 40), st.integers(1, 40))
def test_what_is_put_comes_out_in_order(
    events: list[Event], queue_records: int, batch_size: int
) -> None:
    settings = Settings(queue_records=queue_records, batch_size=batch_size)
    with pair(settings, ("127.0.0.1", 0)) as two:

        def put() -> None:
            for event in (*events, End()):
                two.channels[0].put(event)

        thread = threading.Thread(target=put)
        thread.start()
        found: list[Event] = []
        while True:
            _, event = two.take()
            if isinstance(event, End):
                break
            found.append(event)
        thread.join(TIMEOUT)
        assert flat(found) == flat(events)
        assert two.troubles == []


def test_many_channels_share_a_connection(at: Any) -> None:
    count, records = 200, 300
    with pair(Settings(queue_records=64, batch_size=16), at, count) as two:

        def put(number: int) -> None:
            for start in range(0, records, 10):
                two.channels[number].put(Batch([number * 1000 + start + i for i in range(10)]))
            two.channels[number].put(End())

        threads = [threading.Thread(target=put, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        found: dict[int, list[int]] = {number: [] for number in range(count)}
        ends = 0
        while ends < count:
            number, event = two.take()
            if isinstance(event, Batch):
                found[number] += event.values
            else:
                ends += 1
        for thread in threads:
            thread.join(TIMEOUT)
        for number, values in found.items():
            assert values == list(range(number * 1000, number * 1000 + records))


def test_a_sender_waits_when_nobody_takes(at: Any) -> None:
    """What is under way is bounded, however much there is to send."""
    settings = Settings(queue_records=100, batch_size=10)
    with pair(settings, at) as two:
        put: list[int] = []

        def work() -> None:
            for number in range(10_000):
                two.channels[0].put(Batch([number]))
                put.append(number)

        thread = threading.Thread(target=work)
        thread.start()
        found: list[int] = []
        while len(found) < 10_000:
            # Sent and not taken: a window, a batch more than it, and what is about to be put.
            assert len(put) - len(found) <= 100 + 10 + 10 + 1
            _, event = two.take()
            assert isinstance(event, Batch)
            found += event.values
        thread.join(TIMEOUT)
        assert found == list(range(10_000))


def test_a_long_list_goes_in_pieces_to_a_receiver_that_takes_long(at: Any) -> None:
    with pair(Settings(), at) as two:
        for _ in range(20):
            two.gate.adapt(1_000_000_000, 1)

        def work() -> None:
            two.channels[0].put(Batch(list(range(500))))
            two.channels[0].put(End())

        thread = threading.Thread(target=work)
        thread.start()
        found: list[int] = []
        while True:
            assert two.gate.records <= 16
            _, event = two.take()
            if isinstance(event, End):
                break
            assert isinstance(event, Batch)
            found += event.values
        thread.join(TIMEOUT)
        assert found == list(range(500))


def test_a_blocked_channel_does_not_hold_up_its_neighbour(at: Any) -> None:
    """As while a barrier is aligned: one channel is not read, and the other goes on."""
    with pair(Settings(queue_records=50, batch_size=10), at, 2) as two:
        two.gate.block(0)
        blocked = threading.Thread(
            target=lambda: [two.channels[0].put(Batch([n])) for n in range(1000)]
        )
        blocked.start()
        free = threading.Thread(
            target=lambda: [two.channels[1].put(Batch([n])) for n in range(1000)]
        )
        free.start()
        found: list[int] = []
        while len(found) < 1000:
            number, event = two.take()
            assert number == 1
            assert isinstance(event, Batch)
            found += event.values
        assert blocked.is_alive()
        two.gate.unblock(0)
        found = []
        while len(found) < 1000:
            number, event = two.take()
            assert isinstance(event, Batch)
            found += event.values
        assert found == list(range(1000))
        blocked.join(TIMEOUT)
        free.join(TIMEOUT)


def test_large_records_pass_one_by_one(at: Any) -> None:
    """Records of 10 MB through a channel of 16 MB, and all of them arrive."""
    with pair(Settings(), at) as two:

        def work() -> None:
            for number in range(8):
                two.channels[0].put(Batch([bytes([number]) * 10_000_000]))
            two.channels[0].put(End())

        thread = threading.Thread(target=work)
        thread.start()
        sizes: list[tuple[int, int]] = []
        while True:
            assert two.gate.records <= 3
            _, event = two.take()
            if isinstance(event, End):
                break
            assert isinstance(event, Batch)
            sizes += [(value[0], len(value)) for value in event.values]
        thread.join(TIMEOUT)
        assert sizes == [(number, 10_000_000) for number in range(8)]


def test_a_frame_that_is_too_long_is_split(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MAX_FRAME", 10_000)
    with pair(Settings(), at) as two:
        values = [str(number) * 100 for number in range(1000)]
        two.channels[0].put(Batch(values, list(range(1000)), values))
        found = Batch([], [], [])
        while len(found) < 1000:
            _, event = two.take()
            assert isinstance(event, Batch)
            found.values += event.values
            found.times += event.times or []  # type: ignore[operator]
            found.keys += event.keys or []  # type: ignore[operator]
        assert found == Batch(values, list(range(1000)), values)


def test_a_record_that_is_too_big_is_refused(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MAX_FRAME", 10_000)
    with pair(Settings(), at) as two:
        with pytest.raises(WeftError, match=r"\(bytes\) of 200\d\d bytes") as caught:
            two.channels[0].put(Batch([b"", bytes(20_000)]))
        assert caught.value.code == "kernel.record_too_big"


def test_a_record_that_cannot_be_sent_is_named(at: Any) -> None:
    with pair(Settings(), at) as two:
        with pytest.raises(WeftError, match="A generator cannot be sent") as caught:
            two.channels[0].put(Batch([1, (n for n in [1])]))
        assert caught.value.code == "kernel.unpicklable"


class Touchy:
    """Cannot be read where it arrives."""

    def __reduce__(self) -> Any:
        return (int, ("not a number",))


def test_a_record_that_cannot_be_read_ends_the_attempt(at: Any) -> None:
    with pair(Settings(), at) as two:
        two.channels[0].put(Batch([Touchy()]))
        assert two.trouble.wait(TIMEOUT)
        assert two.troubles[0] == ("right", "failed", "kernel.worker_import")


def test_a_lambda_and_a_local_class_travel(at: Any) -> None:
    @dataclass
    class Local:
        number: int

    with pair(Settings(), at) as two:
        two.channels[0].put(Batch([Local(3), lambda x: x + 1]))
        _, event = two.take()
        assert isinstance(event, Batch)
        assert event.values[0] == Local(3)
        assert event.values[1](1) == 2


def test_a_lost_connection_is_noticed_at_both_ends(at: Any) -> None:
    with pair(Settings(queue_records=10, batch_size=5), at) as two:
        stopped = threading.Event()

        def work() -> None:
            try:
                while True:
                    two.channels[0].put(Batch([1]))
            except Stopped:
                stopped.set()

        thread = threading.Thread(target=work)
        thread.start()
        two.take()
        two.right.close()
        assert two.trouble.wait(TIMEOUT)
        assert two.troubles[0][:2] == ("left", "lost")
        assert two.troubles[0][2].startswith("right: ")
        two.left.cancel()
        assert stopped.wait(TIMEOUT)
        thread.join(TIMEOUT)


def test_cancelling_lets_senders_go(at: Any) -> None:
    with pair(Settings(queue_records=1, batch_size=1), at) as two:
        result: list[str] = []

        def work() -> None:
            try:
                while True:
                    two.channels[0].put(Batch([1]))
            except Stopped:
                result.append("stopped")

        thread = threading.Thread(target=work)
        thread.start()
        two.left.cancel()
        thread.join(TIMEOUT)
        assert result == ["stopped"]
        with pytest.raises(Stopped):
            two.channels[0].put(Watermark(1))


def test_strangers_do_not_disturb(at: Any) -> None:
    with pair(Settings(), at) as two:
        listener = two.right._listener
        assert listener is not None
        with socket.socket(listener.family, socket.SOCK_STREAM) as stranger:
            stranger.connect(listener.getsockname())
            stranger.sendall(frames.pack(frames.Kind.DATA, 0, 4) + b"evil" + bytes(100))
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(1) == b""
        two.channels[0].put(Batch([1]))
        assert two.take() == (0, Batch([1]))
        assert two.troubles == []


def test_a_receiver_that_wants_nothing_more_lets_senders_go(at: Any) -> None:
    """Also those that have sent nothing yet, and those that wait for room."""
    with pair(Settings(queue_records=4, batch_size=2), at, channels=2) as two:
        told = [threading.Event(), threading.Event()]
        for channel, event in zip(two.channels, told, strict=True):
            channel.when_closed(event.set)
        gone = threading.Event()

        def work() -> None:
            while not told[0].is_set():
                two.channels[0].put(Batch([1]))
            two.channels[0].put(Barrier(1))
            gone.set()

        thread = threading.Thread(target=work)
        thread.start()
        two.take()
        two.gate.close()
        assert all(event.wait(TIMEOUT) for event in told)
        assert gone.wait(TIMEOUT)
        thread.join(TIMEOUT)
        assert all(channel.room() for channel in two.channels)
        assert two.gate.next(0) is None
        assert two.troubles == []
