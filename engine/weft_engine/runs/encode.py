"""Any value as JSON, for keeping and looking at."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel

_DEEPEST: Final = 100
_LONGEST_REPR: Final = 500


def _plain(value: Any) -> Any:
    """What msgspec does not know."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or isinstance(value, bool | tuple | frozenset):
        return str(value)  # as values they are known, so this one is a key
    return f"<{type(value).__qualname__}: {repr(value)[:_LONGEST_REPR]}>"


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")


def encode(value: Any) -> bytes:
    """A value as JSON; what JSON has no form for becomes a text."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _encoder.encode(_cleaned(value, 0))


def _cleaned(value: Any, depth: int) -> Any:
    """A value in which everything has a form in JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {_cleaned(str(key), depth): _cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item, depth + 1) for item in value]
    try:
        _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _cleaned(_plain(value), depth + 1) if depth < _DEEPEST else "…"
    return value
