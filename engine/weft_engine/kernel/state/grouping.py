"""Finds the key groups of many keys, and remembers them from one whole snapshot to the next."""

from array import array
from collections.abc import Callable, Iterable
from operator import is_
from typing import Any

from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.state.hashing import key_groups_of

Groups = Callable[[Iterable[Any]], list[int]]


def group_finder(spec: StateSpec, key_groups: int) -> Groups:
    """What finds the key groups of a table's keys."""
    if spec.namespaced:
        return lambda keys: key_groups_of((key[0] for key in keys), key_groups)
    return lambda keys: key_groups_of(keys, key_groups)


class KnownGroups:
    """The key groups of all keys of a table, in the order in which the table has them.

    To hash a key costs several times as much as to write it. A dict keeps its order for as long as
    nothing is taken out of it, so mostly the keys are those of the last time, and some behind them.
    They take ten bytes each. Where most were others, as with keys that come and go, nothing is
    kept until the time after the next.
    """

    def __init__(self) -> None:
        self._last: tuple[list[Any], array[int]] = ([], array("L"))

    def reader(self, find: Groups) -> "GroupReader":
        """Finds the groups of all keys once more."""
        return GroupReader(self, find, *self._last)

    def replace(self, keys: list[Any], groups: "array[int]") -> list[Any]:
        """Remember other keys; those that were remembered before."""
        before, self._last = self._last, (keys, groups)
        return before[0]


class GroupReader:
    """Goes through all keys of a table, in their order; see `KnownGroups`."""

    def __init__(
        self, known: KnownGroups, find: Groups, keys: list[Any], groups: "array[int]"
    ) -> None:
        self._known = known
        self._find = find
        self._before = keys
        self._groups_before = groups
        self._groups = array("L")
        self._met = 0

    def groups_of(self, keys: list[Any]) -> list[int]:
        """The groups of the keys that come next."""
        at, before = len(self._groups), self._before
        after = at + len(keys)
        same = len(before) >= after and all(map(is_, before[at:after], keys))
        found = self._groups_before[at:after].tolist() if same else self._find(keys)
        self._groups.extend(found)
        self._met += same and len(keys)
        return found

    def done(self, keys: list[Any]) -> list[list[Any]]:
        """These were all keys; gives lists that are not needed any more, for they may be long."""
        useful = not self._before or 2 * self._met >= len(keys)
        self._before = []
        if useful:
            return [self._known.replace(keys, self._groups)]
        return [self._known.replace([], array("L")), keys]
