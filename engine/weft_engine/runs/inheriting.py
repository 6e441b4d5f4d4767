"""What a request has of the run it is forked from, beside the rows of the journal."""

from collections.abc import Mapping
from typing import Any

import msgspec

from weft_engine.errors import FlowError
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.parts import Part, parts_of
from weft_engine.runs.programs import Programs
from weft_engine.runs.run import RunRequest

Outputs = dict[str, dict[str, Any]]


def inherited(
    request: RunRequest, former: RunRequest, programs: Programs, catalogue: Catalogue
) -> RunRequest:
    """The request of a fork, as it is run.

    Another attempt begins with the same outputs and replaced inputs as the earlier one. Where the
    flow was changed, outputs of nodes that are not the same any more are left out.
    """
    reuse, overrides = request.reuse, request.overrides
    if request.retry:
        reuse = {**former.reuse, **reuse}
        overrides = {**former.overrides, **overrides}
    nodes = request.flow.get("nodes") or {}
    overrides = {name: ports for name, ports in overrides.items() if name in nodes}
    if reuse and (request.flow, request.flows) != (former.flow, former.flows):
        reuse = _same(reuse, request, former, programs, catalogue)
    return msgspec.structs.replace(request, reuse=reuse, overrides=overrides)


def _same(
    reuse: Outputs,
    request: RunRequest,
    former: RunRequest,
    programs: Programs,
    catalogue: Catalogue,
) -> Outputs:
    """The outputs of nodes that are the same in both flows."""
    try:
        now, then = (_parts(one, programs, catalogue) for one in (request, former))
    except FlowError:
        return {}  # one of them is valid in part only, so they cannot be compared as a whole
    return {
        name: ports
        for name, ports in reuse.items()
        if name in now and name in then and now[name].whole == then[name].whole
    }


def _parts(request: RunRequest, programs: Programs, catalogue: Catalogue) -> Mapping[str, Part]:
    whole = msgspec.structs.replace(request, from_node=None, to_node=None, overrides={})
    program = programs.whole(whole, catalogue)
    return parts_of(program, request.inputs, request.flows, catalogue)
