"""Only who knows the token gets in, and nothing is read from anybody else."""

import socket
import threading

import pytest

from weft_engine.errors import KernelError, WeftError
from weft_engine.kernel.transport.handshake import (
    MAGIC,
    new_token,
    prove_connecting,
    prove_listening,
)


def shake(connecting: bytes, listening: bytes) -> list[WeftError | None]:
    left, right = socket.socketpair()
    results: dict[str, WeftError | None] = {}

    def side(name: str, sock: socket.socket, token: bytes) -> None:
        prove = prove_connecting if name == "connecting" else prove_listening
        with sock:
            try:
                prove(sock, token, f"the one {name}")
                results[name] = None
            except KernelError as error:
                results[name] = error

    other = threading.Thread(target=side, args=("listening", right, listening))
    other.start()
    side("connecting", left, connecting)
    other.join(30)
    return [results["connecting"], results["listening"]]


def test_both_know_the_token() -> None:
    token = new_token()
    assert shake(token, token) == [None, None]


def test_they_know_different_tokens() -> None:
    for error in shake(new_token(), new_token()):
        assert error is not None
        assert error.code == "kernel.handshake_failed"


def test_a_listener_that_does_not_know_the_token_learns_nothing_from_it() -> None:
    """Whoever connects checks first: a wrong listener is never told a proof."""
    left, right = socket.socketpair()
    with left, right:
        right.sendall(MAGIC + bytes(32) + bytes(32))
        with pytest.raises(KernelError, match="does not know the token"):
            prove_connecting(left, new_token(), "a stranger")
        left.close()
        received = b""
        while data := right.recv(1000):
            received += data
        assert len(received) == len(MAGIC) + 32


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n", b"short"])
def test_strangers_are_turned_away(said: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(said)
        left.shutdown(socket.SHUT_WR)
        with pytest.raises(KernelError, match="a stranger") as caught:
            prove_listening(right, new_token(), "a stranger")
        assert caught.value.code == "kernel.handshake_failed"


def test_a_recorded_proof_is_worth_nothing() -> None:
    token = new_token()
    recorded: list[bytes] = []
    left, right = socket.socketpair()
    with left, right:
        thread = threading.Thread(target=lambda: prove_connecting(left, token, "a"))
        relay, far = socket.socketpair()
        with relay, far:
            server = threading.Thread(target=lambda: prove_listening(far, token, "b"))
            thread.start()
            server.start()
            recorded.append(right.recv(1000))
            relay.sendall(recorded[0])
            right.sendall(relay.recv(1000))
            recorded.append(right.recv(1000))
            relay.sendall(recorded[1])
            right.sendall(relay.recv(1000))
            thread.join(30)
            server.join(30)
    left, right = socket.socketpair()
    with left, right:
        left.sendall(recorded[0] + recorded[1])
        with pytest.raises(KernelError, match="does not know the token"):
            prove_listening(right, token, "an echo")
