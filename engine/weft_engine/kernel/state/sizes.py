"""About how many bytes state takes."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

_ENTRY = 100
"""What a dict needs for an entry besides key and value, about."""
_UNKNOWN = 64
"""For what refuses to be measured."""
_DEEPEST = 3
_ITEMS = 16


def about_bytes(entries: int, sample: Iterable[tuple[Any, Any]]) -> int:
    """How many bytes a dict takes, judged by some of its entries."""
    sizes = [_guess(key) + _guess(value) + _ENTRY for key, value in sample]
    return int(sum(sizes) / len(sizes) * entries) if sizes else 0


def _guess(value: Any) -> int:
    try:
        return _of(value)
    except Exception:  # noqa: BLE001 - objects may do anything; a number of bytes is no reason to fail
        return _UNKNOWN


def _of(value: Any, depth: int = 0) -> int:
    own = sys.getsizeof(value)
    if depth == _DEEPEST:
        return own
    if isinstance(value, Mapping):
        inner = [_of(k, depth + 1) + _of(v, depth + 1) for k, v in _first(value.items())]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = [_of(item, depth + 1) for item in _first(value)]
    elif hasattr(value, "__dict__"):
        return own + _of(vars(value), depth + 1)
    else:
        return own
    return own + int(sum(inner) / len(inner) * len(value)) if inner else own


def _first(items: Iterable[Any]) -> list[Any]:
    return [item for item, _ in zip(items, range(_ITEMS), strict=False)]
