"""The nodes of a program with signatures, by which two programs are compared.

Unlike the signatures that the compiler makes, these are there for every node, whatever it does:
they say whether a node is the same as in an earlier run, not whether it would give the same again.
So another attempt takes over what a run has done, files that were read and mails that were sent
included.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from weft_engine.compiler.calling import CALL, called, calls_of, is_isolated
from weft_engine.compiler.program import Program, ScopePlan, Unit
from weft_engine.compiler.signatures import digest
from weft_engine.flow.model import Node
from weft_engine.flow.topology import reach
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import BODY

_OF_NO_MATTER: Final = {"name", "position", "size", "parent", "notes", "priority", "resources",
                        "queue_capacity", "timeout_s", "retry", "version"}  # fmt: skip
_APART: Final = frozenset({"control.for_each"})
"""Containers whose rounds know nothing of each other."""
_BUILT_IN: Final = "weft_engine."
_INPUT: Final = "flow.input"
_NAMES: Final = {
    name: re.compile(rf"\b{name}\b(?:\.([A-Za-z_][A-Za-z0-9_]*))?") for name in ("inputs", "vars")
}
"""Expressions that read them, maybe by a name."""


@dataclass(frozen=True, slots=True)
class Part:
    """A node of a program."""

    path: str
    """`fetch`, `loop/fetch`."""
    own: str
    """Signature of the node by itself: type, settings, policies, and what it reads of the run."""
    entry: str
    """Signature of the node with all that leads to it."""
    whole: str
    """Of a container: with everything in it. Of others the same as `entry`."""
    given: str
    """Of a container: what its inside is given, whatever its own settings are."""
    body: str
    """Of a container: its inside."""
    repeats: bool
    """Of a container: its inside is gone through more than once."""
    carries: bool
    """Of a container: rounds after the first depend on those before."""
    sources: tuple[str, ...]
    """Paths of the nodes right before it, in its scope."""
    behind: frozenset[str]
    """Paths of all nodes behind it, in its scope."""
    unit: tuple[str, ...]
    """Paths of the nodes it is worked on together with, itself included."""
    stretch: bool
    """Only what leaves its unit is kept."""
    left: frozenset[tuple[str, str]]
    """Outputs of its unit (path, port) that others read."""
    runs: bool
    effects: bool
    calls: str
    """The flow that it calls as a run of its own; empty where it does not."""


@dataclass(frozen=True, slots=True)
class _World:
    """What nodes read of the run they are in."""

    inputs: Mapping[str, Any]
    variables: Mapping[str, Any]
    flows: Mapping[str, Any]
    around: str = ""
    """Of a called flow: the signature of what it is called with."""


def parts_of(
    program: Program, inputs: Mapping[str, Any], flows: Mapping[str, Any], catalogue: Catalogue
) -> dict[str, Part]:
    """The nodes of a program by their paths, outer ones first.

    Nodes behind `control.on_error` are none of them: they belong to one failure of one run.
    """
    declared = {name: given.default for name, given in program.flow.inputs.items()}
    world = _World({**declared, **inputs}, program.flow.variables, flows)
    found: dict[str, Part] = {}
    _Scope(program.top, "", world, catalogue, found).walk({})
    return found


@dataclass
class _Scope:
    plan: ScopePlan
    prefix: str
    world: _World
    catalogue: Catalogue
    found: dict[str, Part]
    own: dict[str, str] = field(default_factory=dict)
    """`whole` of its nodes by name."""

    def walk(self, outer: Mapping[str, str]) -> None:
        """Note the nodes of the scope; `outer` has the signatures of what it is given."""
        flow, wiring = self.plan.compiled.flow, self.plan.compiled.wiring
        units = {name: unit for unit in self.plan.units for name in unit.nodes}
        after: dict[str, list[str]] = {}
        for source, target in self._ends():
            after.setdefault(source, []).append(target)
        for name in wiring.order:
            if name in self.plan.given or name not in flow.nodes:
                continue
            reads = self._reads(name)
            known = {**outer, **self.own}
            leads = {
                port: [[known.get(source, source), out] for source, out in ends]
                for port, ends in reads.items()
            }
            mine = self._own(name)
            entry = digest([mine, leads])
            given = digest(leads if self._is_control(name) else [mine, leads])
            path = self.prefix + name
            place = len(self.found)
            inside = self._inside(name, given, known)
            whole = digest([entry, inside]) if inside else entry
            self.own[name] = whole
            unit = units.get(name)
            spec = self.catalogue.spec(flow.nodes[name].type)
            repeats = spec is not None and spec.inside is not None and spec.inside.repeats
            part = Part(
                path=path,
                own=mine,
                entry=entry,
                whole=whole,
                given=given,
                body=inside,
                repeats=repeats,
                carries=repeats and flow.nodes[name].type not in _APART,
                sources=tuple(
                    dict.fromkeys(
                        self.prefix + source
                        for ends in reads.values()
                        for source, _ in ends
                        if source in self.own
                    )
                ),
                behind=frozenset(self.prefix + each for each in reach(after, name)),
                unit=tuple(self.prefix + each for each in (unit.nodes if unit else (name,))),
                stretch=unit is not None and unit.kind == "stream",
                left=frozenset(self._left(unit)) if unit else frozenset(),
                runs=unit is not None,
                effects=spec is not None and spec.traits.effects,
                calls=_called_apart(flow.nodes[name]),
            )
            _insert(self.found, place, path, part)

    def _reads(self, name: str) -> dict[str, list[tuple[str, str]]]:
        """What arrives at a node, by port; under no name what only its inside reads."""
        edges = {edge.id: edge for edge in self.plan.compiled.flow.edges}
        wired = self.plan.compiled.wiring.nodes[name].inputs
        reads = {
            port: [(edges[key].source, edges[key].source_port) for key in keys if key in edges]
            for port, keys in wired.items()
        }
        reads[""] = list(self.plan.captures.get(name, ()))
        return reads

    def _ends(self) -> Iterator[tuple[str, str]]:
        for edge in self.plan.compiled.flow.edges:
            yield edge.source, edge.target
        for container, reads in self.plan.captures.items():
            for source, _ in reads:
                yield source, container

    def _left(self, unit: Unit) -> Iterator[tuple[str, str]]:
        """What leaves a unit: by edges, out of the scope, into containers, or as an output."""
        plan = self.plan
        edges = [*plan.compiled.flow.edges, *(e for found in plan.exits.values() for e in found)]
        for edge in edges:
            if edge.source in unit.nodes and edge.target not in unit.nodes:
                yield self.prefix + edge.source, edge.source_port
        for reads in plan.captures.values():
            for source, port in reads:
                if source in unit.nodes:
                    yield self.prefix + source, port
        for name in plan.outputs if plan.container is not None else ():
            if name in unit.nodes:
                yield from (
                    (self.prefix + name, port) for port in plan.compiled.wiring.nodes[name].outputs
                )

    def _own(self, name: str) -> str:
        node = self.plan.compiled.flow.nodes[name]
        spec = self.catalogue.spec(node.type)
        matters = node.model_dump(mode="json", exclude_defaults=True, exclude=_OF_NO_MATTER)
        built = self.plan.compiled.nodes.get(name)
        if built is not None:
            # With the defaults: to write one of them down changes nothing.
            matters["settings"] = built.model_dump(mode="json")
        matters["version"] = spec.version if spec is not None else None
        return digest([matters, self._told(node, matters.get("settings"))])

    def _told(self, node: Node, settings: Any) -> Any:
        """What it reads of the run: inputs, variables, called flows."""
        text = "\n".join(_texts(settings))
        reads = {name: set(pattern.findall(text)) for name, pattern in _NAMES.items()}
        cls = self.catalogue.get(node.type)
        if cls is not None and not cls.__module__.startswith(_BUILT_IN):
            reads = {key: {""} for key in reads}  # it may ask its context
        world = self.world
        told: dict[str, Any] = {}
        if node.type == _INPUT:
            reads["inputs"].add(str(node.settings.get("name")))
        if node.type.startswith("vars."):
            reads["vars"].add("")
        for name, given in (("inputs", world.inputs), ("vars", world.variables)):
            if reads[name]:
                wanted = given if "" in reads[name] else reads[name]
                told[name] = {key: given.get(key) for key in sorted(wanted)}
        if told and world.around:
            told["around"] = world.around
        return json.loads(json.dumps(told, ensure_ascii=True, default=repr))

    def _inside(self, name: str, given: str, known: Mapping[str, str]) -> str:
        """The signature of everything in a container; empty where nothing is."""
        sections = self.plan.inner.get(name) or {}
        node = self.plan.compiled.flow.nodes[name]
        told: list[Any] = []
        for section in sorted(sections, key=lambda each: (each != BODY, each)):
            inner = sections[section]
            world = self.world
            if node.type == CALL:
                flow = inner.compiled.flow
                defaults = {key: each.default for key, each in flow.inputs.items()}
                world = _World(defaults, flow.variables, world.flows, given)
            scope = _Scope(inner, f"{self.prefix}{name}/", world, self.catalogue, self.found)
            # What catches a failure, or comes at last, depends on all that was tried.
            entry = given if section == BODY else digest([given, told])
            scope.walk({} if node.type == CALL else {**known, name: entry})
            exits = sorted(edge.id for edges in inner.exits.values() for edge in edges)
            told.append([section, sorted(scope.own.items()), exits, list(inner.outputs)])
        if node.type == CALL and is_isolated(node):
            told.append(_definitions(called(node), self.world.flows))
        return digest(told) if told else ""

    def _is_control(self, name: str) -> bool:
        """Whether its settings say how often and how long, and never what is done inside."""
        return self.plan.compiled.flow.nodes[name].type.startswith("control.")


def _texts(value: Any) -> Iterator[str]:
    """All texts in settings: as they are, for what is quoted hides where a name begins."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _insert(found: dict[str, Part], place: int, path: str, part: Part) -> None:
    """Put a container before what lies in it."""
    inside = list(found.items())[place:]
    for key, _ in inside:
        del found[key]
    found[path] = part
    found.update(inside)


def _called_apart(node: Node) -> str:
    return called(node) if node.type == CALL and is_isolated(node) else ""


def _definitions(name: str, flows: Mapping[str, Any]) -> dict[str, Any]:
    """A called flow with those it calls, without what only people see."""
    found: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        data = flows.get(each)
        if each in found or not isinstance(data, Mapping):
            continue
        nodes = data.get("nodes")
        bare = {
            key: {field: value for field, value in node.items() if field not in _SEEN}
            for key, node in (nodes.items() if isinstance(nodes, Mapping) else ())
            if isinstance(node, Mapping)
        }
        found[each] = {key: data.get(key) for key in _DEFINED} | {"nodes": bare}
        waiting += calls_of(data)
    return found


_SEEN: Final = frozenset({"name", "position", "size", "notes"})
_DEFINED: Final = ("edges", "inputs", "outputs", "variables")
