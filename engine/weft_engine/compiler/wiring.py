"""What every edge carries and how every node works: types, lifting, pairing, skipping.

`infer` works on any flow, whole or broken, and never raises. The canvas marks edges by it, the
check finds problems with it, and lowering follows it without deriving types again.

What lies in a container is derived in the middle of the scope around it: the types of its inner
outputs follow from what arrives at it, and those of its outer outputs from what arrives at its
inner inputs. A body works on values; a stream that leads to an inner input is collected.

A stream has an *origin*, the port where its records are made. A node that works record by record
passes the origin on, so two streams of the same origin are in step and can be paired; a node that
makes another number of records, or orders them anew, starts an origin of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from weft_engine.compiler.scopes import Scope, Scopes, split
from weft_engine.compiler.variables import bind, fill, matched
from weft_engine.flow.model import Edge, Flow
from weft_engine.flow.topology import incoming, sort
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.fits import Fit, How, fits
from weft_engine.nodes.port_type import ANY, ROW, PortType, list_of, stream_of
from weft_engine.nodes.spec import ERROR_PORT, NodeSpec, Port

State = Literal["runs", "disabled", "skipped"]
TOP: Final = "."
"""Under this name `infer_scopes` has the wiring of the run's own scope."""


class _Inferred(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class OutputWiring(_Inferred):
    """What leaves an output port."""

    type: PortType
    """Its type in this flow: variables filled in, `Stream[…]` when the node is lifted."""
    origin: str | None = None
    """Of a stream: the port `node.port` where its records are made."""


class EdgeWiring(_Inferred):
    """What an edge carries and what happens on the way."""

    fit: Fit
    type: PortType
    """What the source sends."""
    origin: str | None = None
    live: bool = True
    """False when the source is disabled or skipped: the edge carries *skip*."""

    @property
    def how(self) -> How:
        """What happens on the way; empty when the edge does not fit."""
        return self.fit.how


class NodeWiring(_Inferred):
    """How a node works in this flow."""

    lifted: bool = False
    """It takes values and works on each record of a stream."""
    over: str | None = None
    """When lifted: the origin of the records it works on. Edges that fit by `lift` are in step;
    its other inputs are the same for every record."""
    inputs: dict[str, tuple[str, ...]] = {}
    """The edges into each input port, in the order of their ids."""
    outputs: dict[str, OutputWiring] = {}
    variables: dict[str, PortType] = {}
    """What the type variables of its ports stand for."""
    state: State = "runs"
    strangers: tuple[str, ...] = ()
    """Lifted edges whose records are not in step with `over`: the flow has a problem."""
    inner: dict[str, OutputWiring] = {}
    """Of a container: what leaves its inner outputs."""
    exits: dict[str, tuple[str, ...]] = {}
    """Of a container: the edges into each inner input, in the order of their ids."""


class Wiring(_Inferred):
    """What `infer` finds out about a flow."""

    order: tuple[str, ...] = ()
    """All nodes, each after those before it."""
    edges: dict[str, EdgeWiring] = {}
    nodes: dict[str, NodeWiring] = {}

    def output(self, node: str, port: str) -> OutputWiring | None:
        """What leaves a port, or None when the node has no such port."""
        found = self.nodes.get(node)
        return found.outputs.get(port) if found else None


def infer(flow: Flow, catalogue: Catalogue, scopes: Scopes | None = None) -> Wiring:
    """Find out what every edge carries and how every node works; `scopes` saves splitting again."""
    return infer_scopes(flow, catalogue, scopes or split(flow, catalogue))[""]


def infer_scopes(flow: Flow, catalogue: Catalogue, scopes: Scopes) -> dict[str, Wiring]:
    """The wiring of every scope by its path; under the empty path that of the flow as a whole.

    In a scope's own wiring nodes that are given have outputs only, and the edges that are its exits
    stand among the edges. The top scope has its own wiring under `TOP`.
    """
    found: dict[str, Wiring] = {}
    top = _Inference(scopes.top, catalogue, found)
    top.run()
    nodes, edges, sequence = top.everything()
    for edge in flow.edges:
        if edge.id not in edges:
            edges[edge.id] = top.displaced(edge, flow, nodes)
    found[TOP] = found[""]
    found[""] = Wiring(
        order=tuple(sequence), edges={key: edges[key] for key in sorted(edges)}, nodes=nodes
    )
    return found


@dataclass
class _Inference:
    scope: Scope
    catalogue: Catalogue
    found: dict[str, Wiring]
    off: bool = False
    """The container does not run, and so nothing in it does."""
    nodes: dict[str, NodeWiring] = field(default_factory=dict)
    edges: dict[str, EdgeWiring] = field(default_factory=dict)
    inner: dict[str, "list[_Inference]"] = field(default_factory=dict)
    sequence: list[str] = field(default_factory=list)

    @property
    def flow(self) -> Flow:
        return self.scope.flow

    def run(self) -> None:
        into = incoming(self.flow)
        reads = [(node, name) for name, found in self.scope.captures.items() for node, _ in found]
        drawn = [(edge.source, edge.target) for edge in self.flow.edges]
        # What is given is there from the beginning, and has no say in the order of the others.
        own = [name for name in self.flow.nodes if name not in self.scope.given]
        self.sequence = [*sorted(self.scope.given), *sort(own, [*drawn, *reads])]
        for node in self.sequence:
            if node not in self.scope.given:
                self._node(node, into[node])
        for edge in self.flow.edges:
            if edge.id not in self.edges:
                self.edges[edge.id] = self._edge(edge, None)
        edges = {key: self.edges[key] for key in sorted(self.edges)}
        self.found[self.scope.path] = Wiring(
            order=tuple(self.sequence), edges=edges, nodes=dict(self.nodes)
        )

    def everything(self) -> tuple[dict[str, NodeWiring], dict[str, EdgeWiring], list[str]]:
        """What was found here and in all scopes inside."""
        nodes, edges, sequence = {}, dict(self.edges), []
        for name in self.sequence:
            if name in self.scope.given:
                continue
            nodes[name] = self.nodes[name]
            sequence.append(name)
            for inside in self.inner.get(name, ()):
                more_nodes, more_edges, more = inside.everything()
                nodes.update(more_nodes)
                edges.update(more_edges)
                sequence.extend(more)
        return nodes, edges, sequence

    def displaced(self, edge: Edge, flow: Flow, nodes: Mapping[str, NodeWiring]) -> EdgeWiring:
        """An edge that has no place in any scope."""
        for node in (edge.source, edge.target):
            if node not in flow.nodes:
                fit = Fit(ok=False, reason=f"there is no node {node!r}")
                return EdgeWiring(fit=fit, type=ANY, live=edge.source in flow.nodes)
        sent = nodes[edge.source].outputs.get(edge.source_port, OutputWiring(type=ANY))
        fit = Fit(ok=False, reason="it leads out of the container, or into another part of it")
        return EdgeWiring(fit=fit, type=sent.type, origin=sent.origin)

    def _spec(self, node: str) -> NodeSpec | None:
        found = self.flow.nodes.get(node)
        return self.catalogue.spec_of(found) if found else None

    def _node(self, node: str, edges: list[Edge]) -> None:
        spec = self._spec(node)
        inputs: dict[str, tuple[str, ...]] = {}
        for edge in edges:
            self.edges[edge.id] = self._edge(edge, spec)
            if edge.id not in inputs.get(edge.target_port, ()):
                inputs[edge.target_port] = (*inputs.get(edge.target_port, ()), edge.id)
        wired = [self.edges[key] for keys in inputs.values() for key in keys]
        lifts = [key for keys in inputs.values() for key in keys if self.edges[key].how == "lift"]
        over = self.edges[min(lifts)].origin if lifts else self._events(node, spec)
        variables = self._variables(spec, inputs)
        state = self._state(node, spec, inputs, wired)
        inner: dict[str, OutputWiring] = {}
        exits: dict[str, tuple[str, ...]] = {}
        if spec is not None and node in self.scope.inner:
            inner = inner_outputs(spec, variables)
            exits = self._inside(node, spec, inner, variables, state)
        self.nodes[node] = NodeWiring(
            lifted=bool(lifts),
            over=over,
            inputs=inputs,
            outputs=self._outputs(node, spec, variables, over, inputs) if spec else {},
            variables=variables,
            state=state,
            strangers=tuple(sorted(key for key in lifts if self.edges[key].origin != over)),
            inner=inner,
            exits=exits,
        )

    def _inside(
        self,
        node: str,
        spec: NodeSpec,
        inner: dict[str, OutputWiring],
        variables: dict[str, PortType],
        state: State,
    ) -> dict[str, tuple[str, ...]]:
        """Derive the inside of a container; what arrives at its inner inputs binds variables."""
        exits: dict[str, tuple[str, ...]] = {}
        self.inner[node] = []
        for scope in self.scope.inner[node].values():
            inside = _Inference(scope, self.catalogue, self.found, off=state != "runs")
            for name in scope.given:
                known = self.nodes.get(name)
                outputs = inner if name == node else known.outputs if known else {}
                lives = state if name == node else known.state if known else "runs"
                inside.nodes[name] = NodeWiring(outputs=outputs, state=lives)
            inside.run()
            self.inner[node].append(inside)
            for port, edges in scope.exits.items():
                exits[port] = tuple(edge.id for edge in edges)
                inside.leave(edges, spec, variables)
        return exits

    def leave(self, edges: Iterable[Edge], spec: NodeSpec, variables: dict[str, PortType]) -> None:
        """Derive edges that lead to an inner input of the container around."""
        for edge in edges:
            port = spec.inside.input(edge.target_port) if spec.inside is not None else None
            source, sent = self._spec(edge.source), self._sent(edge)
            arriving = list_of(sent.type.inner) if sent.type.stream else sent.type
            if source is not None and not self._has_output(edge, source):
                fit = Fit(ok=False, reason=f"{edge.source!r} has no output {edge.source_port!r}")
            elif port is None:
                fit = Fit(ok=False, reason=f"{edge.target!r} has no input {edge.target_port!r}")
            else:
                fit = fits(arriving, port.type)
                if fit.ok and sent.type.stream:
                    fit = Fit(ok=True, how="collect")
                if fit.ok:
                    bind(port.type, arriving, variables)
            live = self._state_of(edge.source) == "runs"
            self.edges[edge.id] = EdgeWiring(fit=fit, type=sent.type, origin=sent.origin, live=live)
        held = {key: self.edges[key] for key in sorted(self.edges)}
        known = self.found[self.scope.path]
        self.found[self.scope.path] = known.model_copy(update={"edges": held})

    def _edge(self, edge: Edge, target: NodeSpec | None) -> EdgeWiring:
        sent = self._sent(edge)
        live = edge.source in self.flow.nodes and self._state_of(edge.source) == "runs"
        return EdgeWiring(
            fit=self._fit(edge, sent, target), type=sent.type, origin=sent.origin, live=live
        )

    def _fit(self, edge: Edge, sent: OutputWiring, target: NodeSpec | None) -> Fit:
        for node in (edge.source, edge.target):
            if node not in self.flow.nodes:
                return Fit(ok=False, reason=f"there is no node {node!r}")
        source = self._spec(edge.source)
        if source is not None and not self._has_output(edge, source):
            return Fit(ok=False, reason=f"{edge.source!r} has no output {edge.source_port!r}")
        if target is None:
            return Fit(ok=True)
        port = target.input(edge.target_port)
        if port is None:
            return Fit(ok=False, reason=f"{edge.target!r} has no input {edge.target_port!r}")
        return fits(sent.type, port.type) if source is not None else Fit(ok=True)

    def _has_output(self, edge: Edge, source: NodeSpec) -> bool:
        if edge.source in self.scope.given:
            return edge.source_port in self.nodes[edge.source].outputs
        routed = self.flow.nodes[edge.source].on_error == "route"
        return source.output(edge.source_port) is not None or (
            routed and edge.source_port == ERROR_PORT
        )

    def _sent(self, edge: Edge) -> OutputWiring:
        """What the source sends; what is not known fits everywhere."""
        done = self.nodes.get(edge.source)
        if done is not None:
            return done.outputs.get(edge.source_port, OutputWiring(type=ANY))
        spec = self._spec(edge.source)  # on or behind a circle: as declared
        port = spec.output(edge.source_port) if spec else None
        return _declared(edge.source, port) if port else OutputWiring(type=ANY)

    def _variables(
        self, spec: NodeSpec | None, inputs: Mapping[str, tuple[str, ...]]
    ) -> dict[str, PortType]:
        found: dict[str, PortType] = {}
        for name, keys in inputs.items():
            port = spec.input(name) if spec else None
            for edge in (self.edges[key] for key in keys if port):
                if port is not None and edge.fit.ok and edge.how:
                    pattern, actual = matched(port.type, edge.type, edge.how)
                    bind(pattern, actual, found)
        return found

    def _events(self, node: str, spec: NodeSpec | None) -> str | None:
        """Of a trigger of a live stream: its events are the records of one."""
        live = self.flow.mode == "streaming" and spec is not None and spec.category == "trigger"
        return f"{node}.event" if live else None

    def _single(self, node: str, spec: NodeSpec, inputs: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether a node that composes operators gives single values here."""
        arriving = [self.edges[key].how for keys in inputs.values() for key in keys]
        if not arriving or any(how != "single" for how in arriving):
            return False
        return spec.may_be_single(self.flow.nodes[node].settings)

    def _outputs(
        self,
        node: str,
        spec: NodeSpec,
        variables: Mapping[str, PortType],
        over: str | None,
        inputs: Mapping[str, tuple[str, ...]],
    ) -> dict[str, OutputWiring]:
        ports = list(spec.outputs)
        if self.flow.nodes[node].on_error == "route" and spec.output(ERROR_PORT) is None:
            kind = ROW if spec.works == "process" else stream_of(ROW)
            ports.append(Port(name=ERROR_PORT, type=kind))
        found: dict[str, OutputWiring] = {}
        single = self._single(node, spec, inputs)
        for port in ports:
            kind = fill(port.type, variables)
            if kind.stream and single and port.name != ERROR_PORT:
                found[port.name] = OutputWiring(type=kind.inner)
            elif kind.stream:
                found[port.name] = OutputWiring(type=kind, origin=f"{node}.{port.name}")
            elif over is not None:
                found[port.name] = OutputWiring(type=stream_of(kind), origin=over)
            else:
                found[port.name] = OutputWiring(type=kind)
        return found

    def _state(
        self,
        node: str,
        spec: NodeSpec | None,
        inputs: Mapping[str, tuple[str, ...]],
        wired: list[EdgeWiring],
    ) -> State:
        if self.flow.nodes[node].disabled:
            return "disabled"
        if self.off:
            return "skipped"
        if spec is None:
            return "skipped" if wired and not any(edge.live for edge in wired) else "runs"
        for port in spec.inputs:
            keys = inputs.get(port.name, ())
            if port.required and keys and not any(self.edges[key].live for key in keys):
                return "skipped"
        lifting = [edge.live for edge in wired if edge.how == "lift"]
        return "skipped" if lifting and not any(lifting) else "runs"

    def _state_of(self, node: str) -> State:
        done = self.nodes.get(node)
        if done is not None:
            return done.state
        return "disabled" if self.flow.nodes[node].disabled else "runs"


def inner_outputs(spec: NodeSpec, variables: Mapping[str, PortType]) -> dict[str, OutputWiring]:
    """What leaves the inner outputs of a container."""
    ports = spec.inside.outputs if spec.inside is not None else ()
    return {port.name: OutputWiring(type=fill(port.type, variables)) for port in ports}


def _declared(node: str, port: Port) -> OutputWiring:
    kind = fill(port.type, {})
    return OutputWiring(type=kind, origin=f"{node}.{port.name}" if kind.stream else None)
