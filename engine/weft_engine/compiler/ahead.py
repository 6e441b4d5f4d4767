"""Filters that are asked ahead of where they stand, so that others are spared records.

The filter itself stays where it is and is asked again, so what passes here needlessly does no harm;
only what is left out here must be what the filter would leave out, and what nobody on the way
would fail on. What people see of the nodes on the way is kept: records are left out only when the
taps of these nodes have all that they keep, and what was left out is counted for them.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, runtime_checkable

from weft_engine.kernel.graph import Graph, Ref
from weft_engine.kernel.operators.base import Batch, Context, Linear
from weft_engine.nodes.context import NodeContext
from weft_engine.nodes.node_type import NodeType

_TRIAL: Final = 10_000
"""After so many records it is decided whether it pays to ask ahead."""
_PAYS: Final = 0.1
"""The share of records to be left out from which it does."""


@runtime_checkable
class SparingTap(Protocol):
    """A tap that needs not see every record."""

    @property
    def full(self) -> bool:
        """Whether it keeps no more records, and only counts them."""
        ...

    def spare(self, count: int) -> None:
        """Count records that it does not see."""

    def only_part(self) -> None:
        """Know that what it sees is not all there would be."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A filter that is asked before the nodes that stand before it."""

    filter: str
    over: tuple[str, ...]
    """The nodes that are spared records, in order."""
    seen: bool
    """What people see of these nodes stays; else they are told how many records were left out."""


@dataclass(slots=True)
class Spared:
    """How many records the nodes of an `Ahead` were spared in one run."""

    ahead: Ahead
    count: int = 0
    taps: list[Any] = field(default_factory=list)

    @property
    def counted(self) -> int:
        """What is to be added to the counts of these nodes."""
        return self.count if self.ahead.seen else 0

    def watch(self, node: str, tap: Any) -> None:
        """Learn of a tap of one of its nodes."""
        if node != self.ahead.filter:
            self.taps.append(tap)


def spared_in(filters: Iterable[Ahead], nodes: Collection[str]) -> dict[str, Spared]:
    """What is counted for each node, of those filters that are all among the nodes."""
    found: dict[str, Spared] = {}
    for ahead in filters:
        members = (*ahead.over, ahead.filter)
        if all(name in nodes for name in members):
            found.update(dict.fromkeys(members, Spared(ahead)))
    return found


def ask_ahead(
    graph: Graph,
    ref: Ref,
    node: NodeType,
    spared: Spared,
    context: Callable[[str], NodeContext],
) -> Ref:
    """Of a stream only what a filter further on may let through.

    Args:
        graph: Where to add the operator.
        ref: The stream.
        node: The filter.
        spared: Counts what is left out.
        context: Gives each node its view of the run.
    """
    work = node.row_work()
    if work is None or work.keeps is None:
        return ref
    operator = partial(AskAhead, spared, work.keeps, context)
    with graph.owned(""):
        return Ref(graph.add("linear", ref, name="ahead", params={"factory": operator}).id)


class AskAhead(Linear):
    """Leaves out what a filter further on would leave out."""

    def __init__(
        self,
        spared: Spared,
        keeps: Callable[[NodeContext], Callable[[Any], Any]],
        context: Callable[[str], NodeContext],
    ) -> None:
        self._spared = spared
        self._keeps = keeps
        self._node = context
        self._seen = 0
        self._open = False
        self._given_up = False

    def open(self, context: Context) -> None:
        super().open(context)
        self._keep = self._keeps(self._node(self._spared.ahead.filter))

    def apply(self, batch: Batch) -> Batch:
        """The records that may pass the filter."""
        if self._given_up or not self._begun():
            return batch
        keep = self._keep
        try:
            kept = [record for record in batch if keep(record)]
        except Exception:  # noqa: BLE001 - the filter says it itself, where it stands
            kept = [record for record in batch if _passes(keep, record)]
        left_out = len(batch) - len(kept)
        if left_out:
            self._count(left_out)
        self._seen += len(batch)
        self._given_up = self._seen >= _TRIAL and self._spared.count < _PAYS * self._seen
        return kept

    def ended(self, *, absent: bool) -> None:
        """Tell the nodes on the way what they were spared."""
        del absent
        ahead, count = self._spared.ahead, self._spared.count
        if ahead.seen or not count:
            return
        for name in ahead.over:
            self._node(name).logger.info(
                "%d records that the node %s leaves out were left out before.", count, ahead.filter
            )

    def _begun(self) -> bool:
        """Whether records may be left out.

        The first ones never are: where a node fails for all rows alike, it does so for them.
        """
        if not self._open:
            taps = self._spared.taps
            if self._spared.ahead.seen:
                self._open = all(isinstance(tap, SparingTap) and tap.full for tap in taps)
                return self._open
            self._open = True
            return False
        return True

    def _count(self, left_out: int) -> None:
        self._spared.count += left_out
        for tap in self._spared.taps:
            if self._spared.ahead.seen:
                tap.spare(left_out)
            elif isinstance(tap, SparingTap):
                tap.only_part()


def _passes(keep: Callable[[Any], Any], record: Any) -> bool:
    try:
        return bool(keep(record))
    except Exception:  # noqa: BLE001 - the filter says it itself, where it stands
        return True
