"""Keeps secrets out of stored events."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"
_SECRET: Final = re.compile(
    r"(?:^|[-_])o?auth(?:[-_]|$)|authori[sz]|authent|oauth|cookie|token|secret|passw|passphrase"
    r"|api[-_]?key|private[-_]?key|signature|session|credential|csrf|xsrf|jwt",
    re.IGNORECASE,
)
_SHORT: Final = frozenset({"sig", "key", "access_key", "x-key", "pwd", "hmac", "code"})
_LONGEST: Final = 4_000


def is_secret(name: str) -> bool:
    """Whether a header or parameter of that name may hold a secret."""
    return name.lower() in _SHORT or _SECRET.search(name) is not None


def headers(given: Iterable[tuple[str, str]], also: Iterable[str] = ()) -> dict[str, str]:
    """Headers by name in lower case, without the values of secret ones."""
    hidden = {name.lower() for name in also}
    found: dict[str, str] = {}
    for name, value in given:
        key = name.lower()
        if key in hidden or is_secret(key):
            found[key] = REDACTED
        elif key in found:
            found[key] = f"{found[key]}, {value}"[:_LONGEST]
        else:
            found[key] = value[:_LONGEST]
    return found


def query(given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Parameters by name, those given several times as lists, without the values of secrets."""
    found: dict[str, Any] = {}
    for name, value in given:
        shown = REDACTED if is_secret(name) else value
        if name not in found:
            found[name] = shown
        elif isinstance(found[name], list):
            found[name].append(shown)
        else:
            found[name] = [found[name], shown]
    return found


def header_names(settings: Mapping[str, Any]) -> list[str]:
    """The headers that a webhook's own settings make secret."""
    return [str(settings.get("signature_header") or "")]
