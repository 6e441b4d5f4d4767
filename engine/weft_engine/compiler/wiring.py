"""What every edge carries and how every node works: types, lifting, pairing, skipping.

`infer` works on any flow, whole or broken, and never raises. The canvas marks edges by it, the
check finds problems with it, and lowering follows it without deriving types again.

A stream has an *origin*, the port where its records are made. A node that works record by record
passes the origin on, so two streams of the same origin are in step and can be paired; a node that
makes another number of records, or orders them anew, starts an origin of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from weft_engine.flow.model import Edge, Flow
from weft_engine.flow.topology import incoming, order
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.fits import Fit, How, common, fits
from weft_engine.nodes.port_type import ANY, ROW, PortType, optional, stream_of
from weft_engine.nodes.spec import ERROR_PORT, NodeSpec, Port

State = Literal["runs", "disabled", "skipped"]


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


def infer(flow: Flow, catalogue: Catalogue) -> Wiring:
    """Find out what every edge carries and how every node works."""
    return _Inference(flow, catalogue).run()


@dataclass
class _Inference:
    flow: Flow
    catalogue: Catalogue
    edges: dict[str, EdgeWiring] = field(default_factory=dict)
    nodes: dict[str, NodeWiring] = field(default_factory=dict)

    def run(self) -> Wiring:
        into = incoming(self.flow)
        sequence = order(self.flow)
        for node in sequence:
            self._node(node, into[node])
        for edge in self.flow.edges:
            if edge.id not in self.edges:
                self.edges[edge.id] = self._edge(edge, None)
        edges = {key: self.edges[key] for key in sorted(self.edges)}
        return Wiring(order=tuple(sequence), edges=edges, nodes=self.nodes)

    def _spec(self, node: str) -> NodeSpec | None:
        found = self.flow.nodes.get(node)
        return self.catalogue.spec(found.type) if found else None

    def _node(self, node: str, edges: list[Edge]) -> None:
        spec = self._spec(node)
        inputs: dict[str, tuple[str, ...]] = {}
        for edge in edges:
            self.edges[edge.id] = self._edge(edge, spec)
            if edge.id not in inputs.get(edge.target_port, ()):
                inputs[edge.target_port] = (*inputs.get(edge.target_port, ()), edge.id)
        wired = [self.edges[key] for keys in inputs.values() for key in keys]
        lifts = [key for keys in inputs.values() for key in keys if self.edges[key].how == "lift"]
        over = self.edges[min(lifts)].origin if lifts else None
        variables = self._variables(spec, inputs)
        self.nodes[node] = NodeWiring(
            lifted=bool(lifts),
            over=over,
            inputs=inputs,
            outputs=self._outputs(node, spec, variables, over) if spec else {},
            variables=variables,
            state=self._state(node, spec, inputs, wired),
            strangers=tuple(sorted(key for key in lifts if self.edges[key].origin != over)),
        )

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
                    pattern, actual = _matched(port.type, edge)
                    _bind(pattern, actual, found)
        return found

    def _outputs(
        self, node: str, spec: NodeSpec, variables: Mapping[str, PortType], over: str | None
    ) -> dict[str, OutputWiring]:
        ports = list(spec.outputs)
        if self.flow.nodes[node].on_error == "route" and spec.output(ERROR_PORT) is None:
            kind = ROW if spec.works == "process" else stream_of(ROW)
            ports.append(Port(name=ERROR_PORT, type=kind))
        found: dict[str, OutputWiring] = {}
        for port in ports:
            kind = fill(port.type, variables)
            if kind.stream:
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
        if spec is None:
            return "skipped" if wired and not any(edge.live for edge in wired) else "runs"
        for port in spec.inputs:
            keys = inputs.get(port.name, ())
            if port.required and keys and not any(self.edges[key].live for key in keys):
                return "skipped"
        return "runs"

    def _state_of(self, node: str) -> State:
        done = self.nodes.get(node)
        if done is not None:
            return done.state
        return "disabled" if self.flow.nodes[node].disabled else "runs"


def fill(kind: PortType, variables: Mapping[str, PortType]) -> PortType:
    """Put what the variables stand for in their place; one that stands for nothing is `Any`."""
    if kind.item is not None:
        item = fill(kind.item, variables)
        if kind.stream:
            return stream_of(item)
        return optional(item) if kind.optional else PortType(kind.name, item)
    return variables.get(kind.name, ANY) if kind.variable else kind


def _declared(node: str, port: Port) -> OutputWiring:
    kind = fill(port.type, {})
    return OutputWiring(type=kind, origin=f"{node}.{port.name}" if kind.stream else None)


def _matched(port: PortType, edge: EdgeWiring) -> tuple[PortType, PortType]:
    """The two types that face each other once the edge's conversion is done."""
    sent = edge.type
    if edge.how == "lift":
        return port, sent.inner
    if edge.how == "collect":
        wanted = port.inner if port.optional else port
        return wanted.inner, sent.inner
    if edge.how == "explode":
        return port.inner, sent.inner
    if edge.how == "single":
        return port.inner, sent
    return port, sent


def _bind(pattern: PortType, actual: PortType, found: dict[str, PortType]) -> None:
    if pattern.variable:
        known = found.get(pattern.name)
        found[pattern.name] = actual if known is None else common(known, actual)
    elif pattern.item is not None and actual.item is not None and pattern.name == actual.name:
        _bind(pattern.item, actual.item, found)
    elif pattern.optional and pattern.item is not None:
        _bind(pattern.item, actual, found)
