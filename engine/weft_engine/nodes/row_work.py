"""What a node does to rows, as far as the compiler may rely on it.

A node type that says nothing is a closed box: nothing is moved past it, and it is taken to need
every column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Columns = frozenset[str] | None
"""Names of columns; None stands for all there may be."""

RowKind = Literal["source", "filter", "each", "sort", "unique", "group", "limit", "sink", "other"]
"""`each`: one row for each, in order. `filter`, `limit`: some of the rows as they are, in order.
`sort`: all rows as they are. `unique`: some of the rows as they are, chosen by what it reads.
`group`: one row for each combination of what it passes."""


@dataclass(frozen=True, slots=True)
class RowWork:
    """What a node with these settings does to rows."""

    kind: RowKind
    reads: Columns = frozenset()
    """The columns that what it does depends on."""
    makes: frozenset[str] = frozenset()
    """Columns that it makes, changes or drops: none of them goes through as it came."""
    passes: Columns = None
    """Columns that may go through as they came; None: all but those that it makes."""
    condition: str = ""
    """Of a filter: the expression that decides."""
    keeps: Callable[[Any], Callable[[Any], Any]] | None = None
    """Of a filter: makes of a node's context what tells whether to keep a row."""
    fails_alike: bool = False
    """For rows that have the same columns it fails for none, or for the first already."""
    alike: bool = False
    """Its rows have the same columns, and no lists or records in them; of a node that takes rows:
    provided that those have."""
    narrowed: Callable[[frozenset[str]], Any] | None = None
    """Of a source: makes a node that gives rows of these columns alone, where it has them all."""

    def through(self, column: str) -> bool:
        """Whether a column leaves with the value it came with."""
        return column not in self.makes and (self.passes is None or column in self.passes)

    def needs(self, wanted: Columns) -> Columns:
        """The columns it must be given so that those wanted of it are right."""
        if self.reads is None:
            return None
        if wanted is None:
            return None if self.passes is None else self.reads | self.passes
        return self.reads | {column for column in wanted if self.through(column)}
