"""What is known of the units of a scope before any run: made once for a plan, then shared."""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from weft_engine.compiler.batching import BatchSize, gathers
from weft_engine.compiler.calls import Call
from weft_engine.compiler.lowered import policy_of
from weft_engine.compiler.program import ScopePlan, Unit
from weft_engine.flow.model import Node
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.nodes.node_type import NodeClass, NodeType
from weft_engine.nodes.port_type import PortType, stream_of
from weft_engine.nodes.ports import PortDef, Work
from weft_engine.nodes.spec import ERROR_PORT

Key = tuple[str, str]
"""A node's output: node, port."""

CONCURRENCY: Final = 16
"""How many calls of an asynchronous node are under way at a time."""
_MOST: Final = 256
_SECTION: Final = re.compile(r"@[^/]*")


@dataclass(slots=True, eq=False)
class Slot:
    """An input port that something is wired to."""

    name: str
    keys: tuple[Key, ...]
    hows: tuple[str, ...]
    """What happens on the way, by edge: `lift`, `collect`, …"""
    multiple: bool
    required: bool


@dataclass(slots=True, eq=False)
class Planned:
    """One unit, as the scheduler needs it."""

    number: int
    """Its place among the units of the scope."""
    unit: Unit
    name: str
    """Its node; of a stretch, the first."""
    path: str
    node: Node
    followers: tuple[int, ...] = ()
    waits: int = 0
    """How many units come before it."""
    before: tuple[int, ...] = ()
    """All units that lie before it, near and far, in the order of the flow."""
    place: int = 0
    """Where it stands in the order of the flow."""
    work: Work | None = None
    slots: tuple[Slot, ...] = ()
    policy: Policy = PLAIN
    light: bool = False
    """It is called in the run's own thread."""
    effects: bool = False
    parks: bool = False
    routed: bool = False
    ports: tuple[tuple[str, PortType], ...] = ()
    """Its outputs, that for failures included, with their types in this flow."""
    simple: bool = False
    """It takes one value, as its first argument."""
    sources: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """What its inputs are wired to, as events tell it."""
    shared: Call | None = None
    """How it is called, when nothing of a run can stick to the node."""
    collects: tuple[str, ...] = ()
    """Its inputs that are lists made of streams."""
    kinds: dict[str, PortType] = field(default_factory=dict)
    """`ports`, by name."""
    names: dict[str, str] = field(default_factory=dict)
    """`kinds` as they are written."""
    concurrency: int = 1
    reads: frozenset[Key] = frozenset()
    """Its outputs that are read outside it."""
    inputs: tuple[Key, ...] = ()
    """Outputs outside it that it reads."""


@dataclass(slots=True, eq=False)
class PlannedScope:
    """One scope, as the scheduler needs it."""

    plan: ScopePlan
    prefix: str
    """What the paths of its nodes begin with: `loop/`."""
    units: tuple[Planned, ...]
    first: tuple[int, ...]
    """Units that nothing comes before."""
    idle: Mapping[str, str]
    """Nodes that are no part of it, and why: `disabled`, `not_selected`, `input_skipped`,
    `unused`."""
    sources: Mapping[str, dict[str, list[dict[str, str]]]]
    """What the inputs of every node are wired to."""

    def of(self, node: str) -> Planned | None:
        """The unit that a node is part of."""
        number = self.plan.unit_of.get(node)
        return next((unit for unit in self.units if unit.unit.id == number), None)


_known: OrderedDict[int, PlannedScope] = OrderedDict()
_lock = threading.Lock()


def planned(plan: ScopePlan) -> PlannedScope:
    """What the scheduler needs of a scope; the same object for the same plan."""
    with _lock:
        found = _known.get(id(plan))
        if found is not None and found.plan is plan:
            _known.move_to_end(id(plan))
            return found
    made = _Planning(plan).scope()
    with _lock:
        _known[id(plan)] = made
        while len(_known) > _MOST:
            _known.popitem(last=False)
    return made


