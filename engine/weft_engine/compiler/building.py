"""From a flow to the program that a run executes.

    compile_program(flow, catalogue, options) -> Program

The flow is checked, split into scopes, and each scope is cut into units. Flows that it calls are
scopes of their own inside it; those that are called `isolated` are not, as they are runs of their
own. What lies behind `control.on_error` is a scope apart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from weft_engine.compiler.calling import CALL, ON_ERROR, called, is_isolated
from weft_engine.compiler.check import check
from weft_engine.compiler.compiled import build_nodes, must_be_valid
from weft_engine.compiler.optimise import optimised
from weft_engine.compiler.optimise.dead import fixed_variables
from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.program import Program, ProgramOptions, ScopePlan, Unit
from weft_engine.compiler.scopes import Scope, Scopes, split
from weft_engine.compiler.signatures import digest, signatures
from weft_engine.compiler.units import Kind, cut, kind_of
from weft_engine.compiler.wiring import TOP, NodeWiring, Wiring, infer_scopes
from weft_engine.flow.file import from_data
from weft_engine.flow.model import Flow
from weft_engine.flow.topology import reach
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import BODY

_COSMETIC = {"name", "position", "parent", "notes"}
_PLAIN = ProgramOptions()


def compile_program(
    flow: Flow,
    catalogue: Catalogue,
    options: ProgramOptions = _PLAIN,
    *,
    only: Collection[str] | None = None,
) -> Program:
    """Make the program of a flow.

    Args:
        flow: The flow.
        catalogue: The node types it may use.
        options: What of the run matters.
        only: Nodes of the run's own scope to look at, with what lies in them: problems of others
            do not matter, and they are in no unit.

    Raises:
        FlowError: `flow.invalid`, with the problems in `params`.
    """
    scopes = split(flow, catalogue)
    wirings = infer_scopes(flow, catalogue, scopes)
    found = check(flow, catalogue, wiring=wirings[""], scopes=scopes, flows=options.flows)
    must_be_valid(found, only, scopes)
    building = _Building(flow, catalogue, options)
    top, on_error = building.flow(scopes, wirings, only=only)
    described = [_described(top), _described(on_error) if on_error else None]
    if options.called:
        top = _as_called(top)
        described.append("called")
    return Program(
        flow=flow,
        top=top,
        on_error=on_error,
        hash=digest(described),
        signatures=signatures(top, catalogue),
        notes=building.notes.all(),
        options=options,
        only=frozenset(only) if only is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the scopes of a flow lie: a called flow lies in the node that calls it."""

    path: str = ""
    container: str | None = None

    def under(self, path: str) -> str:
        return f"{self.path}/{path}" if self.path and path else self.path or path


_ROOT = _Place()


class _Building:
    def __init__(self, flow: Flow, catalogue: Catalogue, options: ProgramOptions) -> None:
        self.catalogue = catalogue
        self.options = options
        self.notes = Notes()
        self.fixed = fixed_variables(flow, catalogue)

    def flow(
        self,
        scopes: Scopes,
        wirings: Mapping[str, Wiring],
        place: _Place = _ROOT,
        *,
        only: Collection[str] | None = None,
    ) -> tuple[ScopePlan, ScopePlan | None]:
        """The plan of a flow's own scope, and of what is done when the run fails."""
        top, wiring = scopes.top, wirings[TOP]
        handling = _handling(top)
        on_error = None
        if handling:
            part, wired = _part(top, wiring, handling)
            on_error = self._plan(part, wired, wirings, place, only)
            top, wiring = _part(top, wiring, set(top.own) - handling)
        plan = self._plan(top, wiring, wirings, place, only, on_error)
        return replace(plan, container=place.container, outputs=_outputs(plan, place)), on_error

    def _plan(
        self,
        scope: Scope,
        wiring: Wiring,
        wirings: Mapping[str, Wiring],
        place: _Place,
        only: Collection[str] | None,
        on_error: ScopePlan | None = None,
    ) -> ScopePlan:
        names = [name for name in scope.own if only is None or name in only]
        compiled = build_nodes(scope.flow, wiring, self.catalogue, names)
        path = place.under(scope.path)
        running = {name for name in names if wiring.nodes[name].state == "runs"}
        node_path = "/".join(part.partition("@")[0] for part in path.split("/")) if path else ""

        def kind(name: str) -> Kind:
            spec = self.catalogue.spec_of(scope.flow.nodes[name])
            if spec is None:
                raise LookupError(scope.flow.nodes[name].type)
            here = f"{node_path}/{name}" if node_path else name
            return kind_of(
                compiled.works[name],
                spec.traits,
                lifted=wiring.nodes[name].lifted,
                isolated=here in self.options.isolate,
            )

        def without(plan: ScopePlan, unused: Collection[str]) -> ScopePlan:
            left = cut(scope, wiring, running - set(unused), kind)
            return replace(plan, units=left, unit_of=_unit_of(left), unused=frozenset(unused))

        variables = self.fixed if place is _ROOT else {}
        units = cut(scope, wiring, running, kind)
        plan = ScopePlan(
            path=path,
            container=scope.container,
            section=scope.section,
            compiled=compiled,
            given=scope.given,
            exits=scope.exits,
            units=units,
            unit_of=_unit_of(units),
            inner={
                name: self._inside(scope, name, wirings, place, path) if name in running else {}
                for name in scope.inner
                if name in compiled.nodes
            },
            captures=scope.captures,
        )
        outermost = place is _ROOT and scope.container is None
        return optimised(
            plan,
            self.options,
            variables,
            self.notes,
            reads=on_error.given if on_error is not None else {},
            without=without if outermost and on_error is None else None,
        )

    def _inside(
        self,
        scope: Scope,
        name: str,
        wirings: Mapping[str, Wiring],
        place: _Place,
        path: str,
    ) -> dict[str, ScopePlan]:
        node = scope.flow.nodes[name]
        if node.type != CALL:
            return {
                section: self._plan(inner, wirings[inner.path], wirings, place, None)
                for section, inner in scope.inner[name].items()
            }
        data = self.options.flows.get(called(node))
        if is_isolated(node) or data is None:
            return {}
        inside = _Place(f"{path}/{name}" if path else name, name)
        callee = from_data(data)
        scopes = split(callee, self.catalogue)
        return {BODY: self.flow(scopes, infer_scopes(callee, self.catalogue, scopes), inside)[0]}


