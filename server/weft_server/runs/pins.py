"""Outputs that are used in one run instead of running their nodes."""

from contextlib import suppress

from pydantic import ValidationError

from weft_engine.compiler.asked import require_outputs
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.errors import invalid_field, register
from weft_server.runs.schemas import Values

register(
    {
        "run.bad_pin": "An output that is to be used instead of running a node cannot be read.",
    }
)


def with_pins(flow: Flow, pins: Values) -> Flow:
    """The flow with outputs that are used instead of running their nodes.

    Raises:
        Invalid: 422 `run.bad_pin`.
    """
    if not pins:
        return flow
    plain = flow.model_dump(mode="json", exclude_defaults=True)
    for node, ports in pins.items():
        plain["nodes"][node]["pinned"] = {**(plain["nodes"][node].get("pinned") or {}), **ports}
    try:
        return Flow.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise invalid_field(
            "pins",
            f"An output to be used instead cannot be read: {first['msg']}",
            code="run.bad_pin",
            hint="Give a value for an output port of the node.",
        ) from error


def still_there(pins: Values, flow: Flow, catalogue: Catalogue) -> Values:
    """Those of the outputs that a flow has, which was changed since they were given."""
    found: Values = {}
    for node, ports in pins.items():
        for port, value in ports.items():
            with suppress(FlowError):
                require_outputs(flow, catalogue, {node: {port: value}})
                found.setdefault(node, {})[port] = value
    return found
