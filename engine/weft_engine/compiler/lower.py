"""From a compiled flow to the kernel's logical graph.

Single values are streams of one record that either come or, when a port is not taken, do not take
part (`absent`). Nodes with `process` become one operator each, called once or, lifted, for every
record; nodes with `build` compose operators themselves. Behind every output stands a tap.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from weft_engine.compiler.activation import Absent, DropSkips, Present
from weft_engine.compiler.ahead import SparingTap, ask_ahead, spared_in
from weft_engine.compiler.calls import Call, Input
from weft_engine.compiler.choice import choose
from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.lowered import Given, Lowered, LoweredNode, NodeBuildError, policy_of
from weft_engine.compiler.selection import Selection
from weft_engine.compiler.taps import VIEW, MakeTap, Tap, TapOperator
from weft_engine.flow.model import Edge, Node
from weft_engine.kernel.graph import Graph, Ref
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.node_type import NodeContext
from weft_engine.nodes.port_type import PortType, stream_of
from weft_engine.nodes.ports import PortDef, Work
from weft_engine.nodes.spec import ERROR_PORT

__all__ = ["Given", "Lowered", "LoweredNode", "NodeBuildError", "lower", "policy_of"]


@dataclass(frozen=True, slots=True)
class _Port:
    """Where an output's records come from."""

    ref: Ref
    skips: bool = False
    """Whether it has `SKIP` in the place of some records."""


def lower(
    compiled: Compiled,
    selection: Selection,
    *,
    context: Callable[[str], NodeContext],
    tap: MakeTap,
    reuse: Callable[[str, str], Any] | None = None,
    given: Mapping[tuple[str, str], Given] | None = None,
    collect: Callable[[str, str], Tap | None] | None = None,
) -> Lowered:
    """Turn a flow, or a part of it, into a graph, for one run.

    Args:
        compiled: The flow.
        selection: Which of its nodes take part.
        context: Gives each node its view of the run.
        tap: Makes what looks at a port.
        reuse: Reads an earlier output: a list for a stream, else the value.
        given: Of a part: outputs (node, port) of nodes that lie outside; all other nodes outside
            are passed over.
        collect: Of a part: what takes everything that a port gives, in the order of its records
            and with `SKIP` where there are gaps; None for ports that nobody outside reads.

    Raises:
        NodeBuildError: when a node's `build` failed.
    """
    return _Lowering(compiled, selection, context, tap, reuse, given, collect).run()


