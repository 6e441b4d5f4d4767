"""Inputs of a flow as they are typed: `NAME=VALUE`."""

import json
from difflib import get_close_matches
from typing import Any, Final

from weft_engine.errors import FlowError, register_codes
from weft_engine.flow.model import Flow

register_codes({"run.bad_input": "The value of an input cannot be read."})

_TEXTS: Final = {"Text", "Html", "Date", "File", "Image"}
_EXAMPLES: Final = {"Number": "42", "Bool": "true", "Table": '[{"id": 1}]'}


def parse(flow: Flow, assignments: list[str]) -> dict[str, Any]:
    """The values of `NAME=VALUE` texts: text inputs as they are typed, all others as JSON.

    Raises:
        FlowError: `run.unknown_input`, `run.missing_input` or `run.bad_input`.
    """
    given: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise FlowError(
                f"The input {text!r} cannot be read.",
                code="run.bad_input",
                hint="Write it as NAME=VALUE.",
                params={"text": text},
            )
        if name not in flow.inputs:
            raise _unknown(flow, name)
        given[name] = _value(name, flow.inputs[name].type, value)
    missing = [
        name
        for name, declared in sorted(flow.inputs.items())
        if declared.default is None and name not in given
    ]
    if missing:
        raise FlowError(
            f"The input {missing[0]} has no value.",
            code="run.missing_input",
            hint=f"Add --input {missing[0]}=VALUE.",
            params={"name": missing[0], "missing": missing},
        )
    return given


def _value(name: str, kind: str, text: str) -> Any:
    if kind in _TEXTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        if kind in {"Any", "Json"}:
            return text
        example = _EXAMPLES.get(kind, '{"id": 1}')
        raise FlowError(
            f"The value of the input {name} is no {kind}: {text[:80]!r}.",
            code="run.bad_input",
            hint=f"Write it as JSON, for example --input '{name}={example}'.",
            params={"name": name, "type": kind},
        ) from None


def _unknown(flow: Flow, name: str) -> FlowError:
    near = get_close_matches(name, list(flow.inputs), n=1)
    if near:
        hint = f"Did you mean {near[0]}?"
    elif flow.inputs:
        hint = f"Its inputs are: {', '.join(sorted(flow.inputs))}."
    else:
        hint = "It takes no inputs."
    return FlowError(
        f"The flow has no input {name!r}.",
        code="run.unknown_input",
        hint=hint,
        params={"name": name, "nearest": near[0] if near else None},
    )
