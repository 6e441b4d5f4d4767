"""Filters are asked as early as their columns are there.

A filter stays where it is, and is asked ahead of nodes that do not make what it reads, cannot fail
for what it leaves out, and are read by nobody else. Nodes that give one row for each keep all that
is seen of them, as the first rows go the long way (`compiler.ahead`). Nodes that order or join rows
would show less; they are passed only in runs that nobody looks at, and say so in the log.
"""

from typing import Final

from weft_engine.compiler.ahead import Ahead
from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.rows import Rows
from weft_engine.nodes.expression_facts import compares_only
from weft_engine.nodes.row_work import RowWork

_MOVABLE: Final = {"each", "sort", "unique", "group"}


def push_filters(rows: Rows, notes: Notes, *, attended: bool) -> tuple[Ahead, ...]:
    """The filters of a scope that are to be asked ahead of others."""
    found = (
        _push(rows, name, notes, attended=attended)
        for unit in rows.plan.units
        if unit.kind == "stream"
        for name in unit.nodes
    )
    return tuple(ahead for ahead in found if ahead is not None)


def _push(rows: Rows, name: str, notes: Notes, *, attended: bool) -> Ahead | None:
    work = rows.work(name)
    if work is None or work.kind != "filter" or work.keeps is None or not rows.plain(name):
        return None
    over: list[str] = []
    at = name
    while (before := _next(rows, name, work, at, notes, attended=attended)) is not None:
        over.insert(0, before)
        at = before
    if not over:
        return None
    kinds = {passed.kind for each in over if (passed := rows.work(each)) is not None}
    notes.add(
        "push_filter.done",
        (name, *over),
        rows.prefix,
        filter=name,
        first=over[0],
        over=len(over),
    )
    return Ahead(name, tuple(over), seen=kinds == {"each"})


def _next(
    rows: Rows, name: str, work: RowWork, at: str, notes: Notes, *, attended: bool
) -> str | None:
    """The node before the place that a filter has come to, when it may be passed, too."""
    edge = rows.before(at)
    unit_of = rows.plan.unit_of
    if edge is None or unit_of.get(edge.source) != unit_of[name]:
        return None
    before = edge.source
    passed = rows.work(before)
    if passed is None or passed.kind not in _MOVABLE or not _alone(rows, before, edge.source_port):
        return None
    reason = _refusal(rows, before, work, passed)
    if reason is None and attended and passed.kind != "each":
        reason = "unattended"
    if reason is None:
        return before
    columns = ", ".join(sorted(column for column in work.reads or () if not passed.through(column)))
    notes.add(
        f"push_filter.{reason}",
        (name, before),
        rows.prefix,
        done=False,
        filter=name,
        node=before,
        columns=columns,
    )
    return None


def _alone(rows: Rows, name: str, port: str) -> bool:
    """Whether one edge is all that reads a node, and nothing else is special about it."""
    outputs = list(rows.wiring.nodes[name].outputs)
    return (
        rows.plain(name)
        and outputs == [port]
        and len(rows.readers.get((name, port), ())) == 1
        and (name, port) not in rows.read_elsewhere
    )


def _refusal(rows: Rows, before: str, work: RowWork, passed: RowWork) -> str | None:
    """Why a filter may not be asked before a node, if so."""
    if work.reads is None or not all(passed.through(column) for column in work.reads):
        return "reads"
    if passed.kind in ("unique", "group") and not (
        passed.reads is not None
        and work.reads <= (passed.reads if passed.passes is None else passed.passes)
        and compares_only(work.condition)
    ):
        return "reads"
    if not passed.fails_alike:
        return "fails"
    source = rows.before(before)
    if source is None or source.source in rows.plan.given or not rows.alike(source.source):
        return "unlike"
    return None