class _Lowering:
    def __init__(
        self,
        compiled: Compiled,
        selection: Selection,
        context: Callable[[str], NodeContext],
        tap: MakeTap,
        reuse: Callable[[str, str], Any] | None,
        given: Mapping[tuple[str, str], Given] | None,
        collect: Callable[[str, str], Tap | None] | None,
    ) -> None:
        self.compiled = compiled
        self.flow = compiled.flow
        self.wiring = compiled.wiring
        self.selection = selection
        self.context = context
        self.make_tap = tap
        self.reuse = reuse
        self.given = given
        self.collect = collect
        self.graph = Graph()
        self.ports: dict[tuple[str, str], _Port] = {}
        self.lowered = Lowered(self.graph)
        self.edges = {edge.id: edge for edge in self.flow.edges}
        self.kept = self._kept()
        self.spared = spared_in(compiled.ahead, selection.run)
        # Fresh ones: what a node keeps on itself must not reach from one run into another.
        names = compiled.nodes if given is None else selection.run
        self.nodes = {
            name: compiled.nodes[name].model_copy() for name in names if name in compiled.nodes
        }

    def run(self) -> Lowered:
        if self.given is not None:
            self._part(self.given)
            return self.lowered
        for name in self.wiring.order:
            if name in self.selection.reused:
                self._reused(name)
            elif name not in self.selection.run:
                self.lowered.skipped[name] = "not_selected"
            else:
                self._node(name, self.flow.nodes[name])
        return self.lowered

    def _part(self, given: Mapping[tuple[str, str], Given]) -> None:
        for (name, port), found in given.items():
            if found.records is not None:
                self.ports[name, port] = _Port(self._constant(found.records), found.skips)
            elif self.wiring.nodes[name].state == "runs":
                vertex = self.graph.add("operator", params={"factory": Absent})
                self.ports[name, port] = _Port(Ref(vertex.id))
        for name in self.wiring.order:
            if name in self.selection.run:
                self._node(name, self.flow.nodes[name])

    def _kept(self) -> frozenset[str]:
        """The nodes whose outputs are wanted in full: those of the flow."""
        if self.flow.outputs:
            return frozenset(self.flow.outputs)
        run = self.selection.run
        sources = {edge.source for edge in self.flow.edges if edge.target in run}
        return frozenset(run - sources)

    # Nodes

    def _node(self, name: str, node: Node) -> None:
        if node.disabled:
            self.lowered.skipped[name] = "disabled"
            return
        info = LoweredNode(
            inputs={
                port: [self.edges[key] for key in keys]
                for port, keys in self.wiring.nodes[name].inputs.items()
            }
        )
        if node.pinned is not None:
            info.pinned = True
            self.lowered.nodes[name] = info
            self._pinned(name, node.pinned, info)
            return
        wired = self._wired(info)
        work = self.compiled.works[name]
        for port in work.inputs:
            if port.required and not wired.get(port.name):
                self.lowered.skipped[name] = "input_skipped"
                return
        if self._without_records(name, wired):
            self.lowered.skipped[name] = "input_skipped"
            return
        self.lowered.nodes[name] = info
        info.spared = self.spared.get(name)
        policy = policy_of(node)
        keep = self.nodes[name].info.effects
        try:
            with self.graph.owned(name, policy, keep=keep):
                if work.kind == "process":
                    self._process(name, work, wired, info, policy)
                else:
                    self._build(name, work, wired, info, policy)
        except NodeBuildError:
            raise
        except Exception as exc:
            raise NodeBuildError(name) from exc

    def _without_records(self, name: str, wired: Mapping[str, list[tuple[Edge, _Port]]]) -> bool:
        """Whether it works record by record, and nothing is left that would say for which."""
        left = (edge for found in wired.values() for edge, _ in found)
        lifted = self.wiring.nodes[name].lifted
        return lifted and all(self.wiring.edges[edge.id].how != "lift" for edge in left)

    def _wired(self, info: LoweredNode) -> dict[str, list[tuple[Edge, _Port]]]:
        """The edges that may carry something, by input port."""
        return {
            port: [
                (edge, self.ports[edge.source, edge.source_port])
                for edge in edges
                if (edge.source, edge.source_port) in self.ports
            ]
            for port, edges in info.inputs.items()
        }

    def _process(
        self,
        name: str,
        work: Work,
        wired: Mapping[str, list[tuple[Edge, _Port]]],
        info: LoweredNode,
        policy: Policy,
    ) -> None:
        refs: list[Ref] = []
        streams: list[int] = []
        inputs: list[Input] = []
        skips = False
        for port in work.inputs:
            places: list[int] = []
            for edge, source in wired.get(port.name, ()):
                how = self.wiring.edges[edge.id].how
                if how == "lift":
                    streams.append(len(refs))
                    skips = skips or source.skips
                places.append(len(refs))
                refs.append(self._collected(source, info) if how == "collect" else source.ref)
            if places:
                inputs.append(Input(port.name, tuple(places), port.multiple, port.required))
        routed = policy.on_error == "route"
        call = Call(self.nodes[name], work, inputs, self.context(name), routed=routed)
        info.calls = call
        info.once = not streams and policy.on_error == "skip"
        choice = choose(call, policy, len(refs), streams, skips=skips)
        vertex = self.graph.add(
            choice.kind,
            *refs,
            name=self.flow.nodes[name].type,
            params={"factory": choice.factory},
            outputs=choice.outputs,
        )
        lifted = bool(streams)
        for index, output in enumerate(work.outputs):
            in_step = lifted and not output.type.stream
            self._out(name, output.name, Ref(vertex.id, index), info, skips=in_step)
        if routed and work.output(ERROR_PORT) is None:
            self._out(name, ERROR_PORT, Ref(vertex.id, call.outputs), info, skips=lifted)
        if not work.outputs:
            self._view(name, wired, info)

    def _collected(self, source: _Port, info: LoweredNode) -> Ref:
        vertex = self.graph.add("collect", self._live(source))
        info.entries.append(vertex.id)
        return Ref(vertex.id)

    def _build(
        self,
        name: str,
        work: Work,
        wired: Mapping[str, list[tuple[Edge, _Port]]],
        info: LoweredNode,
        policy: Policy,
    ) -> None:
        arguments: dict[str, Any] = {}
        for port in work.inputs:
            streams = [
                DataStream[Any](self.graph, self._stream(edge, source, port))
                for edge, source in wired.get(port.name, ())
            ]
            if streams:
                arguments[port.name] = streams if port.multiple else streams[0]
        if work.takes_context:
            arguments["ctx"] = self.context(name)
        begin = len(self.graph.vertices)
        node = self.nodes[name]
        built = node.build(**arguments)  # type: ignore[attr-defined]
        results: Sequence[Any] = built if work.named else (built,)
        own = [vertex for vertex in self.graph.vertices[begin:] if vertex.owner == name]
        info.entries += [
            vertex.id for vertex in own if any(ref.operator < begin for ref in vertex.inputs)
        ]
        for output, stream in zip(work.outputs, results, strict=False):
            self._out(name, output.name, stream.ref, info)
        if policy.on_error == "route" and work.output(ERROR_PORT) is None:
            errors = [Ref(vertex.id, vertex.outputs) for vertex in own]
            if errors:
                self._out(name, ERROR_PORT, self._union(errors), info)
        if not work.outputs:
            info.shown = node.shown()
            self._view(name, wired, info, built if isinstance(built, DataStream) else None)

    def _stream(self, edge: Edge, source: _Port, port: PortDef) -> Ref:
        """An input of `build`, as a stream without gaps."""
        ref = self._records(edge, source)
        spared = self.spared.get(edge.target)
        if spared is not None and spared.ahead.over[0] == edge.target:
            ref = ask_ahead(self.graph, ref, self.nodes[spared.ahead.filter], spared, self.context)
        if not port.required and not port.multiple:
            with self.graph.owned(""):
                params = {"factory": Present}
                ref = Ref(self.graph.add("operator", ref, name="present", params=params).id)
        return ref

    def _records(self, edge: Edge, source: _Port) -> Ref:
        """What an edge carries, record by record."""
        ref = self._live(source)
        if self.wiring.edges[edge.id].how == "explode":
            ref = Ref(self.graph.add("flat_map", ref, params={"fn": iter}).id)
        return ref

    def _union(self, refs: Sequence[Ref]) -> Ref:
        return Ref(self.graph.add("union", *refs, name="errors").id)

    def _live(self, source: _Port) -> Ref:
        """The records of an output without those that were skipped."""
        if not source.skips:
            return source.ref
        with self.graph.owned(""):
            params = {"factory": DropSkips}
            return Ref(self.graph.add("linear", source.ref, name="live", params=params).id)

    # Outputs

    def _out(
        self, name: str, port: str, ref: Ref, info: LoweredNode, *, skips: bool = False
    ) -> None:
        """Put a tap behind an output, and let others read what comes through."""
        wired = self.wiring.output(name, port)
        kind = wired.type if wired is not None else PortType("Any")
        info.outputs[port] = kind
        tapped = self._tapped(name, port, kind, _Port(ref, skips))
        self.ports[name, port] = _Port(tapped, skips)

    def _tapped(self, name: str, port: str, kind: PortType, source: _Port) -> Ref:
        tap = self.make_tap(name, port, kind)
        if (spared := self.spared.get(name)) is not None:
            spared.watch(name, tap)
        if name in self.compiled.partly and isinstance(tap, SparingTap):
            tap.only_part()
        whole = self.collect(name, port) if self.collect is not None else None
        with self.graph.owned(name, PLAIN):
            vertex = self.graph.add(
                "linear",
                source.ref,
                name=f"tap {port}",
                params={"factory": partial(TapOperator, tap, skips=source.skips, whole=whole)},
                keep=name in self.kept or whole is not None,
            )
        return Ref(vertex.id)

    def _view(
        self,
        name: str,
        wired: Mapping[str, list[tuple[Edge, _Port]]],
        info: LoweredNode,
        built: DataStream[Any] | None = None,
    ) -> None:
        """Keep what goes into a node without outputs for looking at."""
        first = next((found[0] for found in wired.values() if found), None)
        if first is None:
            return
        edge, source = first
        kind = self.wiring.edges[edge.id].type
        if built is not None:
            source = _Port(built.ref)
        elif info.shown is not None and not kind.stream:
            source, kind = _Port(self._records(edge, source)), stream_of(_item(kind))
        info.outputs[VIEW] = kind
        self._tapped(name, VIEW, kind, source)

    # Values that are there already

    def _pinned(self, name: str, pinned: Any, info: LoweredNode) -> None:
        ports = self.wiring.nodes[name].outputs
        given = pinned if isinstance(pinned, Mapping) else dict.fromkeys(list(ports)[:1], pinned)
        with self.graph.owned(name):
            for port, wired in ports.items():
                stream = wired.type.stream
                if port in given:
                    ref = self._constant(partial(_as_records, given[port], stream=stream))
                else:
                    ref = Ref(self.graph.add("operator", params={"factory": Absent}).id)
                self._out(name, port, ref, info)

    def _reused(self, name: str) -> None:
        read = self.reuse
        if read is None:
            return
        self.lowered.skipped[name] = "reused"
        used = {edge.source_port for edge in self.flow.edges if edge.source == name}
        for port, wired in self.wiring.nodes[name].outputs.items():
            if port in used:
                stream = wired.type.stream
                records = partial(_earlier, read, name, port, stream=stream)
                self.ports[name, port] = _Port(self._constant(records))

    def _constant(self, records: Callable[[], Iterable[Any]]) -> Ref:
        return Ref(self.graph.add("source", name="constant", params={"factory": records}).id)


def _item(kind: PortType) -> PortType:
    return kind.inner if kind.list else kind


def _as_records(value: Any, *, stream: bool) -> list[Any]:
    return value if stream and isinstance(value, list) else [value]


def _earlier(read: Callable[[str, str], Any], node: str, port: str, *, stream: bool) -> list[Any]:
    return _as_records(read(node, port), stream=stream)
