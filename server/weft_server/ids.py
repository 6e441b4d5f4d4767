"""Identifiers: text ULIDs with a prefix that says what they name."""

import secrets
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """A new identifier such as ``flw_01J9…``; later ones sort after earlier ones."""
    return f"{prefix}_{_encode(_next_value())}"


def _next_value() -> int:
    global _last
    fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    with _lock:
        # Within one millisecond, or after the clock went back, order comes from counting on.
        same_tick = fresh >> _RANDOM_BITS <= _last >> _RANDOM_BITS
        _last = _last + 1 + secrets.randbits(32) if same_tick else fresh
        return _last


def _encode(value: int) -> str:
    digits = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
