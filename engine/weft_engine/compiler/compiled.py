"""A flow that has passed its checks, with all of it that stays the same from run to run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from weft_engine.compiler.ahead import Ahead
from weft_engine.compiler.check import check
from weft_engine.compiler.problems import Problem
from weft_engine.compiler.scopes import Scopes, split
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
    ahead: tuple[Ahead, ...] = ()
    """Filters that are asked before the nodes that stand before them."""
    partly: frozenset[str] = frozenset()
    """Nodes that are given less than their settings say: what is kept of them is not whole."""


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
    scopes = split(flow, catalogue)
    wiring = infer(flow, catalogue, scopes)
    must_be_valid(check(flow, catalogue, wiring=wiring, scopes=scopes), only, scopes)
    names = [name for name in flow.nodes if only is None or name in only]
    return build_nodes(flow, wiring, catalogue, names)


def build_nodes(flow: Flow, wiring: Wiring, catalogue: Catalogue, names: Iterable[str]) -> Compiled:
    """Build some nodes of a flow that passed its checks."""
    runnable = {name: flow.nodes[name] for name in names}
    return Compiled(
        flow=flow,
        wiring=wiring,
        nodes={name: catalogue.build(name, node) for name, node in runnable.items()},
        works={name: catalogue.work_of(node) for name, node in runnable.items()},
    )


def must_be_valid(
    problems: Iterable[Problem], only: Collection[str] | None, scopes: Scopes
) -> None:
    """Refuse a flow that has errors.

    Args:
        problems: What a check found.
        only: Nodes to look at, with what lies in them; all when None.
        scopes: The scopes of the flow.

    Raises:
        FlowError: `flow.invalid`, with the problems in `params`.
    """

    def matters(node: str | None) -> bool:
        while node is not None and only is not None and node not in only:
            node = scopes.inside.get(node)
            if node is None:
                return False
        return True

    found = [
        problem.model_dump(mode="json")
        for problem in problems
        if problem.severity == "error" and matters(problem.node)
    ]
    if found:
        raise _invalid(found)


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
