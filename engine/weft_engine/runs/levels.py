"""Where a row of a run lies: the containers around its node, and the rounds of these."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

ATTEMPT: Final = re.compile(r"~\d+")
"""The number of a container's attempt, behind the scopes that it opens."""


class Level(msgspec.Struct, frozen=True):
    """What of a row's scope belongs to one level of its path."""

    path: str
    """The container, or the row's own node."""
    scope: str
    """Where that was activated."""
    inner: str | None
    """The round of the container; None for the row's own node."""
    section: bool = False
    """Whether it is in another section than the body."""


def levels(path: str, scope: str) -> Iterator[Level]:
    """The containers around a row with their scopes, the outermost first, and its own node."""
    names, rounds = path.split("/"), round_of(scope).split("/") if round_of(scope) else []
    for depth, name in enumerate(rounds):
        node, _, key = name.partition(":")
        inner = ATTEMPT.sub("", key)
        yield Level("/".join(names[: depth + 1]), "/".join(rounds[:depth]), inner, "@" in node)
    yield Level(path, "/".join(rounds), None)


def later_rounds(path: str, scope: str) -> set[str]:
    """The containers around that are in another round than their first."""
    return {level.path for level in levels(path, scope) if level.inner not in (None, "0")}


def round_of(scope: str) -> str:
    """A scope without the number of a record: `loop:3#17` is in `loop:3`."""
    return scope.partition("#")[0]


def around(path: str) -> Iterator[str]:
    """A node and the containers around it, the nearest first."""
    names = path.split("/")
    return ("/".join(names[:length]) for length in range(len(names), 0, -1))
