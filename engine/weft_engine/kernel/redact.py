"""Takes what looks like a secret out of a record before people look at it."""

import re
from collections.abc import Mapping
from typing import Any, Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS: Final = frozenset(
    {
        "auth",
        "authorization",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "key",
        "keys",
        "pass",
        "passwd",
        "passphrase",
        "password",
        "passwords",
        "pin",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
    }
)
_PLAIN_ALONE: Final = frozenset({"key", "keys"})
"""What data is called everywhere by one of these alone: of a table, of a group, of a record."""
_SECRET_PARTS: Final = ("password", "passwd", "passphrase", "secret", "token", "apikey", "密码")
_HIDDEN: Final = "•••"
_DEEPEST: Final = 4
_MOST: Final = 30


def is_secret(name: str) -> bool:
    """Whether a field of that name is likely to hold a secret."""
    lowered = name.lower()
    if any(part in lowered for part in _SECRET_PARTS):
        return True
    words = {word.lower() for word in _WORDS.findall(name) if not word.isdigit()}
    return not words.isdisjoint(_SECRET_WORDS) and not words <= _PLAIN_ALONE


def redacted(value: Any, depth: int = 0) -> Any:
    """A copy without secrets, no deeper and longer than anybody would read."""
    if isinstance(value, Mapping):
        if depth >= _DEEPEST:
            return "…"
        return {
            key: _HIDDEN
            if isinstance(key, str) and item is not None and is_secret(key)
            else redacted(item, depth + 1)
            for key, item in _first(value.items())
        }
    if isinstance(value, list | tuple):
        return [redacted(item, depth + 1) for item in _first(value)] if depth < _DEEPEST else "…"
    return value


def _first(items: Any) -> list[Any]:
    return [item for item, _ in zip(items, range(_MOST), strict=False)]