def _unit_of(units: Iterable[Unit]) -> dict[str, int]:
    return {name: unit.id for unit in units for name in unit.nodes}


def _as_called(top: ScopePlan) -> ScopePlan:
    """The scope of a flow that is called as a run of its own: its values are read outside."""
    names = top.outputs
    if not top.compiled.flow.outputs:
        names = tuple(name for name in names if top.compiled.wiring.nodes[name].outputs)
    return replace(top, container=CALL, outputs=names)


def _outputs(plan: ScopePlan, place: _Place) -> tuple[str, ...]:
    """The nodes whose outputs are the flow's: those marked, else its leaves."""
    flow = plan.compiled.flow
    if flow.outputs:
        return tuple(name for name in flow.outputs if name not in plan.given)
    read = {edge.source for edge in flow.edges if edge.target in plan.compiled.nodes}
    read |= {name for reads in plan.captures.values() for name, _ in reads}
    leaves = [name for name in sorted(plan.compiled.nodes) if name not in read]
    if place.container is not None:
        leaves = [name for name in leaves if plan.compiled.wiring.nodes[name].outputs]
    return tuple(leaves)


def _handling(top: Scope) -> set[str]:
    """The nodes that run when the run has failed."""
    begin = [name for name, node in top.flow.nodes.items() if node.type == ON_ERROR]
    after: dict[str, list[str]] = {}
    for edge in top.flow.edges if begin else ():
        after.setdefault(edge.source, []).append(edge.target)
    for container, reads in top.captures.items():
        for name, _ in reads:
            after.setdefault(name, []).append(container)
    return {*begin}.union(*(reach(after, name) for name in begin))


def _part(scope: Scope, wiring: Wiring, names: Collection[str]) -> tuple[Scope, Wiring]:
    """A part of a scope as a scope; what it reads of the rest is given."""
    edges = [edge for edge in scope.flow.edges if edge.target in names]
    captures = {name: reads for name, reads in scope.captures.items() if name in names}
    given: dict[str, set[str]] = {}
    reads = [(edge.source, edge.source_port) for edge in edges]
    for name, port in (*reads, *(read for found in captures.values() for read in found)):
        if name not in names:
            given.setdefault(name, set()).add(port)
    kept = [name for name in scope.flow.nodes if name in names or name in given]
    outputs = tuple(name for name in scope.flow.outputs if name in names)
    changes: dict[str, Any] = {
        "nodes": {name: scope.flow.nodes[name] for name in kept},
        "edges": tuple(edges),
        "outputs": outputs,
    }
    nodes = {
        name: wiring.nodes[name]
        if name in names
        else NodeWiring(outputs=wiring.nodes[name].outputs, state=wiring.nodes[name].state)
        for name in kept
    }
    wired = Wiring(
        order=tuple(name for name in wiring.order if name in nodes),
        edges={edge.id: wiring.edges[edge.id] for edge in edges},
        nodes=nodes,
    )
    part = replace(
        scope,
        flow=scope.flow.model_copy(update=changes),
        given={name: frozenset(ports) for name, ports in sorted(given.items())},
        captures=captures,
        inner={name: inner for name, inner in scope.inner.items() if name in names},
    )
    return part, wired


def _described(plan: ScopePlan) -> Any:
    """What of a scope decides what a run of it does, as plain data."""
    flow = plan.compiled.flow
    return {
        "path": plan.path,
        "nodes": {
            name: node.model_dump(mode="json", exclude_defaults=True, exclude=_COSMETIC)
            for name, node in flow.nodes.items()
            if name in plan.compiled.nodes
        },
        "edges": [edge.id for edge in flow.edges],
        "inputs": {
            name: given.model_dump(mode="json", exclude={"description"})
            for name, given in flow.inputs.items()
        },
        "variables": flow.variables,
        "given": {name: sorted(ports) for name, ports in plan.given.items()},
        "exits": _ids(plan.exits.values()),
        "units": [[unit.kind, list(unit.nodes), sorted(unit.before)] for unit in plan.units],
        "outputs": list(plan.outputs),
        "inner": {
            name: {section: _described(inner) for section, inner in sections.items()}
            for name, sections in plan.inner.items()
        },
    }


def _ids(exits: Iterable[Iterable[Any]]) -> list[str]:
    return sorted(edge.id for edges in exits for edge in edges)
