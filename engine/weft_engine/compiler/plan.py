"""The physical plan of a flow, for people to look at: `weft plan`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from weft_engine.compiler.compiled import Compiled, compile_flow
from weft_engine.compiler.lower import Lowered, lower
from weft_engine.compiler.selection import Selection
from weft_engine.flow.model import Flow
from weft_engine.kernel.operators.base import Batch
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.port_type import PortType


def plan(flow: Flow, catalogue: Catalogue) -> dict[str, Any]:
    """How a flow would be run.

    Returns:
        `nodes` with what they take and give, `edges` with what happens on the way (`lift`,
        `collect`, …), `regions` of nodes that work alike, `chains` of operators that run as one,
        `exchanges` between them, and `parallelism`.

    Raises:
        FlowError: `flow.invalid`.
    """
    compiled = compile_flow(flow, catalogue)
    lowered = lower(
        compiled,
        Selection(frozenset(flow.nodes)),
        context=lambda node: _Context(node, flow),
        tap=_no_tap,
    )
    physical = make_plan(lowered.graph).describe()
    regions = _regions(compiled, catalogue)
    return {
        "flow": flow.name,
        "nodes": _nodes(compiled, lowered, regions),
        "edges": _edges(compiled),
        "regions": [
            {"id": number, "kind": kind, "nodes": names}
            for number, (kind, names) in enumerate(regions)
        ],
        "chains": physical["chains"],
        "exchanges": [{**edge, "kind": "forward"} for edge in physical["edges"]],
        "parallelism": 1,
    }


def _nodes(
    compiled: Compiled, lowered: Lowered, regions: list[tuple[str, list[str]]]
) -> dict[str, Any]:
    region = {name: number for number, (_, names) in enumerate(regions) for name in names}
    found: dict[str, Any] = {}
    for name in compiled.wiring.order:
        wiring = compiled.wiring.nodes[name]
        found[name] = {
            "type": compiled.flow.nodes[name].type,
            "works": compiled.works[name].kind,
            "lifted": wiring.lifted,
            "over": wiring.over,
            "region": region[name],
            "outputs": {port: str(output.type) for port, output in wiring.outputs.items()},
            "operators": [vertex.id for vertex in lowered.graph.of_owner(name)],
            "skipped": lowered.skipped.get(name),
        }
    return found


def _edges(compiled: Compiled) -> list[dict[str, Any]]:
    return [
        {"id": key, "how": edge.how, "type": str(edge.type), "live": edge.live}
        for key, edge in compiled.wiring.edges.items()
    ]


def _regions(compiled: Compiled, catalogue: Catalogue) -> list[tuple[str, list[str]]]:
    """Neighbours of the same kind, stream or run, form a region."""
    kinds: dict[str, str] = {}
    for name, node in compiled.flow.nodes.items():
        spec = catalogue.spec(node.type)
        kinds[name] = spec.traits.region if spec is not None else "run"
    leader = {name: name for name in kinds}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for edge in compiled.flow.edges:
        if kinds.get(edge.source) is not None and kinds.get(edge.source) == kinds.get(edge.target):
            leader[find(edge.target)] = find(edge.source)
    groups: dict[str, list[str]] = {}
    for name in compiled.wiring.order:
        groups.setdefault(find(name), []).append(name)
    return [(kinds[names[0]], names) for names in groups.values()]


class _NoTap:
    def take(self, batch: Batch, /) -> None:
        return

    def ended(self, *, absent: bool) -> None:
        return


def _no_tap(node: str, port: str, kind: PortType) -> _NoTap:
    return _NoTap()


class _Silent:
    """A log that nobody reads, and files that nobody opens: nothing runs."""

    def info(self, message: str, /, *args: Any) -> None:
        return

    def warning(self, message: str, /, *args: Any) -> None:
        return

    def error(self, message: str, /, *args: Any) -> None:
        return

    def open_read(self, path: str) -> Path:
        return Path(path)

    def open_write(self, path: str) -> Path:
        return Path(path)


class _Context:
    """What a node is given to plan with."""

    run_id = "plan"
    http = None
    logger = _Silent()
    files = _Silent()
    index = None
    signal = None
    failure = None
    nodes: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, node: str, flow: Flow) -> None:
        self.node_id = node
        self.variables: Mapping[str, Any] = MappingProxyType(dict(flow.variables))
        self.inputs: Mapping[str, Any] = MappingProxyType(
            {name: declared.default for name, declared in flow.inputs.items()}
        )

    def set_variable(self, name: str, value: Any) -> None:
        return

    def progress(self, done: float, total: float | None = None) -> None:
        return

    def cancelled(self) -> bool:
        return False

    def now(self) -> datetime:
        return datetime.now(UTC)
