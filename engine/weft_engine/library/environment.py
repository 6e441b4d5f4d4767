"""What expressions know beside the record."""

from collections.abc import Mapping
from typing import Any

from weft_engine.nodes.node_type import NodeContext


def environment(ctx: NodeContext | None) -> Mapping[str, Any]:
    """Return the names `flow`, `run` and `vars` for the expressions of a node."""
    if ctx is None:
        return {"flow": {"inputs": {}}, "run": {}, "vars": {}}
    return {
        "flow": {"inputs": ctx.inputs},
        "run": {"id": ctx.run_id, "node": ctx.node_id},
        "vars": ctx.variables,
    }
