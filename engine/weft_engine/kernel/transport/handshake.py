"""Both ends of a connection prove that they know its token, before anything else is read.

    connecting                      listening
    magic, nonce a          ─►
                            ◄─      magic, nonce b, HMAC(token, "l" a b)
    HMAC(token, "c" a b)    ─►
                            ◄─      "ok"

A fixed number of plain bytes each, so that nothing is parsed, and above all nothing is unpickled,
that comes from somebody who does not know the token. The token itself never travels here.
"""

import hashlib
import hmac
import secrets
import socket
from typing import Final

from weft_engine.errors import KernelError

MAGIC: Final = b"WEFT\x00\x01"
"""The name and version of the protocol."""
TIMEOUT_S: Final = 20.0
_NONCE: Final = 32
_DIGEST: Final = 32
_OK: Final = b"ok"


def new_token() -> bytes:
    """A token that nobody guesses."""
    return secrets.token_bytes(32)


def prove_connecting(connection: socket.socket, token: bytes, peer: str) -> None:
    """Do the handshake as the one who has connected.

    Raises:
        KernelError: `kernel.handshake_failed`.
    """
    try:
        connection.settimeout(TIMEOUT_S)
        mine = secrets.token_bytes(_NONCE)
        connection.sendall(MAGIC + mine)
        answer = _exactly(connection, len(MAGIC) + _NONCE + _DIGEST)
        _same_protocol(answer, peer)
        theirs = answer[len(MAGIC) : len(MAGIC) + _NONCE]
        if not hmac.compare_digest(answer[-_DIGEST:], _proof(token, b"l", mine, theirs)):
            raise _failed(peer, "it does not know the token")
        connection.sendall(_proof(token, b"c", mine, theirs))
        if _exactly(connection, len(_OK)) != _OK:
            raise _failed(peer, "it answered something unexpected")
        connection.settimeout(None)
    except OSError as error:
        raise _failed(peer, str(error) or type(error).__name__) from error


def prove_listening(connection: socket.socket, token: bytes, peer: str) -> None:
    """Do the handshake as the one who was connected to.

    Raises:
        KernelError: `kernel.handshake_failed`.
    """
    try:
        connection.settimeout(TIMEOUT_S)
        hello = _exactly(connection, len(MAGIC) + _NONCE)
        _same_protocol(hello, peer)
        theirs, mine = hello[len(MAGIC) :], secrets.token_bytes(_NONCE)
        connection.sendall(MAGIC + mine + _proof(token, b"l", theirs, mine))
        proof = _exactly(connection, _DIGEST)
        if not hmac.compare_digest(proof, _proof(token, b"c", theirs, mine)):
            raise _failed(peer, "it does not know the token")
        connection.sendall(_OK)
        connection.settimeout(None)
    except OSError as error:
        raise _failed(peer, str(error) or type(error).__name__) from error


def _proof(token: bytes, side: bytes, connecting: bytes, listening: bytes) -> bytes:
    return hmac.digest(token, side + MAGIC + connecting + listening, hashlib.sha256)


def _same_protocol(data: bytes, peer: str) -> None:
    if data[: len(MAGIC)] != MAGIC:
        raise _failed(peer, "it speaks another protocol, or another version of it")


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionResetError("it closed the connection")
        data += more
    return data


def _failed(peer: str, detail: str) -> KernelError:
    return KernelError(
        f"The handshake with {peer} failed: {detail}.",
        code="kernel.handshake_failed",
        hint="Let nothing else talk to the ports of a job, and run one version of Weft everywhere.",
        params={"peer": peer, "detail": detail},
        retryable=True,
    )
