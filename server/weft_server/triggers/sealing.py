"""Secrets at rest: encrypted with a key that lies beside the database, not in it.

AES-256-GCM. What is sealed is bound to what it belongs to, so that rows cannot change places.
"""

import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from weft_server.errors import StorageError

_BYTES: Final = 32
_NONCE: Final = 12


class SealError(Exception):
    """What was sealed cannot be opened: it was changed, or the key is another."""


class Seal:
    """Encrypts with one key."""

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes."""
        self._cipher = AESGCM(key)
        self.id = hashlib.sha256(b"weft seal" + key).hexdigest()[:16]
        """Names the key, and tells nothing of it."""

    def close(self, text: str, of: str) -> str:
        """Encrypt a text that belongs to `of`."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, text.encode(), of.encode())
        return b64encode(nonce + sealed).decode()

    def open(self, sealed: str, of: str) -> str:
        """The text again.

        Raises:
            SealError: it cannot be had.
        """
        try:
            data = b64decode(sealed, validate=True)
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], of.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError(of) from error


def load(path: Path) -> Seal:
    """The key of a file; made when it is not there.

    Raises:
        StorageError: `storage.bad_key`, the file holds no key.
    """
    with suppress(FileExistsError):
        _make(path)
    data = path.read_bytes()
    if len(data) != _BYTES:
        raise StorageError(
            f"{path} is no key: {_BYTES} bytes are expected, and it has {len(data)}.",
            code="storage.bad_key",
            hint="Bring the file back from a backup. Without it, take it away: a new one is made, "
            "and the secrets of webhooks have to be set again.",
        )
    return Seal(data)


def _make(path: Path) -> None:
    """Write a new key, whole or not at all, unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)  # fails where another server was faster
    except FileExistsError:
        raise
    except OSError:  # there are file systems without links
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)
