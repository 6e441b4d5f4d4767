"""Which rows of an earlier run a new one begins with."""

from collections.abc import Callable, Sequence

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.flow.topology import descendants
from weft_engine.runs.journal.base import RunEntry, StepRow
from weft_engine.runs.run import RunRequest

Keep = Callable[[StepRow], bool]

_WHOLE = frozenset({"completed", "skipped"})


def keeping(
    request: RunRequest,
    program: Program,
    former: RunEntry,
    steps: Sequence[StepRow],
    former_program: Callable[[RunEntry], Program],
) -> Keep:
    """Say what of the former run the new one need not do again.

    | the new run | keeps |
    |---|---|
    | from a node | what neither is that node nor depends on it |
    | with nodes that have not changed only | nodes whose signature is the same as then |
    | neither: another attempt | what completed, and does not depend on what failed |

    Raises:
        FlowError: `run.unknown_node`.
    """
    flow, before = program.flow, former_program(former)
    again = {name for name in flow.nodes if name not in _restorable(program, before)}
    if request.only_changed:
        again |= _changed(request, program, former, before)
    elif request.from_node is not None:
        again |= _from(flow, _outermost(request.from_node))
    else:
        failed = {_outermost(row.node) for row in steps if row.state == "failed"}
        # The inside of a container that failed goes on where it was.
        again |= set().union(*(descendants(flow, node) for node in failed if node in flow.nodes))
    return lambda row: _outermost(row.node) not in again and row.state in _WHOLE


def _restorable(program: Program, before: Program) -> set[str]:
    """Nodes whose outputs the journal has as they are needed now.

    Of a stretch of nodes only what leaves it is kept; so it must be the same stretch, and nothing
    else may be read from it.
    """
    known = {unit.nodes: _read(before, unit.nodes) for unit in before.top.units}
    return {
        name
        for unit in program.top.units
        if unit.nodes in known and _read(program, unit.nodes) <= known[unit.nodes]
        for name in unit.nodes
    }


def _read(program: Program, nodes: tuple[str, ...]) -> set[tuple[str, str]]:
    return {
        (edge.source, edge.source_port)
        for edge in program.flow.edges
        if edge.source in nodes and edge.target not in nodes
    }


def _from(flow: Flow, node: str) -> set[str]:
    if node not in flow.nodes:
        raise FlowError(
            f"The flow has no node {node!r}.",
            code="run.unknown_node",
            hint="Choose a node of the flow.",
            params={"node": node},
        )
    return set(descendants(flow, node)) | {node}


def _changed(
    request: RunRequest,
    program: Program,
    former: RunEntry,
    before: Program,
) -> set[str]:
    flow = program.flow
    same_world = (
        request.inputs == former.request.inputs
        and request.trigger == former.request.trigger
        and flow.variables == before.flow.variables
    )
    if not same_world:
        return set(flow.nodes)
    return {
        node
        for node in flow.nodes
        if program.signatures.get(node) is None
        or program.signatures[node] != before.signatures.get(node)
    }


def _outermost(path: str) -> str:
    return path.partition("/")[0]
