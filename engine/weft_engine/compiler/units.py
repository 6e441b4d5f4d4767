"""Cutting a scope into units: what the scheduler starts.

A stretch of nodes on the kernel is as long as it can be: long stretches hold nothing between their
nodes. But no unit may depend on itself through another, so a stretch ends where something else
stands between two of its nodes; and stretches that are not joined stay apart and run side by side.
Units never change a result.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from weft_engine.compiler.program import Unit, UnitKind
from weft_engine.compiler.scopes import Scope
from weft_engine.compiler.wiring import Wiring
from weft_engine.nodes.ports import Work
from weft_engine.nodes.spec import Traits

_BUDGET: Final = 200_000
"""How many steps may be spent on joining stretches, so that no flow takes long to compile."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of unit a node is, and why."""

    unit: UnitKind
    why: str
    alone: bool = True
    """It shares a unit with no other."""


def kind_of(work: Work, traits: Traits, *, lifted: bool, isolated: bool) -> Kind:
    """What kind of unit a node is.

    Args:
        work: How it works.
        traits: What may be relied on.
        lifted: It works on each record of a stream.
        isolated: It has a breakpoint, and so is called one by one.
    """
    if work.kind == "container":
        return Kind("container", "container")
    if work.kind == "build" or any(port.type.stream for port in work.outputs):
        return Kind("stream", "breakpoint" if isolated else "records", alone=isolated)
    heavy = _heavy(traits)
    if not lifted:
        return Kind("call", "breakpoint" if isolated else heavy or "values")
    if heavy and traits.region == "run":
        return Kind("map", heavy)
    if isolated:
        return Kind("map", "breakpoint")
    return Kind("stream", "records", alone=False)


def _heavy(traits: Traits) -> str:
    if traits.parks:
        return "parks"
    if traits.effects:
        return "effects"
    return "" if traits.cost == "cheap" else traits.cost


def cut(
    scope: Scope, wiring: Wiring, running: Collection[str], kind: Callable[[str], Kind]
) -> tuple[Unit, ...]:
    """Cut a scope into units.

    Args:
        scope: The scope.
        wiring: Its wiring.
        running: Its nodes that run: neither given, nor disabled, nor skipped.
        kind: What kind of unit a node is.

    Returns:
        The units, each after those before it.
    """
    names = [name for name in wiring.order if name in running]
    kinds = {name: kind(name) for name in names}
    pairs = {(edge.source, edge.target) for edge in scope.flow.edges}
    for container, reads in scope.captures.items():
        pairs.update((name, container) for name, _ in reads)
    drawn = sorted(
        (one, other) for one, other in pairs if one in kinds and other in kinds and one != other
    )
    groups = _stretches(names, kinds, drawn)
    return _units(names, kinds, drawn, groups)


def _stretches(
    names: list[str], kinds: Mapping[str, Kind], pairs: Iterable[tuple[str, str]]
) -> dict[str, int]:
    """The group of every node: nodes of a group form a unit."""
    before: dict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        before[other].append(one)
    group: dict[str, int] = {}
    level: dict[str, int] = {}
    joins = _Groups()
    crossing: list[tuple[str, str]] = []
    for at, name in enumerate(names):
        shares = not kinds[name].alone
        level[name] = max(
            (level[one] + (shares and kinds[one].alone) for one in before[name]), default=0
        )
        group[name] = at
        joins.add(at)
        for one in before[name]:
            if shares and not kinds[one].alone:
                if level[one] == level[name]:
                    joins.join(group[one], at)
                else:
                    crossing.append((one, name))
    for one, other in pairs:
        joins.link(group[one], group[other])
    for one, other in crossing:
        joins.join_if_convex(group[one], group[other])
    return {name: joins.find(group[name]) for name in names}


class _Groups:
    """Groups of nodes, joined step by step, with what comes behind each."""

    def __init__(self) -> None:
        self._leader: dict[int, int] = {}
        self._after: dict[int, set[int]] = {}
        self._budget = _BUDGET

    def add(self, at: int) -> None:
        self._leader[at] = at
        self._after[at] = set()

    def find(self, at: int) -> int:
        while self._leader[at] != at:
            self._leader[at] = self._leader[self._leader[at]]
            at = self._leader[at]
        return at

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        if first != second:
            self._leader[second] = first
            self._after[first] |= self._after.pop(second)

    def link(self, one: int, other: int) -> None:
        first, second = self.find(one), self.find(other)
        if first != second:
            self._after[first].add(second)

    def join_if_convex(self, one: int, other: int) -> None:
        """Join two groups, one right before the other, unless something stands between them."""
        first, last = self.find(one), self.find(other)
        if first == last:
            return
        todo = [at for found in self._after[first] if (at := self.find(found)) not in (first, last)]
        seen = set(todo)
        while todo:
            at = todo.pop()
            self._budget -= 1 + len(self._after[at])
            if self._budget < 0:
                return
            for found in self._after[at]:
                near = self.find(found)
                if near == last:
                    return
                if near not in seen:
                    seen.add(near)
                    todo.append(near)
        self.join(first, last)


def _units(
    names: list[str],
    kinds: Mapping[str, Kind],
    pairs: Iterable[tuple[str, str]],
    group: Mapping[str, int],
) -> tuple[Unit, ...]:
    members: dict[int, list[str]] = defaultdict(list)
    for name in names:
        members[group[name]].append(name)
    before: dict[int, set[int]] = {at: set() for at in members}
    after: dict[int, set[int]] = {at: set() for at in members}
    for one, other in pairs:
        if group[one] != group[other]:
            before[group[other]].add(group[one])
            after[group[one]].add(group[other])
    waiting = {at: len(found) for at, found in before.items()}
    ready = [at for at, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    number: dict[int, int] = {}
    units: list[Unit] = []
    while ready:
        at = heapq.heappop(ready)
        number[at] = len(units)
        first = kinds[members[at][0]]
        units.append(
            Unit(
                id=number[at],
                kind=first.unit,
                nodes=tuple(members[at]),
                before=frozenset(number[one] for one in before[at]),
                why=first.why,
            )
        )
        for follower in after[at]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    return tuple(units)
