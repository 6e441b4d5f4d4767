"""Flows as programs: made once, however often they are run."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.compiler.selection import Selection, select
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.outputs import OutputRef, reference
from weft_engine.runs.run import RunRequest

_MOST: Final = 64


class Programs:
    """Programs by what they were made of; for several threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Program] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: RunRequest, catalogue: Catalogue) -> tuple[Program, Selection | None]:
        """The program of a run, and the nodes of it that take part; all of them when None.

        Raises:
            FlowError: the flow cannot be read, is not valid, or lacks a node that was named.
        """
        if request.forked_from is None and (request.from_node or request.to_node):
            return _part(request, catalogue)
        key = hashlib.sha256(
            msgspec.json.encode([request.flow, request.flows, sorted(_isolated(request))])
        ).digest()
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                return found, None
        found = compile_program(read_flow(request.flow), catalogue, _options(request))
        with self._lock:
            self._known[key] = found
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found, None


def earlier(request: RunRequest) -> dict[str, dict[str, OutputRef]]:
    """References to earlier outputs, which were told alone or within their event."""
    return {
        node: {port: reference(kept.get("ref", kept)) for port, kept in ports.items()}
        for node, ports in request.reuse.items()
    }


def _part(request: RunRequest, catalogue: Catalogue) -> tuple[Program, Selection]:
    """A part of a flow, made for its run alone: problems elsewhere do not matter."""
    flow, kept = read_flow(request.flow), earlier(request)

    def reusable(node: str, ports: Any) -> bool:
        there = kept.get(node, {})
        return all(port in there and there[port].whole for port in ports)

    selection = select(
        flow, from_node=request.from_node, to_node=request.to_node, reusable=reusable
    )
    program = compile_program(flow, catalogue, _options(request), only=selection.run)
    return program, selection


def _options(request: RunRequest) -> ProgramOptions:
    return ProgramOptions(isolate=_isolated(request), flows=request.flows)


def _isolated(request: RunRequest) -> frozenset[str]:
    return frozenset(point.node for point in request.breakpoints)


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
