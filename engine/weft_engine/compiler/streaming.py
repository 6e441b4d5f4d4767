"""From a compiled flow in streaming mode to a graph of the kernel's streaming runtime.

Sources are read as splits with positions, so that a restart goes on where a checkpoint was; nodes
that compose operators bring keyed state and windows; a stretch of nodes that are called for each
record is one operator. Operators that hold state are named by the ids of their nodes, so that a
changed flow finds its state again.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.lowered import NodeBuildError, policy_of
from weft_engine.compiler.streaming_lowered import Around, Live, LiveNode, LivePort
from weft_engine.compiler.streaming_operators import (
    KeptProcess,
    SinkAtEnd,
    Steps,
    Tap,
    WaitingSteps,
)
from weft_engine.compiler.streaming_parts import Parts, Stretch
from weft_engine.compiler.streaming_queues import capacity, narrow
from weft_engine.compiler.streaming_sources import CallSource, Given
from weft_engine.compiler.streaming_steps import Key, Program, Watch
from weft_engine.compiler.streaming_stretch import make_program
from weft_engine.compiler.taps import VIEW
from weft_engine.flow.model import Edge
from weft_engine.kernel.connectors import Source
from weft_engine.kernel.graph import Graph, Ref, Vertex
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.planner.parallelism import ALWAYS_ONE
from weft_engine.kernel.policy import PLAIN
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.ports import Work
from weft_engine.nodes.spec import ERROR_PORT

_IN_ANY_ORDER: Final = frozenset({"hash", "rebalance", "custom"})


def lower_live(compiled: Compiled, parts: Parts, values: Mapping[Key, Any], around: Around) -> Live:
    """Turn the live part of a flow into a graph.

    Args:
        compiled: The flow.
        parts: How it is divided.
        values: What the nodes before the stream gave, by node and port: a list where the port
            carries a stream; missing where it was not taken.
        around: The run.

    Raises:
        NodeBuildError: when a node's `build` or `source` failed.
    """
    return _Lowering(compiled, parts, values, around).run()


class _Lowering:
    def __init__(
        self, compiled: Compiled, parts: Parts, values: Mapping[Key, Any], around: Around
    ) -> None:
        self.compiled = compiled
        self.flow = compiled.flow
        self.wiring = compiled.wiring
        self.parts = parts
        self.values = values
        self.around = around
        self.graph = Graph(live=True)
        self.live = Live(self.graph)
        self.ports: dict[Key, LivePort] = {}
        self.narrowed: dict[int, int] = {}
        """Operators in front of nodes that let only so many records wait."""
        self.edges = {edge.id: edge for edge in self.flow.edges}
        self.nodes = {name: node.model_copy() for name, node in compiled.nodes.items()}

    def run(self) -> Live:
        done: set[int] = set()
        for name in self.wiring.order:
            if name in self.parts.before:
                continue
            if name in self.parts.skipped:
                self.live.skipped[name] = self.parts.skipped[name]
                continue
            at = self.parts.stretch_of.get(name)
            if at is None:
                self._node(name)
            elif at not in done:
                done.add(at)
                self._stretch(self.parts.stretches[at])
        _keep_order(self.graph, self.around.parallelism)
        return self.live

    # What arrives

    def _info(self, name: str) -> LiveNode:
        wired = self.wiring.nodes[name].inputs.items()
        return LiveNode({port: [self.edges[key] for key in keys] for port, keys in wired})

    def _arrives(self, edge: Edge) -> bool:
        key = (edge.source, edge.source_port)
        return key in self.ports or key in self.values

    def _port(self, edge: Edge) -> LivePort:
        """The records that an edge carries; a value is a stream of one."""
        key = (edge.source, edge.source_port)
        if key not in self.ports:
            value, wired = self.values[key], self.wiring.output(*key)
            many = wired is not None and wired.type.stream and isinstance(value, list)
            with self.graph.owned(""):
                vertex = self.graph.add(
                    "source",
                    name="given",
                    params={"source": Given(value if many else [value])},
                    uid=f"given/{key[0]}.{key[1]}",
                    parallelism=1,
                )
            self.ports[key] = LivePort(Ref(vertex.id), numbered=True)
        return self.ports[key]

    def _lacks(self, name: str, info: LiveNode) -> bool:
        """Whether an input that it needs carries nothing."""
        for port in self.compiled.works[name].inputs:
            edges = info.inputs.get(port.name, ())
            if port.required and not any(self._arrives(edge) for edge in edges):
                return True
        return False

    # Sources, and nodes that compose operators

    def _node(self, name: str) -> None:
        info = self._info(name)
        if self._lacks(name, info):
            self.live.skipped[name] = "input_skipped"
            return
        self.live.nodes[name] = info
        try:
            with self.graph.owned(name, policy_of(self.flow.nodes[name]), keep=True):
                if self.compiled.works[name].kind == "build":
                    self._build(name, info)
                else:
                    self._source(name, info)
        except Exception as exc:
            raise NodeBuildError(name) from exc

    def _source(self, name: str, info: LiveNode) -> None:
        node, work = self.nodes[name], self.compiled.works[name]
        context = self.around.context(name)
        if hasattr(node, "source"):
            source: Source[Any] = node.source(context)
        else:
            source = CallSource(
                type(node),
                self.flow.nodes[name].settings,
                self._constants(info),
                context,
                takes_context=work.takes_context,
                bounded=not node.info.unbounded,
                replayable=node.info.deterministic,
            )
        info.source = True
        vertex = self.graph.add("source", name=node.info.title, params={"source": source}, uid=name)
        info.uids.append(vertex.uid)
        numbered = not hasattr(node, "source")
        for output in work.outputs:
            self._out(name, output.name, LivePort(Ref(vertex.id), numbered), info)

    def _constants(self, info: LiveNode) -> dict[str, Any]:
        """Arguments of a source, all of them there before the stream."""
        found: dict[str, Any] = {}
        for port, edges in info.inputs.items():
            known = [self.values[key] for e in edges if (key := _key(e)) in self.values]
            if known:
                found[port] = known[0]
        return found

    def _build(self, name: str, info: LiveNode) -> None:
        work, node = self.compiled.works[name], self.nodes[name]
        policy = policy_of(self.flow.nodes[name])
        arguments: dict[str, Any] = {}
        numbered = True
        for port in work.inputs:
            edges = [edge for edge in info.inputs.get(port.name, ()) if self._arrives(edge)]
            streams = [self._stream(edge) for edge in edges]
            numbered = numbered and all(self._port(edge).numbered for edge in edges)
            if streams:
                arguments[port.name] = streams if port.multiple else streams[0]
        numbered = numbered and sum(map(_edges, arguments.values())) == 1
        if work.takes_context:
            arguments["ctx"] = self.around.context(name)
        begin = len(self.graph.vertices)
        built = node.build(**arguments)  # type: ignore[attr-defined]
        own = self._adopt(name, begin, info)
        numbered = numbered and not any(
            ship.kind in _IN_ANY_ORDER for vertex in own for ship in vertex.ships
        )
        results = built if work.named else (built,)
        for output, stream in zip(work.outputs, results, strict=False):
            self._out(name, output.name, LivePort(stream.ref, numbered), info)
        if policy.on_error == "route" and work.output(ERROR_PORT) is None and own:
            errors = [Ref(vertex.id, vertex.outputs) for vertex in own]
            union = self.graph.add("union", *errors, name="errors", uid=f"{name}/errors")
            self._out(name, ERROR_PORT, LivePort(Ref(union.id)), info)
        if not work.outputs:
            self._view(name, work, info, built if isinstance(built, DataStream) else None)

    def _stream(self, edge: Edge) -> DataStream[Any]:
        ref = self._port(edge).ref
        if self.wiring.edges[edge.id].how == "explode":
            with self.graph.owned(""):
                uid = f"given/{edge.id}"
                ref = Ref(self.graph.add("flat_map", ref, params={"fn": iter}, uid=uid).id)
        most = capacity([self.flow.nodes[edge.target]])
        if most is not None:
            ref = narrow(self.graph, ref, most, edge.target)
            self.narrowed[ref.operator] = most
        return DataStream[Any](self.graph, ref)

    def _adopt(self, name: str, begin: int, info: LiveNode) -> list[Vertex]:
        """Name the operators that a node has made, and make of some what can be checkpointed."""
        vertices = self.graph.vertices
        own: list[Vertex] = []
        for vertex in vertices[begin:]:
            if vertex.owner != name:
                continue
            adopted = replace(_live_kind(vertex), uid=f"{name}/{len(own)}-{vertex.kind}")
            mosts = [
                self.narrowed[r.operator] for r in vertex.inputs if r.operator in self.narrowed
            ]
            if mosts:
                self.live.queues[adopted.uid] = min(mosts)
                adopted = replace(adopted, chain=False)
            vertices[vertex.id] = adopted
            own.append(adopted)
            info.uids.append(adopted.uid)
            sink = vertex.params.get("sink")
            info.delivery = getattr(sink, "delivery", info.delivery)
        return own

    def _stretch(self, stretch: Stretch) -> None:
        infos = {name: self._info(name) for name in stretch.nodes}
        made = make_program(self.compiled, stretch, infos, self.values, self.around, self._lifted)
        self.live.skipped.update(dict.fromkeys(made.skipped, "input_skipped"))
        if not made.program.steps:
            return
        first = made.program.steps[0].name
        self.live.nodes |= {step.name: infos[step.name] for step in made.program.steps}
        origin = self._events(stretch.trigger) if stretch.trigger else made.origin
        if origin is None:
            raise LookupError(first)
        program = replace(made.program, numbered=origin.numbered)
        uid = f"records/{stretch.over}/{first}"
        most = capacity(self.flow.nodes[step.name] for step in program.steps)
        ref = origin.ref if most is None else narrow(self.graph, origin.ref, most, first)
        if most is not None:
            self.live.queues[uid] = most
        with self.graph.owned(first, PLAIN, keep=True):
            vertex = self.graph.add(
                "custom",
                ref,
                name=" → ".join(step.name for step in program.steps),
                params={"factory": partial(_steps, program=program)},
                outputs=max(len(program.ports), 1),
                uid=uid,
                timed=self.graph.vertices[origin.ref.operator].timed,
                chain=most is None,
            )
        for output, (name, port, _, _) in enumerate(program.ports):
            self.ports[name, port] = LivePort(Ref(vertex.id, output), origin.numbered)
            infos[name].outputs[port] = self._type(name, port)
        for step in program.steps:
            infos[step.name].uids.append(uid)

    def _lifted(self, edge: Edge) -> LivePort | None:
        return self._port(edge) if self._arrives(edge) else None

    def _events(self, name: str) -> LivePort:
        with self.graph.owned(name, keep=True):
            params = {"source": self.around.events(name)}
            vertex = self.graph.add("source", name="events", params=params, uid=name)
        self.live.nodes[name].source = True
        self.live.nodes[name].uids.append(vertex.uid)
        return LivePort(Ref(vertex.id))

    def _type(self, name: str, port: str) -> PortType:
        wired = self.wiring.output(name, port)
        return wired.type if wired is not None else PortType("Any")

    # What leaves

    def _out(self, name: str, port: str, source: LivePort, info: LiveNode) -> None:
        info.outputs[port] = self._type(name, port)
        self.ports[name, port] = replace(source, ref=self._tapped(name, port, source.ref))

    def _tapped(self, name: str, port: str, ref: Ref) -> Ref:
        with self.graph.owned(name, PLAIN, keep=True):
            vertex = self.graph.add(
                "custom",
                ref,
                name=f"tap {port}",
                params={"factory": partial(_tap, watch=self.around.watch(name), port=port)},
                uid=f"tap/{name}.{port}",
                timed=self.graph.vertices[ref.operator].timed,
            )
        return Ref(vertex.id)

    def _view(self, name: str, work: Work, info: LiveNode, built: DataStream[Any] | None) -> None:
        """Show what goes into a node that gives nothing."""
        edges = [e for port in work.inputs for e in info.inputs.get(port.name, ())]
        ref = built.ref if built is not None else None
        for edge in edges if ref is None else ():
            if self._arrives(edge):
                ref = self._port(edge).ref
                break
        if ref is not None:
            info.outputs[VIEW] = self.wiring.edges[edges[0].id].type if edges else PortType("Any")
            self._tapped(name, VIEW, ref)


def _tap(spec: Any, watch: Watch, port: str) -> Tap:
    del spec
    return Tap(watch, port)


def _steps(spec: OperatorSpec, program: Program) -> StreamOperator:
    return (WaitingSteps if program.waits else Steps)(spec, program)


def _key(edge: Edge) -> Key:
    return (edge.source, edge.source_port)


def _edges(argument: Any) -> int:
    if isinstance(argument, list):
        return len(argument)
    return 1 if isinstance(argument, DataStream) else 0


def _live_kind(vertex: Vertex) -> Vertex:
    """The operator as the streaming runtime can keep it in checkpoints."""
    factory: Any = vertex.params.get("factory")
    if vertex.kind == "concat":  # all of one way before the next would wait for ever
        return replace(vertex, kind="union", parallelism=None)
    if vertex.kind == "sink_factory":
        return replace(vertex, kind="operator", params={"factory": partial(SinkAtEnd, factory)})
    if vertex.kind == "process":
        return replace(vertex, kind="operator", params={"factory": partial(KeptProcess, factory)})
    return vertex


def _keep_order(graph: Graph, parallelism: int) -> None:
    """Let every operator run as often as what it reads, so that records are not dealt in turns.

    Only behind a key do more subtasks than that divide the work: there the order of a key's records
    is kept. Sources have as many as they have splits.
    """
    numbers: dict[int, int] = {}
    for vertex in list(graph.vertices):
        number = vertex.parallelism
        keyed = any(ship.kind == "hash" for ship in vertex.ships)
        if number is None and vertex.kind in ALWAYS_ONE:
            number = 1
        if number is None and not vertex.inputs:
            splits = getattr(vertex.params.get("source"), "splits", None)
            many = parallelism > 1 and splits is not None
            number = max(1, min(parallelism, len(splits()))) if many and splits is not None else 1
        if number is None and not keyed:
            number = min(numbers[ref.operator] for ref in vertex.inputs)
        numbers[vertex.id] = number or parallelism
        if vertex.parallelism is None and number is not None:
            graph.vertices[vertex.id] = replace(vertex, parallelism=number)
