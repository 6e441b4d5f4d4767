"""Reaching into the settings of a node by a path of keys and indexes."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

Steps = Sequence[str | int]
Was = tuple[JsonValue] | None
"""The value that was there, in a tuple; None when there was none."""
Back = tuple[tuple[str | int, ...], Was]
"""How to take a change back: set a path to what was there, or unset it."""


class BadPathError(Exception):
    """A path leads nowhere."""


def get(settings: Mapping[str, JsonValue], path: Steps) -> Was:
    """The value at a path, or None."""
    here: Any = settings
    for step in path:
        key = _key(here, step)
        if (isinstance(here, Mapping) and key in here) or (
            isinstance(here, list) and isinstance(key, int) and key < len(here)
        ):
            here = here[key]
        else:
            return None
    return (here,)


def set_at(
    settings: Mapping[str, JsonValue], path: Steps, value: JsonValue
) -> tuple[dict[str, JsonValue], Back]:
    """The settings with a value set, and how to take that back.

    Objects on the way that are missing are made; the place after the last item of a list adds one.
    """
    found, back = _set(settings, tuple(path), value, ())
    return found, back


def _set(here: Any, path: Steps, value: JsonValue, done: tuple[str | int, ...]) -> tuple[Any, Back]:
    key, rest = _key(here, path[0]), path[1:]
    place = (*done, key)
    if isinstance(here, list):
        if not isinstance(key, int) or key > len(here):
            raise BadPathError(f"a list of {len(here)} has no place {key!r}")
        if key == len(here):
            return [*here, _made(rest, value)], (place, None)
        item, back = (
            (value, (place, (here[key],))) if not rest else _set(here[key], rest, value, place)
        )
        return [*here[:key], item, *here[key + 1 :]], back
    if not isinstance(here, Mapping):
        raise BadPathError("it leads into a value that holds no others")
    if key not in here:
        return {**here, key: _made(rest, value)}, (place, None)
    if not rest:
        return {**here, key: value}, (place, (here[key],))
    item, back = _set(here[key], rest, value, place)
    return {**here, key: item}, back


def _made(rest: Steps, value: JsonValue) -> JsonValue:
    """The value, in the objects and lists that the rest of a path asks for."""
    for step in reversed(rest):
        if isinstance(step, int) and step != 0:
            raise BadPathError(f"an empty list has no place {step}")
        value = [value] if isinstance(step, int) else {step: value}
    return value


def unset_at(settings: Mapping[str, JsonValue], path: Steps) -> tuple[dict[str, JsonValue], Back]:
    """The settings without the value at a path, and how to take that back."""
    found, back = _unset(settings, tuple(path), ())
    return found, back


def _unset(here: Any, path: Steps, done: tuple[str | int, ...]) -> tuple[Any, Back]:
    key, rest = _key(here, path[0]), path[1:]
    place = (*done, key)
    if rest:
        item, back = _unset(here[key], rest, place)
        if isinstance(here, list):
            return [*here[:key], item, *here[key + 1 :]], back
        return {**here, key: item}, back
    if isinstance(here, list):
        # Putting an item back in the middle of a list means putting the list back.
        return [*here[:key], *here[key + 1 :]], (done, (here,))
    return {name: item for name, item in here.items() if name != key}, (place, (here[key],))


def _key(here: Any, step: str | int) -> Any:
    """The step as this holder counts: `"0"` of a dotted path is the index 0 of a list."""
    if isinstance(here, list) and isinstance(step, str) and step.isdecimal():
        return int(step)
    return str(step) if isinstance(here, Mapping) else step
