"""Readers read only the columns that something behind them uses.

What is shown of the reader, and of nodes that pass its rows on, then lacks columns; so it is done
only in runs that nobody looks at, the reader says so in the log, and what is kept of these nodes is
not used in the place of another run. Nor is it done before nodes that stop reading early: then a
file with a mistake far behind might fail in one case and not in the other. A file with several
mistakes fails either way, but perhaps for another of them.
"""

from dataclasses import dataclass, field
from typing import Any

from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.rows import Key, Rows
from weft_engine.flow.model import Edge
from weft_engine.nodes.row_work import Columns


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A reader that reads less."""

    node: Any
    partly: frozenset[str]
    """It and the nodes that pass its rows on."""


def narrowed_readers(rows: Rows, notes: Notes, *, attended: bool) -> dict[str, Narrowed]:
    """The readers of a scope that need not read all of their columns."""
    found: dict[str, Narrowed] = {}
    for name in rows.plan.unit_of:
        work = rows.work(name)
        ports = list(rows.wiring.nodes[name].outputs)
        if work is None or work.narrowed is None or len(ports) != 1 or not rows.plain(name):
            continue
        demand = _Demand(rows)
        columns = demand.of((name, ports[0]))
        if columns is None:
            continue
        done = "unattended" if attended else "done"
        notes.add(
            f"push_projection.{done}",
            (name,),
            rows.prefix,
            done=not attended,
            node=name,
            columns=", ".join(sorted(columns)) or "-",
        )
        if not attended:
            found[name] = Narrowed(work.narrowed(columns), frozenset({name, *demand.passing}))
    return found


@dataclass
class _Demand:
    """Finds out which columns are wanted of an output."""

    rows: Rows
    passing: set[str] = field(default_factory=set)
    """The nodes that pass rows on."""

    def of(self, key: Key) -> Columns:
        readers = self.rows.readers.get(key, ())
        if not readers or key in self.rows.read_elsewhere:
            return None  # it is an output of the flow, or of the scope
        wanted: set[str] = set()
        for edge in readers:
            found = self._by(edge)
            if found is None:
                return None
            wanted |= found
        return frozenset(wanted)

    def _by(self, edge: Edge) -> Columns:
        rows, name = self.rows, edge.target
        if name not in rows.plan.unit_of:
            return frozenset()  # it does not run
        work = rows.work(name)
        if work is None or rows.before(name) != edge or not rows.plain(name):
            return None
        if work.kind == "limit":
            return None
        ports = list(rows.wiring.nodes[name].outputs)
        if work.kind == "sink":
            return work.reads
        if len(ports) != 1:
            return None
        if work.passes is None:
            self.passing.add(name)
        return work.needs(self.of((name, ports[0])))
