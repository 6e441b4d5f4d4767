"""Frames arrive whole whatever the socket does to them, and nonsense closes the connection."""

import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import KernelError
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.frames import HEADER, FrameReader, Kind, pack

FRAMES = st.lists(
    st.tuples(
        st.sampled_from([Kind.CONTROL, Kind.DATA, Kind.CREDIT]),
        st.integers(0, 2**32 - 1),
        st.one_of(
            st.binary(max_size=40),
            st.integers(60_000, 70_000).map(bytes),
            st.integers(250_000, 600_000).map(bytes),
        ),
    ),
    max_size=6,
)


class Pieces:
    """A socket that gives what it has in the pieces that it is told to."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.data = data
        self.sizes = sizes
        self.turn = 0

    def recv_into(self, view: memoryview) -> int:
        assert len(view) > 0, "asked for nothing, which would look like the end"
        size = self.sizes[self.turn % len(self.sizes)]
        self.turn += 1
        piece = self.data[: min(size, len(view))]
        self.data = self.data[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


def exhaust(reader: FrameReader, source: socket.socket) -> None:
    while reader.receive(source, lambda *_: None):
        pass


@given(FRAMES, st.lists(st.one_of(st.integers(1, 30), st.just(10**6)), min_size=1, max_size=5))
def test_frames_arrive_as_they_were_sent(
    frames: list[tuple[Kind, int, bytes]], sizes: list[int]
) -> None:
    data = b"".join(pack(kind, channel, len(body)) + body for kind, channel, body in frames)
    if len(data) > 10_000:
        sizes = [size * 5000 for size in sizes]
    source = Pieces(data, sizes)
    reader = FrameReader("a test")
    found: list[tuple[int, int, bytes]] = []
    while reader.receive(
        source, lambda kind, channel, body: found.append((kind, channel, bytes(body)))
    ):  # type: ignore[arg-type]
        pass
    assert found == [(kind.value, channel, body) for kind, channel, body in frames]


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (HEADER.pack(3, 0, 99) + b"abc", "kind 99"),
        (HEADER.pack(1001, 0, Kind.DATA), "1001 bytes"),
        (b"GET / HTTP/1.1\r\n\r\n", "kind"),
        (HEADER.pack(10, 0, Kind.DATA) + b"half", "middle of a frame"),
        (HEADER.pack(10, 0, Kind.DATA)[:5], "middle of a frame"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, detail: str) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(data)
        left.shutdown(socket.SHUT_WR)
        reader = FrameReader("somebody", limit=1000)
        with pytest.raises(KernelError, match=detail) as caught:
            exhaust(reader, right)
        assert caught.value.code == "kernel.frame_malformed"
        assert "somebody" in caught.value.message


def test_a_large_frame_that_is_cut_off_is_refused() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(struct.pack("<IIB", 200_000, 0, Kind.DATA) + bytes(10))
        left.shutdown(socket.SHUT_WR)
        reader = FrameReader("somebody")
        with pytest.raises(KernelError, match="middle of a frame"):
            exhaust(reader, right)


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 70_000])
def test_a_connection_sends_what_its_peer_receives(size: int) -> None:
    left, right = socket.socketpair()
    one, other = Connection(left, "right"), Connection(right, "left")
    body = bytes(range(256)) * (size // 256 + 1)
    found: list[bytes] = []
    one.send(Kind.DATA, 7, body[:size])
    while not found:
        assert other.receive(lambda kind, channel, view: found.append(bytes(view)))
    assert found == [body[:size]]
    one.close()
    assert not other.receive(lambda *_: None)
    other.close()


def test_a_ping_never_waits() -> None:
    """Neither for a socket that is full, nor for a thread that is writing."""
    left, right = socket.socketpair()
    one, other = Connection(left, "right"), Connection(right, "left")
    assert one.send_if_free(Kind.CONTROL, 0, b"ping")
    writer = threading.Thread(target=lambda: one.send(Kind.DATA, 0, bytes(10_000_000)))
    writer.start()
    while one.send_if_free(Kind.CONTROL, 0, b"ping"):
        pass
    found: list[tuple[int, int]] = []
    while (Kind.DATA, 10_000_000) not in found:
        other.receive(lambda kind, _, body: found.append((kind, len(body))))
    assert set(found) <= {(Kind.CONTROL, 4), (Kind.DATA, 10_000_000)}
    writer.join(60)
    one.close()
    other.close()
