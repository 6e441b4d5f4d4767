"""How a flow in streaming mode is divided: what is there before the stream, and what is part of it.

Single values do not stream. Every node that gives one, and all that such a node depends on, works
once, before the stream begins; what it gave stays the same for as long as the run lives. The rest
becomes operators: sources, nodes that compose operators, and *stretches* of nodes that are called
for each record. A stretch is what hangs together over one stream: one operator leads a record
through all its nodes, so what is in step stays in step, however many subtasks there are.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from weft_engine.compiler.compiled import Compiled
from weft_engine.flow.model import Edge

TRIGGER = "trigger."


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nodes that are called for each record of one stream."""

    over: str
    """The port `node.port` where the records are made; `node.event` of a trigger."""
    nodes: tuple[str, ...]
    """Each after those it reads."""
    trigger: str | None = None
    """The trigger whose events are the records; it is the first of the nodes."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The nodes of a flow, by when and how they work."""

    before: frozenset[str]
    """Work once, before the stream begins."""
    stretches: tuple[Stretch, ...] = ()
    stretch_of: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Nodes that do not take part, and why."""


def divide(compiled: Compiled) -> Parts:
    """Divide a flow that passed its checks."""
    return _Dividing(compiled).run()


def is_trigger(compiled: Compiled, name: str) -> bool:
    """Whether the records of a node are events."""
    return compiled.flow.nodes[name].type.startswith(TRIGGER)


class _Dividing:
    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._wiring = compiled.wiring
        self._edges = {edge.id: edge for edge in compiled.flow.edges}
        self._skipped = {
            name: "disabled" if self._wiring.nodes[name].state == "disabled" else "input_skipped"
            for name in self._wiring.order
            if self._wiring.nodes[name].state != "runs"
        }
        self._names = [name for name in self._wiring.order if name not in self._skipped]

    def run(self) -> Parts:
        before = self._before()
        stretches = self._stretches(before)
        return Parts(
            before=frozenset(before),
            stretches=tuple(stretches),
            stretch_of={name: at for at, each in enumerate(stretches) for name in each.nodes},
            skipped=self._skipped,
        )

    def _into(self, name: str) -> list[Edge]:
        found = self._wiring.nodes[name].inputs.values()
        return [self._edges[key] for keys in found for key in keys if self._wiring.edges[key].live]

    def _how(self, edge: Edge) -> str:
        return self._wiring.edges[edge.id].how

    # Before the stream

    def _before(self) -> set[str]:
        roots: set[str] = set()
        for name in self._names:
            if self._gives_values(name):
                roots.add(name)
            if self._compiled.works[name].kind == "process":
                roots.update(e.source for e in self._into(name) if self._how(e) != "lift")
        before = self._with_ancestors(roots)
        while more := self._in_step_with(before):
            before = self._with_ancestors(before | more)
        return before

    def _gives_values(self, name: str) -> bool:
        """Whether a node works once, on values."""
        node, work = self._compiled.flow.nodes[name], self._compiled.works[name]
        if node.pinned is not None:
            return True
        if work.kind != "process" or self._wiring.nodes[name].lifted:
            return False
        if is_trigger(self._compiled, name) or hasattr(self._compiled.nodes[name], "source"):
            return False
        streams = any(port.type.stream for port in work.outputs)
        return not streams or work.named or work.asynchronous

    def _with_ancestors(self, roots: Collection[str]) -> set[str]:
        found: set[str] = set()
        open_ = list(roots)
        while open_:
            name = open_.pop()
            if name in found or name in self._skipped:
                continue
            found.add(name)
            if self._compiled.flow.nodes[name].pinned is None:
                open_ += [edge.source for edge in self._into(name)]
        return found

    def _in_step_with(self, before: set[str]) -> set[str]:
        """Nodes that pair their records with those of a node that worked before."""
        return {
            name
            for name in self._names
            if name not in before
            and any(
                edge.source in before
                and self._how(edge) == "lift"
                and self._wiring.nodes[edge.source].lifted
                and not self._starts_stream(edge)
                for edge in self._into(name)
            )
        }

    def _starts_stream(self, edge: Edge) -> bool:
        """Whether the records of an edge are made where it begins."""
        return self._wiring.edges[edge.id].origin == f"{edge.source}.{edge.source_port}"

    # Stretches

    def _stretches(self, before: set[str]) -> list[Stretch]:
        leader: dict[str, str] = {}

        def find(name: str) -> str:
            while leader[name] != name:
                leader[name] = leader[leader[name]]
                name = leader[name]
            return name

        for name in self._names:
            if name in before or not self._called_by_record(name):
                continue
            leader[name] = name
            for edge in self._into(name):
                one = edge.source
                if one in leader and self._how(edge) == "lift" and not self._starts_stream(edge):
                    leader[find(name)] = find(one)
        groups: dict[str, list[str]] = {}
        for name in self._names:
            if name in leader:
                groups.setdefault(find(name), []).append(name)
        return [self._stretch(names) for names in groups.values()]

    def _called_by_record(self, name: str) -> bool:
        lifted = self._wiring.nodes[name].lifted
        return self._compiled.works[name].kind == "process" and (
            lifted or is_trigger(self._compiled, name)
        )

    def _stretch(self, names: list[str]) -> Stretch:
        first = names[0]
        if is_trigger(self._compiled, first):
            return Stretch(f"{first}.event", tuple(names), first)
        over = self._wiring.nodes[first].over
        return Stretch(over or "", tuple(names))
