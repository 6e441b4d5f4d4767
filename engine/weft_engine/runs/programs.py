"""Flows as programs: made once, however often they are run."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.compiler.selection import Selection
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.called import alone_in
from weft_engine.runs.run import RunRequest
from weft_engine.runs.runner import (
    attended,
    choose_nodes,
    references,
    require_known_parts,
    require_possible,
)

_MOST: Final = 64


class Programs:
    """Programs by what they were made of; for several threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Program] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: RunRequest, catalogue: Catalogue) -> tuple[Program, Selection]:
        """The program of a run, and the nodes of it that take part.

        Raises:
            FlowError: the flow cannot be read, is not valid, lacks a node that was named, or cannot
                run here.
        """
        part = request.from_node is not None or request.to_node is not None
        if not part:
            program = self.whole(request, catalogue)
            require_possible(request, program.flow, live=True)
            return program, Selection(frozenset(program.flow.nodes))
        # A part of a flow is compiled for its run alone: problems elsewhere do not matter.
        flow = read_flow(request.flow)
        require_possible(request, flow, live=True)
        require_known_parts(request, flow, catalogue)
        selection = choose_nodes(request, flow, references(request.reuse))
        options = _options(request)
        return compile_program(flow, catalogue, options, only=selection.run), selection

    def whole(self, request: RunRequest, catalogue: Catalogue) -> Program:
        """The program of all of a flow.

        Raises:
            FlowError: the flow cannot be read, or is not valid.
        """
        key = hashlib.sha256(
            msgspec.json.encode(
                [request.flow, request.flows, sorted(alone_in(request)), attended(request)]
            )
        ).digest()
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                return found
        found = compile_program(read_flow(request.flow), catalogue, _options(request))
        with self._lock:
            self._known[key] = found
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found


def _options(request: RunRequest) -> ProgramOptions:
    return ProgramOptions(
        isolate=alone_in(request), attended=attended(request), flows=request.flows
    )


def read_flow(plain: dict[str, Any]) -> Flow:
    """Read a flow of a request.

    Raises:
        FlowError: `flow.file.bad_value`.
    """
    try:
        return Flow.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise FlowError(
            f"The flow cannot be read: {where}: {first['msg']}",
            code="flow.file.bad_value",
            hint="Correct the flow; `weft check` names every mistake.",
            params={"path": where},
        ) from error
