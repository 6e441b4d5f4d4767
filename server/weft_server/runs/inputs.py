"""What a run is asked for, held against the flow before it starts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from weft_engine.compiler.asked import require_inputs, require_outputs, require_outside
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.errors import Invalid, invalid_field
from weft_server.runs.schemas import StartRun, Values


def require_fitting(flow: Flow, asked: StartRun) -> None:
    """Refuse inputs that the flow does not have, and missing ones.

    Raises:
        Invalid: 422 with the code of what does not fit.
    """
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
    if flow.mode == "streaming":
        _require_endless(asked)


def _require_endless(asked: StartRun) -> None:
    """Refuse what means nothing for a run that lives."""
    said = {"failure_policy": asked.failure_policy != "fail_fast", "max_seconds": asked.max_seconds}
    for field, given in said.items():
        if given:
            raise invalid_field(
                field,
                f"A run of a flow in streaming mode has no {field}.",
                code="run.not_for_streams",
                hint="Leave it out. What becomes of failures is said by on_error of the nodes and "
                "restart of the flow; such a run ends when it is stopped.",
                field_name=field,
            )


def require_parts(flow: Flow, catalogue: Catalogue, asked: StartRun) -> None:
    """Refuse nodes that the flow does not have, and values for outputs that there are not.

    Raises:
        Invalid: 422 `run.unknown_node`, `run.inside_container`, `run.unknown_port`.
    """
    for field, node in (("from_node", asked.from_node), ("to_node", asked.to_node)):
        if node is not None:
            require_node(flow, catalogue, field, node)
    for node, ports in asked.pins.items():
        with _about(f"pins.{node}"):
            require_outputs(flow, catalogue, {node: ports})


def require_node(flow: Flow, catalogue: Catalogue, field: str, node: str) -> None:
    """Refuse to begin or end at a node that the flow does not have, or that lies in a container.

    Raises:
        Invalid: 422 `run.unknown_node`, `run.inside_container`.
    """
    with _about(field):
        require_outside(flow, catalogue, node)


def require_overrides(flow: Flow, catalogue: Catalogue, given: Values) -> None:
    """Refuse values for inputs that there are not.

    Raises:
        Invalid: 422 `run.unknown_node`, `run.inside_container`, `run.unknown_port`.
    """
    for node, ports in given.items():
        with _about(f"overrides.{node}"):
            require_inputs(flow, catalogue, {node: ports})


@contextmanager
def _about(field: str) -> Iterator[None]:
    """What is refused is about one field."""
    try:
        yield
    except FlowError as error:
        raise invalid_field(
            field, error.message, code=error.code, hint=error.hint, **error.params
        ) from error


def _unknown(field: str, code: str, name: str, known: Mapping[str, Any]) -> Invalid:
    near = get_close_matches(name, list(known), n=1)
    if near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"There are: {', '.join(sorted(known)[:20])}." if known else "The flow has none."
    return invalid_field(
        field,
        f"The flow has no input {name!r}.",
        code=code,
        hint=hint,
        name=name,
        nearest=near[0] if near else None,
    )