class _Planning:
    def __init__(self, plan: ScopePlan) -> None:
        self.plan = plan
        self.flow = plan.compiled.flow
        self.wiring = plan.compiled.wiring
        self.edges = {edge.id: edge for edge in self.flow.edges}
        self.prefix = f"{_SECTION.sub('', plan.path)}/" if plan.path else ""
        self.reads = self._reads()
        self.sources = {name: self._sources(name) for name in self.flow.nodes}

    def scope(self) -> PlannedScope:
        plan = self.plan
        places = {unit.id: number for number, unit in enumerate(plan.units)}
        units = tuple(self._unit(number, unit) for number, unit in enumerate(plan.units))
        followers: list[list[int]] = [[] for _ in units]
        for at, planned in enumerate(units):
            direct = sorted(places[number] for number in planned.unit.before)
            planned.waits = len(direct)
            for number in direct:
                followers[number].append(at)
        for at, planned in enumerate(units):
            planned.followers = tuple(followers[at])
        order = {name: at for at, name in enumerate(self.wiring.order)}
        for planned in units:
            planned.place = order.get(planned.name, len(order))
        _set_before(units, places)
        return PlannedScope(
            plan=plan,
            prefix=self.prefix,
            units=units,
            first=tuple(at for at, unit in enumerate(units) if unit.waits == 0),
            idle=dict(self._idle()),
            sources=self.sources,
        )

    def _unit(self, number: int, unit: Unit) -> Planned:
        name = unit.nodes[0]
        node = self.flow.nodes[name]
        made = Planned(number, unit, name, self.prefix + name, node)
        made.reads = frozenset(
            (name, port) for name in unit.nodes for port in self.reads.get(name, ())
        )
        made.inputs = tuple(
            dict.fromkeys(
                (source["source"], source["source_port"])
                for inside in unit.nodes
                for sources in self.sources[inside].values()
                for source in sources
                if source["source"] not in unit.nodes
            )
        )
        made.sources = self.sources[name]
        work = self.plan.compiled.works.get(name)
        known = self.plan.compiled.nodes
        made.effects = any(type(known[one]).info.effects for one in unit.nodes if one in known)
        if unit.kind == "stream" or work is None or name not in self.plan.compiled.nodes:
            return made
        built = self.plan.compiled.nodes[name]
        info = type(built).info
        made.work = work
        made.slots = tuple(self._slots(name, work))
        made.policy = policy_of(node)
        made.parks = info.parks
        made.routed = node.on_error == "route" and work.output(ERROR_PORT) is None
        made.ports = tuple(self._ports(name, work, made))
        made.kinds = dict(made.ports)
        made.names = {port: str(kind) for port, kind in made.ports}
        made.collects = tuple(slot.name for slot in made.slots if "collect" in slot.hows)
        made.simple = (
            len(made.slots) == 1
            and not made.slots[0].multiple
            and made.slots[0].name == work.inputs[0].name
        )
        made.light = (
            unit.kind == "call"
            and not info.effects
            and info.cost == "cheap"
            and not work.asynchronous
            and node.timeout_s is None
        )
        if made.light and not work.takes_context and is_bare(type(built)):
            made.shared = Call(built, work, (), _NOBODY, routed=made.routed)
        wanted = getattr(built, "concurrency", CONCURRENCY if work.asynchronous else 1)
        made.concurrency = wanted if isinstance(wanted, int) else 1
        if unit.kind == "map" and gathers(built, work, node.timeout_s):
            made.concurrency = max(made.concurrency, BatchSize.of(built).most)
        return made

    def _slots(self, name: str, work: Work) -> Iterator[Slot]:
        wired = self.wiring.nodes[name].inputs
        for port in work.inputs:
            keys = wired.get(port.name, ())
            if keys:
                ends = tuple((self.edges[key].source, self.edges[key].source_port) for key in keys)
                hows = tuple(self.wiring.edges[key].how for key in keys)
                yield Slot(port.name, ends, hows, port.multiple, port.required)

    def _ports(self, name: str, work: Work, made: Planned) -> Iterator[tuple[str, PortType]]:
        for port in work.outputs:
            yield port.name, self._kind(name, port, made)
        if made.routed:
            wired = self.wiring.output(name, ERROR_PORT)
            yield ERROR_PORT, wired.type if wired is not None else PortType("Any")

    def _kind(self, name: str, port: PortDef, made: Planned) -> PortType:
        wired = self.wiring.output(name, port.name)
        if wired is not None:
            return wired.type
        return stream_of(port.type) if made.unit.kind == "map" else port.type

    def _reads(self) -> dict[str, set[str]]:
        """Ports that are read outside the unit of their node, by node."""
        found: dict[str, set[str]] = {}
        unit_of = self.plan.unit_of
        for edge in self.flow.edges:
            if unit_of.get(edge.source) != unit_of.get(edge.target):
                found.setdefault(edge.source, set()).add(edge.source_port)
        for edge in (edge for edges in self.plan.exits.values() for edge in edges):
            found.setdefault(edge.source, set()).add(edge.source_port)
        for name, port in _captured(self.plan):
            found.setdefault(name, set()).add(port)
        for name in self.plan.outputs if self.plan.container is not None else ():
            found.setdefault(name, set()).update(self.wiring.nodes[name].outputs)
        return found

    def _sources(self, name: str) -> dict[str, list[dict[str, str]]]:
        found = self.wiring.nodes.get(name)
        if found is None:
            return {}
        return {
            port: [
                {"source": self.edges[key].source, "source_port": self.edges[key].source_port}
                for key in keys
                if key in self.edges
            ]
            for port, keys in found.inputs.items()
        }

    def _idle(self) -> Iterator[tuple[str, str]]:
        """Nodes that no unit holds, in their order."""
        for name in self.wiring.order:
            if name in self.plan.unit_of or name in self.plan.given:
                continue
            state = self.wiring.nodes[name].state
            if name not in self.plan.compiled.nodes:
                yield name, "not_selected"
            else:
                unused = "unused" if name in self.plan.unused else "input_skipped"
                yield name, "disabled" if state == "disabled" else unused


