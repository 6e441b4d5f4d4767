"""What runs side by side and what is put together, for people to see: the cut decides it."""

from weft_engine.compiler.batching import BatchSize, gathers
from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.rows import Rows


def say_side_by_side(rows: Rows, notes: Notes) -> None:
    """Say which units do not wait for each other, and which nodes take many records at a time."""
    levels: dict[int, int] = {}
    found: dict[int, list[str]] = {}
    for unit in rows.plan.units:
        level = max((levels[one] + 1 for one in unit.before), default=0)
        levels[unit.id] = level
        found.setdefault(level, []).append(unit.nodes[0])
    for nodes in found.values():
        if len(nodes) > 1:
            notes.add("parallel.units", nodes, rows.prefix, count=len(nodes))
    for unit in rows.plan.units:
        if unit.kind in ("map", "stream"):
            for name in unit.nodes:
                _batch(rows, name, notes)


def _batch(rows: Rows, name: str, notes: Notes) -> None:
    node, known = rows.compiled.nodes[name], rows.flow.nodes[name]
    work = rows.compiled.works[name]
    if not work.batched or not rows.wiring.nodes[name].lifted:
        return
    if gathers(node, work, known.timeout_s):
        notes.add("batch.done", (name,), rows.prefix, node=name, most=BatchSize.of(node).most)
    else:
        notes.add("batch.limited", (name,), rows.prefix, done=False, node=name)
