"""The programs of called flows that are runs of their own."""

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import Program, ProgramOptions
from weft_engine.flow.file import from_data
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.run import RunRequest


def called_program(request: RunRequest, catalogue: Catalogue) -> Program:
    """The program of a called flow.

    Raises:
        FlowError: the flow is not valid.
    """
    options = ProgramOptions(flows=request.flows, isolate=alone_in(request), called=True)
    return compile_program(from_data(request.flow), catalogue, options)


def alone_in(request: RunRequest) -> frozenset[str]:
    """The paths of nodes that must be units of their own: with breakpoints, or other inputs."""
    stops = (point.node for point in request.breakpoints if not point.sample)
    return frozenset((*stops, *request.overrides, *request.apart))
