"""A flow that has passed its checks, with all of it that stays the same from run to run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weft_engine.compiler.check import check
from weft_engine.compiler.wiring import Wiring, infer
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.ports import Work

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Compiled:
    """A flow ready to be lowered, as often as it is run."""

    flow: Flow
    wiring: Wiring
    nodes: Mapping[str, NodeType]
    works: Mapping[str, Work]


def compile_flow(
    flow: Flow, catalogue: Catalogue, *, only: frozenset[str] | None = None
) -> Compiled:
    """Check a flow and build its nodes.

    Args:
        flow: The flow.
        catalogue: The node types it may use.
        only: Nodes to look at; problems of others do not matter.

    Raises:
        FlowError: `flow.invalid`, with the problems in `params`.
    """
    problems = [
        problem
        for problem in check(flow, catalogue)
        if problem.severity == "error"
        and (only is None or problem.node is None or problem.node in only)
    ]
    if problems:
        raise _invalid([problem.model_dump(mode="json") for problem in problems])
    runnable = {name: node for name, node in flow.nodes.items() if only is None or name in only}
    return Compiled(
        flow=flow,
        wiring=infer(flow, catalogue),
        nodes={name: catalogue.build(name, node) for name, node in runnable.items()},
        works={name: catalogue.work(node.type) for name, node in runnable.items()},
    )


def _invalid(problems: list[dict[str, Any]]) -> FlowError:
    first = problems[0]
    more = len(problems) - 1
    others = f" There {'is' if more == 1 else 'are'} {more} more." if more else ""
    return FlowError(
        f"The flow has problems: {first['message']}.{others}",
        code="flow.invalid",
        hint=first["hint"] or "`weft check` lists them all.",
        params={"problems": problems[:_SHOWN], "count": len(problems)},
    )
