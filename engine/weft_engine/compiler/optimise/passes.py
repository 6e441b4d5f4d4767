"""The passes in their order."""

from dataclasses import replace

from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.push_filter import push_filters
from weft_engine.compiler.program import ProgramOptions, ScopePlan


def optimised(plan: ScopePlan, options: ProgramOptions, notes: Notes) -> ScopePlan:
    """A scope that does less work for the same results.

    Args:
        plan: The scope, cut into units.
        options: What of the run matters.
        notes: Where to say what was done.
    """
    if not options.optimise:
        return plan
    ahead = push_filters(plan, notes, attended=options.attended)
    if ahead:
        plan = replace(plan, compiled=replace(plan.compiled, ahead=ahead))
    return plan
