"""The passes in their order."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from weft_engine.compiler.optimise.dead import find_dead, say_dead
from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.push_filter import push_filters
from weft_engine.compiler.optimise.push_projection import narrowed_readers
from weft_engine.compiler.optimise.rows import Reads, Rows
from weft_engine.compiler.optimise.side_by_side import say_side_by_side
from weft_engine.compiler.program import ProgramOptions, ScopePlan


def optimised(
    plan: ScopePlan,
    options: ProgramOptions,
    variables: Mapping[str, Any],
    notes: Notes,
    *,
    reads: Reads = MappingProxyType({}),
    without: Callable[[ScopePlan, Collection[str]], ScopePlan] | None = None,
) -> ScopePlan:
    """A scope that does less work for the same results.

    Args:
        plan: The scope, cut into units.
        options: What of the run matters.
        variables: The variables that nothing sets, with their values.
        notes: Where to say what was done.
        reads: Node → ports that are read by what runs when the run has failed.
        without: Cuts the scope again, without some nodes; None where a failure of theirs would
            not just end the run.
    """
    if not options.optimise:
        return plan
    rows = Rows(plan, reads)
    dead = find_dead(rows, variables)
    key = "dead_branch.unread" if without is None else "dead_branch.unattended"
    if without is not None and dead.unread and not options.attended:
        plan, key = without(plan, dead.unread), "dead_branch.done"
        rows = Rows(plan, reads)
    say_side_by_side(rows, notes)
    say_dead(rows, dead, notes, key)
    ahead = push_filters(rows, notes, attended=options.attended)
    narrow = narrowed_readers(rows, notes, attended=options.attended)
    if not ahead and not narrow:
        return plan
    compiled = replace(
        plan.compiled,
        ahead=ahead,
        nodes={**plan.compiled.nodes, **{name: found.node for name, found in narrow.items()}},
        partly=frozenset().union(*(found.partly for found in narrow.values())),
    )
    return replace(plan, compiled=compiled)
