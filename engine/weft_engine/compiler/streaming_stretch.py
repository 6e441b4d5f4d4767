"""What a stretch of nodes does with each record, put together from their wiring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft_engine.compiler.calls import Input
from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.lowered import policy_of
from weft_engine.compiler.streaming_lowered import Around, LiveNode, LivePort
from weft_engine.compiler.streaming_parts import Stretch, is_trigger
from weft_engine.compiler.streaming_steps import Key, Program, Step
from weft_engine.compiler.taps import VIEW
from weft_engine.flow.model import Edge
from weft_engine.nodes.ports import PortDef
from weft_engine.nodes.spec import ERROR_PORT
from weft_engine.nodes.types import SKIP


@dataclass(frozen=True, slots=True)
class Made:
    """A program, and where its records come from."""

    program: Program
    origin: LivePort | None
    skipped: tuple[str, ...]
    """Nodes that lack an input."""


def make_program(
    compiled: Compiled,
    stretch: Stretch,
    infos: Mapping[str, LiveNode],
    values: Mapping[Key, Any],
    around: Around,
    lifted: Callable[[Edge], LivePort | None],
) -> Made:
    """Put the program of a stretch together.

    Args:
        compiled: The flow.
        stretch: Its nodes.
        infos: Their edges.
        values: What is there before the stream.
        around: The run.
        lifted: The records that an edge from outside the stretch brings; None for none.
    """
    making = _Making(compiled, stretch, infos, values, around, lifted)
    skipped = [name for name in stretch.nodes if not making.add(name)]
    many = {(step.name, port) for step in making.steps for port in step.streams}
    ports = [(*key, slot, key in many) for key, slot in making.known.items()]
    ports += [
        (step.name, VIEW, step.inputs[0].places[0], False)
        for step in making.steps
        if not step.outputs and step.error is None and step.inputs
    ]
    program = Program(tuple(making.steps), tuple(making.slots), tuple(ports))
    return Made(program, making.origin, tuple(skipped))


@dataclass
class _Making:
    compiled: Compiled
    stretch: Stretch
    infos: Mapping[str, LiveNode]
    values: Mapping[Key, Any]
    around: Around
    lifted: Callable[[Edge], LivePort | None]
    origin: LivePort | None = None
    slots: list[Any] = field(default_factory=lambda: [SKIP])
    known: dict[Key, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def add(self, name: str) -> bool:
        """Add a node; False when it lacks an input."""
        inputs: list[Input] = []
        for port in self.compiled.works[name].inputs:
            places = self._places(name, port)
            if places:
                inputs.append(Input(port.name, places, port.multiple, port.required))
            elif port.required:
                return False
        if not inputs and name != self.stretch.trigger:
            return False
        self.steps.append(self._step(name, tuple(inputs)))
        return True

    def _places(self, name: str, port: PortDef) -> tuple[int, ...]:
        edges = self.infos[name].inputs.get(port.name, ())
        return tuple(place for edge in edges if (place := self._place(edge)) is not None)

    def _place(self, edge: Edge) -> int | None:
        key = (edge.source, edge.source_port)
        if key in self.known:
            return self.known[key]
        if self.compiled.wiring.edges[edge.id].how == "lift":
            origin = self.lifted(edge)
            self.origin = origin or self.origin
            return None if origin is None else 0
        return self._slot(self.values[key]) if key in self.values else None

    def _slot(self, value: Any) -> int:
        self.slots.append(value)
        return len(self.slots) - 1

    def _step(self, name: str, inputs: tuple[Input, ...]) -> Step:
        work, node = self.compiled.works[name], self.flow_node(name)
        info, policy = self.compiled.nodes[name].info, policy_of(node)
        outputs = tuple((port.name, self._slot(SKIP)) for port in work.outputs)
        self.known |= {(name, port): slot for port, slot in outputs}
        error: int | None = None
        if policy.on_error == "route" and work.output(ERROR_PORT) is None:
            self.known[name, ERROR_PORT] = error = self._slot(SKIP)
        return Step(
            name=name,
            cls=type(self.compiled.nodes[name]),
            settings=node.settings,
            inputs=inputs,
            outputs=outputs,
            streams=frozenset(port.name for port in work.outputs if port.type.stream),
            named=work.named,
            by_name=work.by_name,
            takes_context=work.takes_context,
            asynchronous=work.asynchronous,
            heavy=info.effects or info.cost != "cheap",
            policy=policy,
            context=self.around.context(name),
            watch=self.around.watch(name),
            error=error,
            event=is_trigger(self.compiled, name),
        )

    def flow_node(self, name: str) -> Any:
        """The node as the flow has it."""
        return self.compiled.flow.nodes[name]
