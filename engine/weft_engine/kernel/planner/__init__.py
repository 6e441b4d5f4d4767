"""From the logical graph of a program to the physical plan that a backend deploys."""

from typing import Final

from weft_engine.kernel.graph import Graph
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.planner.chaining import find_chains
from weft_engine.kernel.planner.dead import drop_dead_branches
from weft_engine.kernel.planner.description import describe, explain, plan_hash
from weft_engine.kernel.planner.exchanges import resolve_exchanges
from weft_engine.kernel.planner.logical import Logical, Pass, from_graph
from weft_engine.kernel.planner.parallelism import resolve_parallelism
from weft_engine.kernel.planner.physical import to_physical
from weft_engine.kernel.planner.pushdown import push_filters_down
from weft_engine.kernel.planner.unions import dissolve_unions
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.settings import Settings

__all__ = ["PASSES", "describe", "explain", "make_physical", "plan_hash"]

PASSES: Final[tuple[Pass, ...]] = (
    drop_dead_branches,
    dissolve_unions,
    resolve_parallelism,
    resolve_exchanges,
    push_filters_down,
)
"""What is done to the graph, in order."""


def make_physical(graph: Graph, settings: Settings, job: str) -> PhysicalPlan:
    """Plan a program. The same program always gives the same plan.

    Raises:
        ProgramError: when the program cannot run as it is.
    """
    logical: Logical = from_graph(graph, settings)
    for each in PASSES:
        logical = each(logical)
    if not logical.nodes:
        raise ProgramError(
            "The program does nothing: no stream of it ends in a sink.",
            code="program.nothing_to_run",
            hint="End a stream with sink(), print() or collect().",
        )
    return to_physical(logical, find_chains(logical), job)