def _set_before(units: tuple[Planned, ...], places: Mapping[int, int]) -> None:
    """All units before each, by way of those right before it."""
    far: dict[int, set[int]] = {}
    for unit in sorted(units, key=lambda unit: len(unit.unit.before)):
        _far(unit.number, units, places, far)
        unit.before = tuple(sorted(far[unit.number], key=lambda number: units[number].place))


def _far(
    start: int,
    units: tuple[Planned, ...],
    places: Mapping[int, int],
    known: dict[int, set[int]],
) -> None:
    """Without recursion: chains may be long."""
    todo = [start]
    while todo:
        number = todo[-1]
        near = [places[before] for before in units[number].unit.before]
        missing = [before for before in near if before not in known]
        if missing:
            todo += missing
            continue
        known[number] = set(near).union(*(known[before] for before in near))
        todo.pop()


def _captured(plan: ScopePlan) -> Iterator[Key]:
    """Outputs that scopes inside this one read, however deep they lie."""
    for container, sections in plan.inner.items():
        for inner in sections.values():
            for name, ports in inner.given.items():
                if name != container:
                    yield from ((name, port) for port in ports)
            yield from _captured(inner)


@lru_cache(maxsize=1024)
def is_bare(cls: NodeClass) -> bool:
    """Whether a node of that class has nowhere to keep anything, so that runs may share it."""
    members = (member for base in cls.__mro__ for member in vars(base).values())
    kept = any(isinstance(member, cached_property) for member in members)
    return (
        not kept
        and not cls.__private_attributes__
        and cls.open is NodeType.open
        and cls.close is NodeType.close
        and bool(cls.model_config.get("frozen"))
    )


class _Nobody:
    """Stands where a call that asks for no context would find it."""

    node_id = ""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


_NOBODY: Final[Any] = _Nobody()
