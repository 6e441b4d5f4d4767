"""Summing rows up bit by bit, for nodes of streams that never end."""

from dataclasses import dataclass, field
from typing import Any

from weft_engine.library.accumulators import ACCUMULATORS, Accumulator
from weft_engine.library.columns import as_row, value
from weft_engine.library.data_group import Aggregate
from weft_engine.nodes.types import Row


@dataclass(slots=True)
class Group:
    """What is kept of some rows."""

    accumulators: list[Accumulator]
    values: list[Any] | None = None
    """Those of the columns that rows are grouped by."""
    rows: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Groups:
    """How rows are summed up."""

    by: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    decimals: int | None = None

    def create(self) -> Group:
        """Nothing yet."""
        return Group([ACCUMULATORS[each.op](each.field) for each in self.aggregates])

    def add(self, group: Group, item: Any) -> Group:
        """One more row."""
        row = as_row(item)
        taken = [value(row, each.column) if each.column else None for each in group.accumulators]
        if group.values is None:
            group.values = [value(row, name) for name in self.by]
        for accumulator, found in zip(group.accumulators, taken, strict=True):
            accumulator.add(found)
        group.rows += 1
        return group

    def result(self, group: Group) -> Row:
        """What the rows come to: the columns of the group, then the results."""
        row: Row = dict(zip(self.by, group.values or (), strict=False))
        for aggregate, accumulator in zip(self.aggregates, group.accumulators, strict=True):
            found = accumulator.result()
            if self.decimals is not None and isinstance(found, float):
                found = round(found, self.decimals)
            row[aggregate.name] = found
        return row
