"""What expressions know beside the record."""

from collections.abc import Mapping
from typing import Any

from weft_engine.nodes.node_type import NodeContext


def environment(ctx: NodeContext | None) -> Mapping[str, Any]:
    """Return the names beside `item` for the expressions of a node.

    `inputs` (also `flow.inputs`) what the run was started with, `run` its id and the node, `vars`
    the variables, `nodes` single values that nodes before gave, by node, `index` the number of the
    iteration or null.
    """
    if ctx is None:
        return names({}, {}, {})
    return names(
        ctx.inputs,
        {"id": ctx.run_id, "node": ctx.node_id},
        ctx.variables,
        index=ctx.index,
        nodes=ctx.nodes,
    )


def names(
    inputs: Mapping[str, Any],
    run: Mapping[str, Any],
    variables: Mapping[str, Any],
    *,
    index: int | None = None,
    nodes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The names beside `item`, for whoever evaluates an expression."""
    given = dict(inputs)  # functions such as keys() and get() take records
    return {
        "flow": {"inputs": given},
        "inputs": given,
        "run": run,
        "vars": dict(variables),
        "index": index,
        "nodes": dict(nodes or ()),
    }
