"""How a flow will be carried out, for people to look at: `weft plan`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.choice import CONCURRENCY
from weft_engine.compiler.lower import lower
from weft_engine.compiler.lowered import Given
from weft_engine.compiler.optimise.notes import in_chinese
from weft_engine.compiler.program import Program, ProgramOptions, ScopePlan, Unit
from weft_engine.compiler.selection import Selection
from weft_engine.compiler.taps import Tap
from weft_engine.flow.model import Flow
from weft_engine.kernel.operators.base import Batch
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext
from weft_engine.nodes.port_type import PortType

_PLAIN: Final = ProgramOptions()


def plan(flow: Flow, catalogue: Catalogue, options: ProgramOptions = _PLAIN) -> dict[str, Any]:
    """How a flow would be run.

    Returns:
        `scopes`, each with its `units` (what the scheduler starts: `kind`, `nodes`, `before`,
        `why` it is a unit, `width`: how many calls of it may be under way); `nodes` with what they
        give and the scope and unit they are in; `edges` with what happens on the way (`lift`,
        `collect`, …); the `chains` of operators that the stretches run as, and the `exchanges`
        between them; `width`, how much may be under way side by side at most; `notes` of what was
        optimised; `hash`, and `signatures` of the nodes whose outputs may be used again.

    Raises:
        FlowError: `flow.invalid`.
    """
    program = compile_program(flow, catalogue, options)
    return _Describing(program, flow).run()


class _Describing:
    def __init__(self, program: Program, flow: Flow) -> None:
        self.program = program
        self.flow = flow
        self.chains: list[dict[str, Any]] = []
        self.exchanges: list[dict[str, Any]] = []
        self.nodes: dict[str, Any] = {}
        self.edges: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        plans = list(_scopes(self.program.top))
        failing = list(_scopes(self.program.on_error)) if self.program.on_error else []
        scopes = [
            self._scope(scope, on_error=at >= len(plans))
            for at, scope in enumerate([*plans, *failing])
        ]
        return {
            "flow": self.flow.name,
            "mode": self.flow.mode,
            "parallelism": self.flow.parallelism or 1,
            "width": width(self.program.top),
            "hash": self.program.hash,
            "scopes": scopes,
            "nodes": self.nodes,
            "edges": sorted(self.edges, key=lambda edge: str(edge["id"])),
            "chains": self.chains,
            "exchanges": self.exchanges,
            "signatures": dict(self.program.signatures),
            "notes": [
                {
                    "rule": note.rule,
                    "nodes": list(note.nodes),
                    "message": note.message,
                    "zh": in_chinese(note),
                    "key": note.key,
                    "params": dict(note.params),
                    "done": note.done,
                }
                for note in self.program.notes
            ],
        }

    def _scope(self, scope: ScopePlan, *, on_error: bool) -> dict[str, Any]:
        prefix = "".join(f"{part.partition('@')[0]}/" for part in scope.path.split("/") if part)
        wiring = scope.compiled.wiring
        skipped: dict[str, str] = {}
        units = [self._unit(scope, unit, prefix, skipped) for unit in scope.units]
        for name in wiring.order:
            if name not in scope.given:
                self.nodes[prefix + name] = self._node(scope, name, skipped.get(name))
        for key, edge in wiring.edges.items():
            told = {"id": key, "how": edge.how, "type": str(edge.type), "live": edge.live}
            self.edges.append({**told, "scope": scope.path})
        return {
            "path": scope.path,
            "container": scope.container,
            "section": scope.section,
            "on_error": on_error,
            "given": {name: sorted(ports) for name, ports in scope.given.items()},
            "reads": {name: [list(read) for read in reads] for name, reads in
                      scope.captures.items()},
            "units": units,
            "width": width(scope),
        }  # fmt: skip

    def _node(self, scope: ScopePlan, name: str, skipped: str | None) -> dict[str, Any]:
        wired = scope.compiled.wiring.nodes[name]
        work = scope.compiled.works.get(name)
        if wired.state != "runs":
            skipped = "disabled" if wired.state == "disabled" else "input_skipped"
        elif name in scope.unused:
            skipped = "unused"
        return {
            "type": scope.compiled.flow.nodes[name].type,
            "works": work.kind if work is not None else None,
            "scope": scope.path,
            "unit": scope.unit_of.get(name),
            "lifted": wired.lifted,
            "over": wired.over,
            "outputs": {port: str(output.type) for port, output in wired.outputs.items()},
            "skipped": skipped,
        }

    def _unit(
        self, scope: ScopePlan, unit: Unit, prefix: str, skipped: dict[str, str]
    ) -> dict[str, Any]:
        chains = self._chains(scope, unit, prefix, skipped) if unit.kind == "stream" else []
        return {
            "id": unit.id,
            "kind": unit.kind,
            "nodes": [prefix + name for name in unit.nodes],
            "before": sorted(unit.before),
            "why": unit.why,
            "width": unit_width(scope, unit),
            "chains": chains,
        }

    def _chains(
        self, scope: ScopePlan, unit: Unit, prefix: str, skipped: dict[str, str]
    ) -> list[int]:
        """The chains that a stretch runs as."""
        members = frozenset(unit.nodes)
        given = {
            (edge.source, edge.source_port): Given(records=tuple)
            for edge in scope.compiled.flow.edges
            if edge.target in members and edge.source not in members
        }
        lowered = lower(
            scope.compiled,
            Selection(members),
            context=lambda node: _Context(node, self.flow),
            tap=_no_tap,
            given=given,
        )
        skipped.update(lowered.skipped)
        physical = make_plan(lowered.graph).describe()
        first = len(self.chains)
        for chain in physical["chains"]:
            operators = [
                {
                    "node": prefix + owner if (owner := operator.get("owner")) else None,
                    "kind": operator["kind"],
                    "name": operator["name"],
                }
                for operator in chain["operators"]
            ]
            self.chains.append({
                "id": first + chain["id"], "scope": scope.path, "unit": unit.id,
                "operators": operators,
            })  # fmt: skip
        self.exchanges += [
            {**edge, "from": first + edge["from"], "to": first + edge["to"], "kind": "forward"}
            for edge in physical["edges"]
        ]
        return [first + chain["id"] for chain in physical["chains"]]


def _scopes(plan: ScopePlan) -> Iterator[ScopePlan]:
    """A scope and all in it."""
    yield plan
    for sections in plan.inner.values():
        for inner in sections.values():
            if inner.units:
                yield from _scopes(inner)


def width(scope: ScopePlan) -> int:
    """How much of a scope may be under way side by side: an estimate.

    Units that are equally far from the beginning are taken to meet.
    """
    far: dict[int, int] = {}
    found: dict[int, int] = {}
    for unit in scope.units:
        far[unit.id] = max((far[one] + 1 for one in unit.before), default=0)
        at = far[unit.id]
        found[at] = found.get(at, 0) + unit_width(scope, unit)
    return max(found.values(), default=0)


def unit_width(scope: ScopePlan, unit: Unit) -> int:
    """How many calls of a unit may be under way: an estimate."""
    if unit.kind in ("call", "stream"):
        return 1
    name = unit.nodes[0]
    usual = CONCURRENCY if scope.compiled.works[name].asynchronous else 1
    wanted = getattr(scope.compiled.nodes[name], "concurrency", usual)
    most = wanted if isinstance(wanted, int) else usual
    if unit.kind == "map":
        return most
    inside = max((width(inner) for inner in scope.inner.get(name, {}).values()), default=0)
    return most * max(inside, 1)


class _NoTap:
    def take(self, batch: Batch, /) -> None:
        return

    def ended(self, *, absent: bool) -> None:
        return


def _no_tap(node: str, port: str, kind: PortType) -> Tap:
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


class _Context(NodeContext):
    """What a node is given to plan with."""

    run_id = "plan"
    node_id = ""
    scope = ""
    attempt = 1
    idempotency_key = ""
    http = None
    index = None
    signal = None
    failure = None
    event = None
    nodes: Mapping[str, Any] = MappingProxyType({})
    variables: Mapping[str, Any] = MappingProxyType({})
    inputs: Mapping[str, Any] = MappingProxyType({})
    logger = _Silent()
    files = _Silent()

    def __init__(self, node: str, flow: Flow) -> None:
        self.node_id = node
        self.variables = MappingProxyType(dict(flow.variables))
        self.inputs = MappingProxyType(
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
