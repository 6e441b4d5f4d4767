"""What a run is asked for, held against the flow before it starts."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from weft_engine.flow.model import Flow
from weft_server.errors import Invalid, invalid_field
from weft_server.runs.schemas import StartRun


def require_fitting(flow: Flow, asked: StartRun) -> None:
    """Refuse inputs and nodes that the flow does not have, and missing inputs.

    Raises:
        Invalid: 422 with the code of what does not fit.
    """
    for field, node in (("from_node", asked.from_node), ("to_node", asked.to_node)):
        if node is not None:
            require_node(flow, field, node)
    for name in asked.inputs:
        if name not in flow.inputs:
            raise _unknown(f"inputs.{name}", "run.unknown_input", name, flow.inputs)
    missing = [
        name
        for name, declared in sorted(flow.inputs.items())
        if declared.default is None and name not in asked.inputs
    ]
    if missing:
        raise invalid_field(
            f"inputs.{missing[0]}",
            f"The input {missing[0]} has no value.",
            code="run.missing_input",
            hint=f"Give a value for: {', '.join(missing)}.",
            name=missing[0],
            missing=missing,
        )


def require_node(flow: Flow, field: str, node: str) -> None:
    """Refuse a node that the flow does not have.

    Raises:
        Invalid: 422 `run.unknown_node`.
    """
    if node not in flow.nodes:
        raise _unknown(field, "run.unknown_node", node, flow.nodes)


def _unknown(field: str, code: str, name: str, known: Mapping[str, Any]) -> Invalid:
    near = get_close_matches(name, list(known), n=1)
    if near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"There are: {', '.join(sorted(known)[:20])}." if known else "The flow has none."
    kind = "node" if code == "run.unknown_node" else "input"
    return invalid_field(
        field,
        f"The flow has no {kind} {name!r}.",
        code=code,
        hint=hint,
        name=name,
        nearest=near[0] if near else None,
    )
